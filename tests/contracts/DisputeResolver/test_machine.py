# SPDX-License-Identifier: Apache-2.0
"""Any order of cases, answers, holds, rulings by an arbiter of any will, transfers and time, against the model.

A claim moves only by its owner, its approved operator or a ruling; bonds paid in are paid out or held; holds stay
within their caps; what nobody decided stays as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import invariant, run_state_machine_as_test

from ipto.structs import ETH, ZERO_ADDRESS
from tests.contracts.model.disputes import BUDGET, DAY, REST, Case, DisputeModel, Work
from tests.contracts.support.build import account, digest, register
from tests.contracts.support.contract import Reverted
from tests.contracts.support.disputes import Effect, chest, fee_chest, remedy
from tests.contracts.support.effort import effort
from tests.contracts.support.machine import Machine, step
from tests.contracts.support.system import ARBITER_FEE, BOND, RENT, System, now, travel

ANY = st.integers(0, 255)
ONE = b"\x01" * 32
DAYS = st.sampled_from([0, 0, 0, 0, 0, 1, 10, 30, 45, 89, 90, 91])
# Short waits are common: a case that lapses is soon seen.
WAITS = st.sampled_from([1, DAY, DAY, 7 * DAY, 7 * DAY, 7 * DAY, 14 * DAY, 14 * DAY, 37 * DAY, 90 * DAY, 180 * DAY])


class DisputeMachine(Machine):
    """Two works, four people who claim, sell and dispute them, an operator, an arbiter that may do anything."""

    def __init__(self, system: System) -> None:
        super().__init__()
        self.system, self.model = system, DisputeModel(BOND, ARBITER_FEE, RENT)
        self.people = [str(system.creator), str(system.challenger), str(system.heir), str(system.thief)]
        self.purses = {who: system.vault.balance_of(account(who), ETH) for who in self.people}
        for steward in ("", str(system.steward)):
            work = register(system, steward=steward or ZERO_ADDRESS)
            self.model.works[work] = Work(str(system.creator), steward)

    # ---- invariants

    @invariant()
    def claims_and_holds_are_the_models(self) -> None:
        registry = self.system.registry
        for number, work in self.model.works.items():
            found = registry.work_of(number)
            assert (found[0], found[8]) == (work.owner, work.steward or ZERO_ADDRESS)
            until = work.held_until(now())
            assert bool(found[4] & 1) == (until != 0)
            if until:
                assert registry.held_until(number) == until
            assert registry.clean_since(number) == work.clean_since
            self.check_caps(work.asked)

    def check_caps(self, asked: list[Any]) -> None:
        """At most 90 days of asked hold between two rests of 180 days, whoever asked."""
        total, last_end = 0, None
        for item in asked:
            assert last_end is None or item.start >= last_end
            if last_end is not None and item.start >= last_end + REST:
                total = 0
            total, last_end = total + item.end - item.start, item.end
            assert total <= BUDGET

    @invariant()
    def money_is_the_models(self) -> None:
        model, system = self.model, self.system
        for number, case in model.cases.items():
            assert chest(system, number) == case.chest >= 0
            assert fee_chest(system, number) == model.fees[number]
        for who in self.people:
            assert system.vault.balance_of(account(who), ETH) - self.purses[who] == model.purses[who]
        held = sum(case.chest for case in model.cases.values())
        assert model.paid_in == held + sum(model.purses.values()) + sum(model.fees.values())

    def finish(self) -> None:
        for number, case in self.model.cases.items():
            found = self.system.disputes.case_of(number)
            phase = 4 if case.is_withdrawn else 5 if case.is_lapsed else 3 if case.outcome else 1 + case.is_referred
            assert found[3:8] == (phase, case.outcome, case.is_answered, case.is_executed, case.is_settled)

    # ---- steps

    def attempt(self, name: str, *args: Any, **options: Any) -> tuple[str | None, Any]:
        try:
            return None, getattr(self.system.disputes, name)(*args, **options)
        except Reverted as error:
            return error.reason, None

    def agrees(self, reason: str | None, refused: set[str]) -> bool:
        assert (reason in refused) if refused else (reason is None), (reason, refused)
        return not refused

    def pick(self, which: int, wanted: Callable[[Case], object]) -> tuple[int, Case]:
        """A case: mostly one that the step is meant for, now and then any."""
        cases = self.model.cases
        meant = [number for number, case in cases.items() if wanted(case)] if which % 5 else []
        numbers = meant or list(cases)
        number = numbers[which // 5 % len(numbers)]
        return number, cases[number]

    def has_case(self) -> bool:
        return bool(self.model.cases)

    def has_trial(self) -> bool:
        return any(case.is_running(now()) and case.is_referred for case in self.model.cases.values())

    @step(weight=4, work=ANY, who=ANY, moves=st.booleans(), days=DAYS)
    def open(self, work: int, who: int, moves: bool, days: int) -> None:
        number = list(self.model.works)[work % 2]
        opener = self.people[who % 4]
        effect = Effect.MOVE_CLAIM if moves else Effect.NAME_STEWARD
        market = self.system.market.address if moves else ZERO_ADDRESS
        refused = self.model.why_not_open(number, opener, days, now())
        reason, case = self.attempt(
            "open_case",
            *(effect, self.system.registry.address, market, number, 0, days, digest("evidence")),
            sender=opener,
            value=BOND + RENT * days,
        )
        if self.agrees(reason, refused):
            self.model.open(number, case, opener, moves, days, now())

    @step(weight=3, when=has_case, which=ANY, who=ANY)
    def answer(self, which: int, who: int) -> None:
        number, case = self.pick(which, lambda case: case.is_running(now()) and not case.is_answered)
        sender = self.model.works[case.work].owner if who % 3 else self.people[who % 4]
        reason, _ = self.attempt("answer", number, ONE, sender=sender, value=BOND)
        if self.agrees(reason, self.model.why_no_answer(case, sender, now())):
            self.model.answer(case, sender)

    @step(weight=2, when=has_case, which=ANY, days=DAYS)
    def ask_hold(self, which: int, days: int) -> None:
        number, case = self.pick(which, lambda case: case.is_running(now()) and not case.days_paid)
        refused = self.model.why_not_running(case, now())
        refused |= self.model.why_no_hold(self.model.works[case.work], case, days, now())
        reason, _ = self.attempt("ask_hold", number, days, sender=case.opener, value=RENT * days)
        if self.agrees(reason, refused):
            self.model.ask_hold(number, days, now())

    @step(when=has_case, which=ANY)
    def withdraw(self, which: int) -> None:
        number, case = self.pick(which, lambda case: case.is_running(now()) and not case.is_referred)
        reason, _ = self.attempt("withdraw_case", number, sender=case.opener)
        if self.agrees(reason, self.model.why_not_running(case, now(), is_open=True)):
            case.is_withdrawn = True
            self.model.close(number, now())

    @step(weight=4, when=has_case, which=ANY)
    def refer(self, which: int) -> None:
        number, case = self.pick(which, lambda case: case.is_running(now()) and not case.is_referred)
        reason, _ = self.attempt("refer", number, sender=self.system.keeper)
        if self.agrees(reason, self.model.why_not_refer(case, now())):
            case.is_referred = True

    @step(weight=3, when=has_trial, which=ANY, is_held=st.booleans())
    def order_hold(self, which: int, is_held: bool) -> None:
        number, case = self.pick(which, lambda case: case.is_running(now()) and case.is_referred)
        refused = self.model.why_not_running(case, now())
        refused |= set() if case.is_referred else {"disputes: case not referred"}
        reason, _ = self.attempt("order_hold", number, is_held, sender=self.system.panel.address)
        if self.agrees(reason, refused):
            self.model.order(number, is_held, now())

    @step(
        weight=5,
        when=has_trial,
        which=ANY,
        outcome=st.sampled_from([1, 1, 2, 3]),
        ago=st.sampled_from([None, None, -1, 0, 1, 50 * DAY]),
        keeps=st.booleans(),
    )
    def rule(self, which: int, outcome: int, ago: int | None, keeps: bool) -> None:
        number, case = self.pick(which, lambda case: case.is_running(now()) and case.is_referred)
        clean_since = 0 if ago is None else now() - ago
        keeps = keeps and ago is not None
        refused = self.model.why_no_ruling(case, outcome, clean_since, keeps, now())
        what = remedy(clean_since, keeps)
        reason, _ = self.attempt("rule", number, outcome, what, ONE, sender=self.system.panel.address)
        if self.agrees(reason, refused):
            self.model.rule(number, outcome, clean_since, keeps, now())

    @step(weight=5, when=has_case, which=ANY)
    def execute(self, which: int) -> None:
        number, case = self.pick(which, lambda case: case.outcome and not case.is_executed)
        reason, _ = self.attempt("execute", number, sender=self.system.keeper)
        if self.agrees(reason, self.model.why_not_execute(case, now())):
            self.model.execute(number, now())

    @step(weight=2, when=has_case, which=ANY)
    def settle(self, which: int) -> None:
        number, case = self.pick(which, lambda case: case.outcome and not case.is_settled)
        reason, _ = self.attempt("settle", number, sender=self.system.keeper)
        if self.agrees(reason, self.model.why_not_execute(case, now(), settles_only=True)):
            self.model.settle(number, now())

    @step(weight=2, work=ANY, to=ANY, by_operator=st.booleans())
    def transfer(self, work: int, to: int, by_operator: bool) -> None:
        number, registry = list(self.model.works)[work % 2], self.system.registry
        owner, receiver = self.model.works[number].owner, self.people[to % 4]
        sender = owner
        if by_operator:
            registry.approve(self.system.keeper, number, sender=owner)
            sender = self.system.keeper
        registry.transferFrom(owner, receiver, number, sender=sender)
        self.model.works[number].owner = receiver

    @step(weight=3, work=ANY, who=ANY, way=ANY)
    def steal(self, work: int, who: int, way: int) -> None:
        """Whoever is neither owner, operator, nor dispute resolution moves, holds and renames nothing."""
        number, registry = list(self.model.works)[work % 2], self.system.registry
        owner = self.model.works[number].owner
        thief = next(person for person in self.people[who % 4 :] + self.people if person != owner)
        calls = [
            ("transferFrom", owner, thief, number),
            ("reassign", number, thief, 0, False),
            ("hold", number, now() + DAY),
            ("name_steward", number, thief),
        ]
        name, *args = calls[way % 4]
        try:
            getattr(registry, name)(*args, sender=thief)
        except Reverted:
            return
        raise AssertionError(f"{thief} could {name}")

    @step(weight=4, seconds=WAITS)
    def wait(self, seconds: int) -> None:
        travel(seconds)


def test_machine(system: System) -> None:
    run_state_machine_as_test(lambda: DisputeMachine(system), settings=effort(examples=8, steps=60))
