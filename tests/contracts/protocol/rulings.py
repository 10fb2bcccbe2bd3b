# SPDX-License-Identifier: Apache-2.0
"""Steps of the machine over all contracts: reports, claims, cases on claims, reports and licenses."""

from __future__ import annotations

from collections import Counter
from functools import partial

from hypothesis import strategies as st

from ipto import ids
from ipto.structs import ETH, ZERO32, ZERO_ADDRESS, Offer, UsageLeaf, UsageReport
from ipto.sum_tree import Share, SumTree
from tests.contracts.protocol.books import Place, Report, Sold, Trial, panel_account
from tests.contracts.protocol.sales import ANY, ONE, Sales, done
from tests.contracts.support.build import account, digest
from tests.contracts.support.disputes import Effect, remedy
from tests.contracts.support.machine import step
from tests.contracts.support.system import BOND, RENT, now, travel
from tests.contracts.support.usage import DAY, WINDOW

SHARES = st.lists(st.sampled_from([0, 1, 3, 10**18]), min_size=1, max_size=5)


class Rulings(Sales):
    """What licensees owe later, and who decides when people do not agree."""

    # ---- usage

    def tree(self, shares: list[tuple[bytes, int]], spell: int) -> SumTree | None:
        found = [Share(name, spell, amount) for name, amount in shares]
        return SumTree(found) if any(amount for _, amount in shares) else None

    @step(weight=5, when=lambda self: self.sold, which=ANY, amounts=SHARES, is_final=st.sampled_from([0, 0, 0, 1]))
    def report(self, which: int, amounts: list[int], is_final: int) -> None:
        license = self.any_of(self.sold, which)
        sold = self.sold[license]
        names = sorted(sold.members) if sold.members else [ids.offer_of_license(license)]
        shares = [(names[place % len(names)], amount) for place, amount in enumerate(amounts)]
        tree = self.tree(shares, int(bool(sold.members)))
        number, total, currency = len(sold.reports) + 1, sum(amounts), sold.terms.currency
        root = tree.root if tree else ZERO32
        usage = UsageReport(license, ZERO32, number, now(), is_final, total, root, digest("manifest"))
        report = self.settlement.report_id(sold.market, license, number)
        place = self.balances.know(ids.sub_account(self.settlement.address, report), currency)
        name = "report" if isinstance(sold.terms, Offer) else "report_dataset"
        value = self.pay(sold.holder, currency, total, self.settlement.address)
        function = getattr(self.settlement, name)
        if self.does({(place, currency): total}, lambda: function(sold.terms, usage, sender=sold.holder, value=value)):
            done["report"] += 1
            sold.reports.append(Report(report, shares))

    @step(weight=6, when=lambda self: any(sold.reports for sold in self.sold.values()), which=ANY,
          number=ANY, chosen=st.sets(st.integers(0, 4), min_size=1))  # fmt: skip
    def claim(self, which: int, number: int, chosen: set[int]) -> None:
        license = self.any_of([key for key, sold in self.sold.items() if sold.reports], which)
        sold = self.sold[license]
        place = number % len(sold.reports)
        report = sold.reports[place]
        spell, currency = int(bool(sold.members)), sold.terms.currency
        tree = self.tree(report.shares, spell)
        if tree is None or report.is_replaced or not self.is_first_spell(sold):
            return
        leaves = sorted({item % len(report.shares) for item in chosen})
        expected: Counter[Place] = Counter()
        source = ids.sub_account(self.settlement.address, report.id)
        paid = set()
        for leaf in leaves:
            name, amount = report.shares[leaf]
            work = self.listed[name].offer.work
            if leaf in report.paid or not amount or self.system.registry.work_of(work)[4] & 1:
                continue
            paid.add(leaf)
            expected[self.payee(work), currency] += amount
            expected[source, currency] -= amount
        what = [UsageLeaf(leaf, spell, report.shares[leaf][1], self.listed[report.shares[leaf][0]].offer)
                for leaf in leaves]  # fmt: skip
        arguments = (sold.market, license, place + 1, len(report.shares), what, tree.proof(leaves))
        if self.does(dict(expected), lambda: self.settlement.claim(*arguments)) is not None:
            assert not paid & report.paid
            report.paid |= paid
            done["claim"] += bool(paid)

    def is_first_spell(self, sold: Sold) -> bool:
        """Trees here name each member's first spell; of the others, the dataset's own machine is full."""
        return all(self.spells[name] == 1 for name in sold.members)

    # ---- cases

    @step(weight=4, which=ANY, what=st.sampled_from([1, 1, 2, 3, 3, 4]), days=st.sampled_from([0, 0, 0, 1, 30]))
    def open_case(self, which: int, what: int, days: int) -> None:
        system, number, market = self.system, 0, ZERO_ADDRESS
        if what in (Effect.MOVE_CLAIM, Effect.NAME_STEWARD):
            target, subject = system.registry.address, self.any_of(self.works, which)
            told = subject
            market = system.market.address if what == Effect.MOVE_CLAIM else ZERO_ADDRESS
        else:
            found = [key for key, sold in self.sold.items() if what == Effect.END_LICENSE or sold.reports]
            if not found:
                return
            subject = told = self.any_of(found, which)
            sold = self.sold[subject]
            target = market = sold.market
            if what == Effect.VOID_REPORT:
                target, number = self.settlement.address, len(sold.reports)
                told = int.from_bytes(sold.reports[-1].id, "big")
            else:
                market = ZERO_ADDRESS
        days = 0 if what == Effect.END_LICENSE else days
        case = system.disputes.cases() + 1
        chest = self.balances.know(ids.sub_account(system.disputes.address, case.to_bytes(32, "big")), ETH)
        fee = self.balances.know(panel_account(system.disputes.address, system.panel.address, case), ETH)
        opened = self.does(
            {(chest, ETH): BOND + RENT * days},
            lambda: system.disputes.open_case(
                *(what, target, market, subject, number, days, ONE), sender=system.challenger, value=BOND + RENT * days
            ),
        )
        if opened:
            done[f"open case {what}"] += 1
            self.trials.append(Trial(case, what, told, str(system.challenger), now(), {chest, fee}))

    def trial(self, which: int) -> Trial:
        running = [trial for trial in self.trials if not trial.is_executed] if which % 4 else []
        return self.any_of(running or self.trials, which // 4)

    @step(weight=3, when=lambda self: self.trials, which=ANY)
    def answer(self, which: int) -> None:
        trial, disputes = self.trial(which), self.system.disputes
        respondent = disputes.case_of(trial.number)[1]
        if trial.effect in (Effect.MOVE_CLAIM, Effect.NAME_STEWARD):
            respondent = self.works[trial.subject].owner
        chest = ids.sub_account(disputes.address, trial.number.to_bytes(32, "big"))
        if self.does({(chest, ETH): BOND}, lambda: disputes.answer(trial.number, ONE, sender=respondent, value=BOND)):
            done["answer"] += 1

    @step(weight=8, when=lambda self: self.trials, which=ANY, outcome=st.sampled_from([1, 1, 1, 2, 3]),
          is_held=st.sampled_from([None, None, None, True, False]), waits=st.booleans())  # fmt: skip
    def judge(self, which: int, outcome: int, is_held: bool | None, waits: bool) -> None:
        self.judge_it(self.trial(which), which, outcome, is_held, waits)

    def judge_it(self, trial: Trial, which: int, outcome: int, is_held: bool | None, waits: bool) -> None:
        """Refer a case and let two or three judges agree; money moves from the case to the panel at most."""
        system = self.system
        if waits:
            travel(14 * DAY)
        self.does({}, lambda: system.disputes.refer(trial.number))
        what = ZERO32
        if outcome == 1 and trial.effect == Effect.MOVE_CLAIM and which % 3 == 0:
            what = remedy(now() - 10, which % 2 == 0)
        resolver = system.disputes.address
        for judge in system.judges[: 2 + which % 2 + (which % 5 != 0)]:
            if is_held is not None:
                self.does({}, partial(system.panel.vote_hold, resolver, trial.number, is_held, sender=judge))
            else:
                cast = partial(system.panel.vote, resolver, trial.number, outcome, what, ONE, sender=judge)
                self.does({}, cast, within=trial.accounts)
        if system.disputes.case_of(trial.number)[3] == 3 and not trial.outcome:
            done["rule"] += 1
            trial.outcome, trial.ruled_at = outcome, now()

    @step(weight=5, when=lambda self: self.trials, which=ANY, waits=st.sampled_from([0, 7, 7, 7, 90]))
    def execute(self, which: int, waits: int) -> None:
        self.execute_it(self.trial(which), waits)

    def execute_it(self, trial: Trial, waits: int) -> None:
        system = self.system
        travel(waits * DAY)
        before = {number: system.registry.ownerOf(number) for number in self.works}
        anybody = trial.accounts | {account(who) for who in [*self.people, system.challenger]}
        if not self.does({}, lambda: system.disputes.execute(trial.number), within=anybody):
            return
        done["execute"] += 1
        assert not trial.is_executed
        trial.is_executed = True
        assert not trial.outcome or now() >= trial.ruled_at + 7 * DAY
        won = trial.outcome == 1
        for number, owner in before.items():
            is_moved = won and trial.effect == Effect.MOVE_CLAIM and number == trial.subject
            assert system.registry.ownerOf(number) == (trial.opener if is_moved else owner)
        if won:
            self.carried_out(trial)

    @step(weight=3, which=ANY, what=st.sampled_from([1, 2, 3, 4]), days=st.sampled_from([0, 1, 30]))
    def whole_case(self, which: int, what: int, days: int) -> None:
        """From opening to execution, for the opener."""
        before = len(self.trials)
        self.open_case(which, what, days)
        if len(self.trials) > before:
            self.judge_it(self.trials[-1], 5 * which + 1, 1, None, True)
            self.execute_it(self.trials[-1], 7)

    def carried_out(self, trial: Trial) -> None:
        """What a ruling for the opener changed."""
        done[f"ruling {trial.effect}"] += 1
        if trial.effect in (Effect.MOVE_CLAIM, Effect.NAME_STEWARD):
            work = self.works[trial.subject]
            steward = self.system.registry.work_of(trial.subject)[8]
            if trial.effect == Effect.MOVE_CLAIM:
                work.owner, work.payee = trial.opener, b""
                work.steward = work.steward if steward != ZERO_ADDRESS else ""
            else:
                work.steward = trial.opener
                assert steward == trial.opener
        elif trial.effect == Effect.END_LICENSE:
            self.sold[trial.subject].is_ended = True
        else:
            reports = [report for sold in self.sold.values() for report in sold.reports]
            next(report for report in reports if int.from_bytes(report.id, "big") == trial.subject).is_replaced = True

    @step(weight=3, seconds=st.sampled_from([1, DAY, WINDOW, WINDOW]))
    def time_passes(self, seconds: int) -> None:
        travel(seconds)
