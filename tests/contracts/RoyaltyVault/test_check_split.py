# SPDX-License-Identifier: Apache-2.0
"""check_split: the same rules as declare_split, remembered for one transaction."""

import pytest

from ipto import ids
from ipto.structs import SHARE_TOTAL, Share
from tests.contracts.support.build import account, even_split
from tests.contracts.support.contract import reverts
from tests.contracts.support.money import call, market
from tests.contracts.support.system import System


def test_logs_and_forgets(system: System) -> None:
    shares = even_split(system.creator, system.dancer)
    split = system.vault.check_split(shares, system.controller, sender=system.keeper)
    assert split == ids.split_account(shares, system.controller)
    assert system.vault.events("SplitDeclared") == [
        {"split": split, "controller": system.controller, "shares": tuple(share.as_tuple() for share in shares)}
    ]
    assert not system.vault.is_declared(split)


@pytest.mark.parametrize(
    ("shares", "reason"),
    [
        ([], "vault: split is empty"),
        ([(2, 1), (1, SHARE_TOTAL - 1)], "vault: recipients not ascending"),
        ([(1, 1), (1, SHARE_TOTAL - 1)], "vault: recipients not ascending"),
        ([(0, SHARE_TOTAL)], "vault: recipients not ascending"),
        ([(1 << 248, SHARE_TOTAL)], "vault: recipient cannot be paid"),
        ([(2 << 248, SHARE_TOTAL)], "vault: recipient cannot be paid"),
        ([(1, 0), (2, SHARE_TOTAL)], "vault: share is zero"),
        ([(1, SHARE_TOTAL - 1)], "vault: shares do not sum to 1000000"),
    ],
)
def test_refuses_what_declaring_refuses(system: System, shares: list[tuple[int, int]], reason: str) -> None:
    with reverts(reason):
        system.vault.check_split(
            [Share(number.to_bytes(32, "big"), part) for number, part in shares], system.controller
        )


def test_counts_for_the_rest_of_the_transaction(system: System) -> None:
    """Within one transaction an inner split that was checked is a recipient of an outer one."""
    inner_shares = even_split(system.dancer, system.editor)
    inner = system.vault.split_of(inner_shares, system.controller)
    outer = even_split(account(system.creator), inner)
    with reverts("vault: recipient cannot be paid"):
        system.vault.check_split(outer, system.controller)
    market().run(
        [
            call(system.vault, "check_split", inner_shares, system.controller),
            call(system.vault, "declare_split", outer, system.controller),
        ]
    )
    assert system.vault.is_declared(system.vault.split_of(outer, system.controller))
    assert not system.vault.is_declared(inner)


def test_of_a_declared_split_logs_again(system: System) -> None:
    shares = even_split(system.creator, system.dancer)
    split = system.vault.declare_split(shares, system.controller)
    assert system.vault.check_split(shares, system.controller) == split
    assert system.vault.is_declared(split)
