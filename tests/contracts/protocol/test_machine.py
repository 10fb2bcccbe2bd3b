# SPDX-License-Identifier: Apache-2.0
"""Any order of anything that anybody can do to the whole protocol: every step moves exactly the money that it says.

Each step names the accounts it may change and by how much; whatever else changed is a finding. What makes a step be
refused is for the machines of the single contracts; here a refusal must only change nothing.
"""

from __future__ import annotations

from collections import Counter

from hypothesis import strategies as st
from hypothesis.stateful import invariant, run_state_machine_as_test

from ipto import ids
from ipto.structs import ETH, ZERO32, ZERO_ADDRESS, Dataset
from tests.contracts.protocol.books import Place
from tests.contracts.protocol.rulings import Rulings
from tests.contracts.protocol.sales import ANY, ONE, done
from tests.contracts.support.build import account
from tests.contracts.support.contract import Reverted
from tests.contracts.support.disputes import Effect
from tests.contracts.support.effort import effort
from tests.contracts.support.machine import step
from tests.contracts.support.system import System, balance, now

ENDED = 2  # a license's flag


class ProtocolMachine(Rulings):
    """Payouts, the protocol's owner and thieves beside everything else; and what must hold whatever happened."""

    def currency(self, is_eth: bool) -> str:
        return ETH if is_eth else str(self.system.usd.address)

    @step(weight=3, who=ANY, is_eth=st.booleans())
    def withdraw(self, who: int, is_eth: bool) -> None:
        """Anyone pushes what is owed; it arrives, whole, and a party can always be paid."""
        person, currency = str(self.any_of(self.people, who)), self.currency(is_eth)
        due, before = self.balances.now()[account(person), currency], balance(currency, person)
        paid = self.does(
            {(account(person), currency): -due}, lambda: self.system.vault.withdraw(person, currency)
        )  # fmt: skip
        assert paid is not None or not due
        assert balance(currency, person) == before + due
        done["withdraw"] += bool(due)

    @step(weight=2, is_eth=st.booleans(), pushes=st.booleans())
    def distribute(self, is_eth: bool, pushes: bool) -> None:
        currency = self.currency(is_eth)
        whole = self.balances.now()[self.split, currency]
        parts = {share.account: whole * share.share // 1_000_000 for share in self.shares}
        expected = {(self.split, currency): -sum(parts.values())}
        if not pushes:
            expected |= {(name, currency): amount for name, amount in parts.items()}
        function = self.system.vault.pay_out if pushes else self.system.vault.distribute
        if self.does(dict(expected), lambda: function(self.shares, ZERO_ADDRESS, currency)) is not None:
            done["distribute"] += bool(whole)

    @step(weight=2, bps=st.sampled_from([0, 1, 250, 251]), is_paused=st.sampled_from([False, False, True]))
    def owner_acts(self, bps: int, is_paused: bool) -> None:
        """The protocol's owner changes fees and pauses sales: nobody's balance."""
        system = self.system
        for market in (system.market, system.datasets):
            is_set = self.does({}, lambda market=market: market.set_fee(bps, system.treasury, sender=system.owner))
            assert bool(is_set) is (bps <= 250)
            self.does({}, lambda market=market: market.set_paused(is_paused, sender=system.owner))
        self.fee_bps = bps if bps <= 250 else self.fee_bps
        self.does({}, lambda: system.registry.set_paused(is_paused, sender=system.owner))

    @step(weight=1, which=ANY, revokes=st.booleans())
    def attest(self, which: int, revokes: bool) -> None:
        """Anyone says anything about a work; nothing but the statement changes."""
        system = self.system
        subject = self.any_of(self.works, which).to_bytes(32, "big")
        thief, words = system.thief, (str(system.thief), subject, ONE, ZERO32)
        if revokes:
            made = self.does({}, lambda: system.attestations.revoke(
                thief, system.attestations.attestation_id(*words), sender=thief))  # fmt: skip
        else:
            made = self.does({}, lambda: system.attestations.attest(*words, sender=thief))
        assert system.attestations.stands(*words) is (not revokes) or not made

    @step(weight=5, which=ANY, what=ANY)
    def steal(self, which: int, what: int) -> None:
        """What nobody may do who is not named for it."""
        system, thief = self.system, self.system.thief
        work = self.any_of(self.works, which)
        license = self.any_of(self.sold, which) if self.sold else 1
        pool = self.pools[which % 2]
        calls = [
            (system.registry, "reassign", work, thief, 0, False),
            (system.registry, "hold", work, now() + 9),
            (system.registry, "name_steward", work, thief),
            (system.registry, "set_payee", system.thief, work, self.split, self.shares, ZERO_ADDRESS),
            (system.market, "end_license", license),
            (system.market, "clear_exclusivity", work),
            (system.market, "unbundle", work),
            (system.market, "set_fee", 250, thief),
            (system.market, "set_dataset_market", system.datasets.address),
            (system.datasets, "set_fee", 250, thief),
            (system.vault, "book", pool.id, [account(thief)], [1], pool.dataset.currency),
            (system.disputes, "rule", 1, 1, ZERO32, ONE),
            (system.disputes, "order_hold", 1, True),
            (self.settlement, "void_report", ONE, ZERO32),
            (system.signed, "close_gate"),
            (system.vault, "withdraw_to", self.system.keeper, ETH),
        ]
        contract, name, *args = calls[what % len(calls)]
        if name in ("withdraw_to", "set_payee") or not hasattr(contract, name):
            return  # its own money, its own works: no theft
        assert self.does({}, lambda: getattr(contract, name)(*args, sender=thief)) is None, name

    # ---- what must hold

    @invariant()
    def the_vault_holds_exactly_what_it_owes(self) -> None:
        owed: Counter[str] = Counter()
        for (_, currency), amount in self.balances.now().items():
            owed[currency] += amount
        for currency in (ETH, self.system.usd.address):
            assert self.balances.held(currency) == owed[currency]

    @invariant()
    def a_claim_moves_only_by_owner_or_ruling(self) -> None:
        for number, work in list(self.works.items())[-4:]:
            assert self.system.registry.ownerOf(number) == work.owner

    def finish(self) -> None:
        system = self.system
        for license, sold in self.sold.items():
            contract = system.datasets if isinstance(sold.terms, Dataset) else system.market
            holder, issued_at, expires_at, flags, name = contract.license_of(license)
            expected = ids.dataset_id(sold.terms) if isinstance(sold.terms, Dataset) else ids.offer_id(sold.terms)
            assert (holder, issued_at, name) == (sold.holder, sold.issued_at, expected)
            assert expires_at == sold.expires_at
            assert bool(flags & ENDED) is sold.is_ended
            for member in self.listed if isinstance(sold.terms, Dataset) else ():
                covers = any(system.datasets.covers(license, member, spell) for spell in range(1, 7))
                assert covers is (member in sold.members) or self.spells[member] > 6
        for number in self.listed:
            assert system.market.offer_status(number)[1] == self.listed[number].sold
        self.everybody_is_paid_while_sales_are_paused()

    def everybody_is_paid_while_sales_are_paused(self) -> None:
        system = self.system
        for contract in (system.market, system.datasets, system.registry):
            contract.set_paused(True, sender=system.owner)
        people = [*self.people, system.curator, system.challenger, system.treasury, *system.judges]
        expected: dict[Place, int] = {}
        for person in people:
            for currency in (ETH, system.usd.address):
                due = self.balances.now()[account(person), currency]
                expected[account(person), currency] = due
                try:
                    sent = system.vault.withdraw(person, currency)
                except Reverted:
                    sent = 0
                assert sent == due
        self.the_vault_holds_exactly_what_it_owes()


# Without these the machine says little.
WANTED = {"register", "post", "consent", "mint", "add", "mint_dataset", "collect", "report", "claim", "rule", "execute"}


def test_protocol(system: System) -> None:
    done.clear()
    run_state_machine_as_test(lambda: ProtocolMachine(system), settings=effort(8, 80))
    assert not WANTED - set(done), (WANTED - set(done), done)


def test_every_kind_of_ruling(system: System) -> None:
    """What random runs come to seldom: a claim moved, a steward named, a report replaced, a license ended."""
    done.clear()
    machine = ProtocolMachine(system)
    try:
        for place in range(8):
            machine.mint(place, place, 1)
            machine.mint_dataset(place, place)
        for place in range(len(machine.sold)):
            machine.report(place, [1, 3], 0)
        for effect in Effect:
            machine.whole_case(effect, effect, 0)
            machine.the_vault_holds_exactly_what_it_owes()
        for place in range(len(machine.sold)):
            machine.claim(place, 0, {0, 1})
        for person in range(len(machine.people)):
            machine.withdraw(person, True)
        assert {"claim", "withdraw", *(f"ruling {effect.value}" for effect in Effect)} <= set(done), done
    finally:
        machine.teardown()
