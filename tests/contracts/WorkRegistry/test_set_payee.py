# SPDX-License-Identifier: Apache-2.0
"""set_payee: the owner alone, and never away from a split without the people who answer for it."""

import pytest

from ipto.structs import ZERO32, ZERO_ADDRESS
from tests.contracts.support.build import account, declare, even_split, hold, onboard_message, register, sign
from tests.contracts.support.contract import reverts
from tests.contracts.support.system import System


def splits(system: System, controller: str | None = None) -> tuple[bytes, bytes]:
    """The split a work has, and the one it moves to."""
    old = declare(system, even_split(system.creator, system.dancer), controller or system.controller)
    return old, declare(system, even_split(system.creator, system.editor), system.controller)


def payee_of(system: System, work: int) -> tuple[bytes, int]:
    found = system.registry.work_of(work)
    return found[7], found[4]


def test_from_nobody_in_particular_to_a_split_and_back(system: System) -> None:
    work, (split, _) = register(system), splits(system, system.creator)
    system.registry.set_payee(work, split, sender=system.creator)
    assert system.registry.events("PayeeSet") == [{"work": work, "payee": split}]
    assert payee_of(system, work) == (split, 4)
    assert system.registry.sale_terms(work)[2] == split
    system.registry.set_payee(work, ZERO32, sender=system.creator)  # the owner is the controller
    assert payee_of(system, work) == (ZERO32, 0)
    assert system.registry.sale_terms(work)[2] == ZERO32


def test_needs_the_controller(system: System) -> None:
    old, new = splits(system)
    work = register(system, payee=old)
    for payee in (new, ZERO32):
        with reverts("registry: controller has not approved"):
            system.registry.set_payee(work, payee, sender=system.creator)
    system.registry.approve_payee(system.thief, work, new, sender=system.thief)
    system.registry.approve_payee(system.creator, work, new, sender=system.creator)
    with reverts("registry: controller has not approved"):
        system.registry.set_payee(work, new, sender=system.creator)
    system.registry.approve_payee(system.controller, work, new, sender=system.controller)
    with reverts("registry: controller has not approved"):
        system.registry.set_payee(work, ZERO32, sender=system.creator)
    system.registry.set_payee(work, new, sender=system.creator)
    assert payee_of(system, work) == (new, 4)


def test_an_approval_is_used_up(system: System) -> None:
    old, new = splits(system)
    work = register(system, payee=old)
    for payee in (new, old):
        system.registry.approve_payee(system.controller, work, payee, sender=system.controller)
        system.registry.set_payee(work, payee, sender=system.creator)
    with reverts("registry: controller has not approved"):
        system.registry.set_payee(work, new, sender=system.creator)


def test_an_approval_is_for_one_work(system: System) -> None:
    old, new = splits(system)
    work, other = register(system, payee=old), register(system, payee=old)
    system.registry.approve_payee(system.controller, work, new, sender=system.controller)
    with reverts("registry: controller has not approved"):
        system.registry.set_payee(other, new, sender=system.creator)


def test_a_split_without_controller_is_never_left(system: System) -> None:
    old, new = splits(system, ZERO_ADDRESS)
    work = register(system, payee=old)
    for payee in (new, ZERO32, old):
        with reverts("registry: split can never be left"):
            system.registry.set_payee(work, payee, sender=system.creator)


def test_a_stewarded_work_needs_the_steward_too(system: System) -> None:
    old, new = splits(system)
    work = register(system, payee=old, steward=str(system.steward))
    system.registry.approve_payee(system.controller, work, new, sender=system.controller)
    with reverts("registry: steward has not approved"):
        system.registry.set_payee(work, new, sender=system.creator)
    system.registry.approve_payee(system.steward, work, new, sender=system.steward)
    system.registry.set_payee(work, new, sender=system.creator)
    system.registry.approve_payee(system.controller, work, old, sender=system.controller)
    with reverts("registry: steward has not approved"):
        system.registry.set_payee(work, old, sender=system.creator)


def test_the_stewards_alone_where_there_is_no_split(system: System) -> None:
    _, new = splits(system)
    work = register(system, steward=str(system.steward))
    with reverts("registry: steward has not approved"):
        system.registry.set_payee(work, new, sender=system.creator)
    system.registry.approve_payee(system.steward, work, new, sender=system.steward)
    system.registry.set_payee(work, new, sender=system.creator)


def test_one_account_in_both_roles_approves_once(system: System) -> None:
    old, new = splits(system, system.steward)
    work = register(system, payee=old, steward=str(system.steward))
    system.registry.approve_payee(system.steward, work, new, sender=system.steward)
    system.registry.set_payee(work, new, sender=system.creator)


def test_a_former_stewards_approval_does_not_count(system: System) -> None:
    _, new = splits(system)
    work = register(system, steward=str(system.steward))
    system.registry.accept_stewardship(system.steward, work, sender=system.steward)
    system.registry.approve_payee(system.steward, work, new, sender=system.steward)
    system.registry.hand_over_stewardship(system.steward, work, system.heir, sender=system.steward)
    with reverts("registry: steward has not approved"):
        system.registry.set_payee(work, new, sender=system.creator)


def test_by_the_owner_alone(system: System) -> None:
    work, (split, _) = register(system), splits(system)
    system.registry.setApprovalForAll(system.keeper, True, sender=system.creator)
    for sender in (system.thief, system.keeper, system.signed.address, system.owner):
        with reverts("registry: not the owner"):
            system.registry.set_payee(work, split, sender=sender)


@pytest.mark.parametrize("kind", ["address", "unknown split", "sub-account"])
def test_only_to_a_declared_split(system: System, kind: str) -> None:
    payee = {
        "address": account(system.creator),
        "unknown split": b"\x01" + bytes(31),
        "sub-account": system.vault.sub_account(system.creator, ZERO32),
    }[kind]
    with reverts("registry: payee is not a declared split"):
        system.registry.set_payee(register(system), payee, sender=system.creator)


def test_unknown_and_held(system: System) -> None:
    with reverts("erc721: no such token"):
        system.registry.set_payee(1, ZERO32, sender=system.creator)
    work = register(system)
    hold(system, work)
    with reverts("registry: work is on hold"):
        system.registry.set_payee(work, ZERO32, sender=system.creator)


def test_leaves_the_other_fields(system: System) -> None:
    work = register(system, duration_ms=2**32 - 1, cleared=2**9 - 1, cultural=b"\x01" * 32)
    before = system.registry.work_of(work)
    system.registry.set_payee(work, splits(system)[0], sender=system.creator)
    after = system.registry.work_of(work)
    assert after[:4] == before[:4]
    assert after[4] == before[4] | 4
    assert after[5:7] == before[5:7]


def test_a_split_that_was_only_checked_is_declared_before_it_is_left(system: System) -> None:
    """Onboarding checks a split for one transaction; whoever wants its controller asked declares it for good."""
    message = onboard_message(system)
    work = system.signed.onboard(message, sign(system, system.creator, message))
    _, new = splits(system)
    with reverts("vault: split not declared"):
        system.registry.set_payee(work, new, sender=system.creator)
    system.vault.declare_split(message.split, message.controller, sender=system.keeper)
    with reverts("registry: controller has not approved"):
        system.registry.set_payee(work, new, sender=system.creator)
    system.registry.approve_payee(system.controller, work, new, sender=system.controller)
    system.registry.set_payee(work, new, sender=system.creator)
    assert payee_of(system, work) == (new, 4)


def test_an_approval_for_another_payee_stays(system: System) -> None:
    """Each approval names one way; going one of them leaves the others open, should the work come back."""
    old, new = splits(system)
    work = register(system, payee=old)
    for payee in (new, ZERO32):
        system.registry.approve_payee(system.controller, work, payee, sender=system.controller)
    system.registry.set_payee(work, new, sender=system.creator)
    with reverts("registry: controller has not approved"):
        system.registry.set_payee(work, ZERO32, sender=system.creator)
