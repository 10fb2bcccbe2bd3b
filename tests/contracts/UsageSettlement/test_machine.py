# SPDX-License-Identifier: Apache-2.0
"""Any order of reports, challenges, rulings, claims, time: a report pays exactly what it brought, a leaf pays once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import invariant, run_state_machine_as_test

from ipto import ids
from ipto.structs import ETH, ZERO32, Dataset, Offer, UsageReport
from ipto.sum_tree import Share, SumTree
from tests.contracts.model.usage import FINAL_WINDOW, WINDOW, LicenseModel, Money, ReportModel
from tests.contracts.support.build import account, digest, hold
from tests.contracts.support.contract import Reverted
from tests.contracts.support.effort import effort
from tests.contracts.support.machine import Machine, step
from tests.contracts.support.system import now, travel
from tests.contracts.support.usage import DAY, MONTH, Usage, release

ANY = st.integers(0, 255)
SHARES = st.lists(st.sampled_from([0, 1, 3, 500, 10**18]), max_size=6)


class UsageMachine(Machine):
    """Two licenses of one offer, in ETH and in a token, and one of a dataset of three works, one of which left.

    The holder, a developer and a thief report; anyone claims.
    """

    def __init__(self, usage: Usage) -> None:
        super().__init__()
        self.usage, self.money = usage, Money()
        self.terms: dict[int, Offer | Dataset] = {}
        self.offers: dict[int, list[Offer]] = {}  # by place in a tree, over and over
        self.models: dict[int, LicenseModel] = {}
        self.on_hold: set[int] = set()
        self.authorized = False
        for currency in (ETH, usage.system.usd.address):
            offer, license = usage.sell(currency=currency, price=0)
            self.terms[license], self.offers[license] = offer, [offer]
        dataset, members, license = usage.sell_dataset(3, currency=usage.system.usd.address)
        gone = members[0]
        usage.system.datasets.take_out(gone.licensor, ids.dataset_id(dataset), gone, sender=gone.licensor)
        self.terms[license], self.offers[license] = dataset, members
        self.models = {license: LicenseModel(MONTH, now(), now()) for license in self.terms}
        self.start = {currency: self.earned(currency) for currency in (ETH, usage.system.usd.address)}

    def earned(self, currency: str) -> int:
        payees = {offer.licensor for offers in self.offers.values() for offer in offers}
        return sum(self.usage.system.vault.balance_of(account(who), currency) for who in payees)

    def market(self, license: int) -> str:
        return self.usage.datasets if isinstance(self.terms[license], Dataset) else self.usage.market

    def offer(self, license: int, place: int) -> Offer:
        offers = self.offers[license]
        return offers[place % len(offers)]

    def spell(self, license: int) -> int:
        return int(isinstance(self.terms[license], Dataset))

    def license(self, which: int) -> int:
        return list(self.models)[which % len(self.models)]

    def tree(self, license: int, shares: list[int]) -> SumTree | None:
        named = [
            Share(ids.offer_id(self.offer(license, place)), self.spell(license), amount)
            for place, amount in enumerate(shares)
        ]
        return SumTree(named) if sum(shares) else None

    def root(self, license: int, shares: list[int]) -> bytes:
        tree = self.tree(license, shares)
        return tree.root if tree else ZERO32

    def attempt(self, call: Callable[..., Any] | str, *args: Any, **options: Any) -> tuple[str | None, Any]:
        """Why a call was refused, or None and its result."""
        call = getattr(self.usage.contract, call) if isinstance(call, str) else call
        try:
            return None, call(*args, **options)
        except Reverted as error:
            return error.reason, None

    # ---- reports

    @step(
        weight=6,
        which=ANY,
        who=st.sampled_from(["holder", "holder", "holder", "developer", "thief"]),
        shares=SHARES,
        ends=st.sampled_from([0, 0, 0, 0, 1, DAY, -1]),
        is_supplement=st.sampled_from([False, False, False, True]),
        is_final=st.sampled_from([False, False, False, True]),
        skips=st.sampled_from([0, 0, 0, 0, 1, -1]),
    )
    def report(
        self, which: int, who: str, shares: list[int], ends: int, is_supplement: bool, is_final: bool, skips: int
    ) -> None:
        license, usage = self.license(which), self.usage
        model, terms = self.models[license], self.terms[license]
        through = model.through if is_supplement else now() - ends
        number = max(len(model.reports) + 1 + skips, 0)
        total = sum(shares)
        said = UsageReport(
            license, usage.model, number, through, int(is_final), total, self.root(license, shares), digest("m")
        )
        refused = model.refusals(number, through, total, is_final, now())
        if who == "thief" or (who == "developer" and not self.authorized):
            refused.add("usage: not a reporter")
        by = {"holder": usage.system.licensee, "developer": usage.developer, "thief": usage.system.thief}[who]
        reason, _ = self.attempt(usage.report, terms, said, by=by)
        assert (reason in refused) if refused else (reason is None), (reason, refused)
        if refused:
            return
        model.report(through, shares, is_final, now())
        self.money.brought[terms.currency] += total

    @step(weight=1, allowed=st.booleans())
    def authorize(self, allowed: bool) -> None:
        holder = self.usage.system.licensee
        for license in self.models:
            arguments = (holder, self.market(license), license, self.usage.developer, allowed)
            assert self.attempt("authorize", *arguments, sender=holder)[0] is None
        self.authorized = allowed

    # ---- challenges

    def some_report(self, which: int, number: int) -> tuple[int, bytes, ReportModel]:
        license = self.license(which)
        reports = self.models[license].reports
        index = number % len(reports)
        return license, self.usage.contract.report_id(self.market(license), license, index + 1), reports[index]

    def has_reports(self) -> bool:
        return all(model.reports for model in self.models.values())

    @step(weight=3, when=has_reports, which=ANY, number=ANY, held=st.booleans())
    def challenge(self, which: int, number: int, held: bool) -> None:
        _, report, model = self.some_report(which, number)
        reason, _ = self.attempt("hold_report", report, held, sender=self.usage.disputes)
        if held:
            is_open = model.left is None and not model.is_void and now() < model.opens_at
            assert (reason is None) is is_open
            if is_open:
                model.left = model.opens_at - now()
        else:
            assert (reason is None) is (model.left is not None)
            if model.left is not None:
                model.opens_at, model.left = now() + model.left, None

    @step(weight=2, when=has_reports, which=ANY, number=ANY, shares=SHARES, is_fair=st.booleans())
    def rule(self, which: int, number: int, shares: list[int], is_fair: bool) -> None:
        """A ruling: no root, a root that fits the total, or one that does not."""
        license, report, model = self.some_report(which, number)
        if is_fair and shares:
            shares = [*shares, max(model.held - sum(shares), 0)]
        root = self.root(license, shares)
        reason, _ = self.attempt("void_report", report, root, sender=self.usage.disputes)
        assert (reason is None) is (root == ZERO32 or model.held != 0)
        if reason is None:
            model.total, model.paid = model.held, set()
            model.left, model.is_void = None, root == ZERO32
            model.shares = shares if root != ZERO32 else None
            model.opens_at, model.is_ruled = now(), True

    @step(weight=2, when=has_reports, which=ANY, number=ANY, by=st.sampled_from(["holder", "thief"]))
    def restate(self, which: int, number: int, by: str) -> None:
        license, report, model = self.some_report(which, number)
        who = {"holder": self.usage.system.licensee, "thief": self.usage.system.thief}[by]
        shares = [model.total // 3, model.total - model.total // 3]
        place = int.from_bytes(report[28:], "big")
        arguments = (who, self.market(license), license, place, self.root(license, shares), digest("m2"))
        reason, _ = self.attempt("restate", *arguments, sender=who)
        assert (reason is None) is (by == "holder" and model.is_void)
        if reason is None:
            model.is_void, model.shares = False, shares
            model.opens_at = now() + (FINAL_WINDOW if model.is_final else WINDOW)

    # ---- claims

    @step(weight=8, when=has_reports, which=ANY, number=ANY, chosen=st.sets(st.integers(0, 6), min_size=1))
    def claim(self, which: int, number: int, chosen: set[int]) -> None:
        license, report, model = self.some_report(which, number)
        shares = model.shares or [1]
        places = sorted({place % len(shares) for place in chosen})
        tree = self.tree(license, shares)
        spell = self.spell(license)
        leaves = [self.usage.leaf(self.offer(license, place), shares[place], place, spell) for place in places]
        proof = tree.proof(places) if tree else []
        place = int.from_bytes(report[28:], "big")
        reason, paid = self.attempt(self.usage.claim, license, leaves, proof, len(shares), place, self.market(license))
        is_closed = model.left is not None or model.is_void or now() < model.opens_at
        is_true = tree is not None and tree.total == model.total
        assert (reason is None) is (is_true and not is_closed), reason
        if reason is not None:
            return
        is_free = {place for place in places if self.offer(license, place).work not in self.on_hold}
        new = {place for place in is_free if shares[place] and place not in model.paid}
        assert paid == sum(shares[place] for place in new)
        model.paid |= new
        self.money.paid[self.terms[license].currency] += paid

    @step(weight=1, which=ANY, held=st.booleans())
    def work_on_hold(self, which: int, held: bool) -> None:
        work = self.offer(self.license(which), which // len(self.models)).work
        (hold if held else release)(self.usage.system, work)
        (self.on_hold.add if held else self.on_hold.discard)(work)

    @step(weight=5, seconds=st.sampled_from([1, DAY, WINDOW, WINDOW, MONTH, 3 * MONTH]))
    def time_passes(self, seconds: int) -> None:
        travel(seconds)

    # ---- what must hold

    @invariant()
    def what_came_in_is_held_or_paid(self) -> None:
        for currency, before in self.start.items():
            assert self.earned(currency) - before == self.money.paid[currency]
            held = 0
            for license, model in self.models.items():
                if self.terms[license].currency != currency:
                    continue
                for number, report in enumerate(model.reports, start=1):
                    report_id = self.usage.contract.report_id(self.market(license), license, number)
                    assert self.usage.held_by(report_id, currency) == report.held
                    held += report.held
            assert held + self.money.paid[currency] == self.money.brought[currency]

    @invariant()
    def duties_are_as_the_model_has_them(self) -> None:
        for license, model in self.models.items():
            terms, through = self.terms[license], model.through if model.reports else 0
            contract, suffix = self.usage.contract, "_dataset" if isinstance(terms, Dataset) else ""
            ledger = contract.ledger_of(self.market(license), license)
            assert ledger == (through, len(model.reports), model.late, model.voids(), model.standing_final())
            due, missing = getattr(contract, f"due_at{suffix}")(license, terms)
            assert due == model.due_at()
            assert missing == (0 if now() <= due else -(-(now() - due) // MONTH))
            is_good = not model.voids() and now() <= due
            assert getattr(contract, f"in_good_standing{suffix}")(license, terms) is is_good


def test_usage(usage: Usage) -> None:
    run_state_machine_as_test(lambda: UsageMachine(usage), settings=effort(16, 40))
