# SPDX-License-Identifier: Apache-2.0
"""owner, pending_owner, transfer_ownership, accept_ownership: two steps, and no way to renounce."""

from ipto.structs import ZERO_ADDRESS
from tests.contracts.support.contract import Contract, reverts
from tests.contracts.support.system import System


def test_two_steps(owned: Contract, system: System) -> None:
    assert (owned.owner(), owned.pending_owner()) == (system.owner, ZERO_ADDRESS)
    owned.transfer_ownership(system.heir, sender=system.owner)
    assert owned.events("OwnershipTransferStarted") == [{"previous_owner": system.owner, "new_owner": system.heir}]
    assert (owned.owner(), owned.pending_owner()) == (system.owner, system.heir)
    owned.accept_ownership(sender=system.heir)
    assert owned.events("OwnershipTransferred") == [{"previous_owner": system.owner, "new_owner": system.heir}]
    assert (owned.owner(), owned.pending_owner()) == (system.heir, ZERO_ADDRESS)
    with reverts("ownable: caller is not the owner"):
        owned.transfer_ownership(system.owner, sender=system.owner)


def test_by_the_owner_and_the_named_one_alone(owned: Contract, system: System) -> None:
    with reverts("ownable: caller is not the owner"):
        owned.transfer_ownership(system.thief, sender=system.thief)
    owned.transfer_ownership(system.heir, sender=system.owner)
    for sender in (system.thief, system.owner):
        with reverts("ownable_2step: caller is not the new owner"):
            owned.accept_ownership(sender=sender)


def test_can_be_taken_back_before_it_is_accepted(owned: Contract, system: System) -> None:
    owned.transfer_ownership(system.heir, sender=system.owner)
    owned.transfer_ownership(ZERO_ADDRESS, sender=system.owner)
    with reverts("ownable_2step: caller is not the new owner"):
        owned.accept_ownership(sender=system.heir)


def test_cannot_be_renounced(owned: Contract, system: System) -> None:
    assert "renounce_ownership" not in {name for name, _ in owned.functions}


def test_the_vault_has_no_owner(system: System) -> None:
    assert not {name for name, _ in system.vault.functions} & {"owner", "transfer_ownership", "set_paused", "pause"}
