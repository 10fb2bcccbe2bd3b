# SPDX-License-Identifier: Apache-2.0
"""A dataset license is locked for good: no way of moving it moves it."""

import pytest

from ipto.structs import ZERO_ADDRESS
from tests.contracts.support.contract import reverts
from tests.contracts.support.datasets import BUNDLE, buy, joined, member, opened
from tests.contracts.support.system import System


@pytest.mark.parametrize("extra", [(), (b"",)])
def test_never(system: System, extra: tuple[bytes, ...]) -> None:
    dataset = opened(system)
    joined(system, dataset, member(system, flags=BUNDLE | 2))
    license = buy(system, dataset)
    system.datasets.setApprovalForAll(system.heir, True, sender=system.licensee)
    name = "safeTransferFrom" if extra else "transferFrom"
    for mover in (system.licensee, system.heir, system.owner):
        with reverts("market: license is not transferable"):
            getattr(system.datasets, name)(system.licensee, system.heir, license, *extra, sender=mover)
    with reverts("erc721: no such token"):
        getattr(system.datasets, name)(system.licensee, system.heir, 1, *extra)
    assert system.datasets.locked(license)
    assert not system.datasets.isTransferable(license, system.licensee, system.heir)
    assert system.datasets.isTransferable(1, ZERO_ADDRESS, system.heir)
