# SPDX-License-Identifier: Apache-2.0
"""Any order of payments, payouts and misbehaviour: nobody is paid twice, nobody is kept from being paid.

Honest currencies (ETH, a plain token, one that returns nothing) follow the model exactly. For tokens that lie, take
fees, rebase, block or have two addresses, what the model takes from the events must agree with the balances.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import boa
from hypothesis import strategies as st
from hypothesis.stateful import invariant, run_state_machine_as_test

from ipto import ids
from ipto.structs import ETH, ZERO_ADDRESS, Share
from ipto.typed_data import AcceptInvitation, Redirect
from tests.contracts.model.vault import VaultModel
from tests.contracts.support.build import account, authorization, digest, even_split, sign_for_vault
from tests.contracts.support.contract import Contract, Reverted, hostile
from tests.contracts.support.effort import effort
from tests.contracts.support.machine import Machine, step
from tests.contracts.support.money import Part, call, crediting, opening, transfer
from tests.contracts.support.system import Actor, System, balance, now

HONEST = ("eth", "usd", "silent")
HOSTILE = ("blocking", "fees", "rebasing", "first", "second", "answering", "hooked")
SALT = digest("machine")
AMOUNTS = st.one_of(st.integers(0, 7), st.integers(0, 10**12))
INDEX = st.integers(0, 63)
CURRENCIES = st.sampled_from(HONEST + HOSTILE)
OFF = st.sampled_from([0, 0, 0, 0, -1, 1])  # by how much a payment misses its sum
WORDS = [(1).to_bytes(32, "big"), bytes(32), b"", b"\x01"]


class VaultMachine(Machine):
    """One vault, ten currencies, people, refusing contracts, splits of splits."""

    def __init__(self, system: System) -> None:
        super().__init__()
        self.vault, self.system, self.model = system.vault, system, VaultModel()
        self.guest = Actor.named("whoever is invited")
        self.payer, self.receiver, self.puppet = hostile("Puppet"), hostile("Receiver"), hostile("Reenterer")
        first = hostile("Aliased")
        second = hostile("Alias", first.address)
        first.set_second(second.address)
        self.tokens: dict[str, Contract] = {
            "usd": hostile("Honest"),
            "silent": hostile("NoReturn"),
            "blocking": hostile("Blocking"),
            "fees": hostile("FeeTaking"),
            "rebasing": hostile("Rebasing"),
            "first": first,
            "second": second,
            "answering": hostile("Answering"),
            "hooked": hostile("Hooked"),
        }
        self.people = [str(system.creator), str(system.dancer), str(system.editor)]
        self.payees = [*self.people, self.receiver.address, self.puppet.address, self.vault.address]
        inner = even_split(system.dancer, self.receiver.address)
        outer = even_split(
            account(system.creator),
            ids.split_account(inner, ZERO_ADDRESS),
            account(self.puppet.address),
            ids.invited_account(self.guest),
        )
        undeclared = even_split(system.editor, system.creator)
        self.splits: list[tuple[list[Share], bytes]] = []
        for shares in (inner, outer, undeclared):
            self.splits.append((shares, ids.split_account(shares, ZERO_ADDRESS)))
            if shares is not undeclared:
                system.vault.declare_split(shares, ZERO_ADDRESS)
        self.sub = ids.sub_account(str(system.keeper), SALT)
        self.accounts = [account(who) for who in self.payees] + [split for _, split in self.splits] + [self.sub]
        self.accounts.append(ids.invited_account(self.guest))
        self.accepted: str | None = None
        self.nonces: Counter[str] = Counter()
        self.redirects: dict[str, str] = {}
        self.touched: set[tuple[bytes, str]] = set()
        self.rebased = False

    def finish(self) -> None:
        for who in self.accounts:
            for name in (*HONEST, *HOSTILE):
                currency = self.address(name)
                assert self.vault.balance_of(who, currency) == self.model.booked[who, currency]
        self.everybody_honest_can_be_paid()

    def address(self, name: str) -> str:
        return ETH if name == "eth" else self.tokens[name].address

    def attempt(self, contract: Contract, name: str, *args: Any, **options: Any) -> tuple[bool, Any]:
        """Make a call; take what it did from its events into the model."""
        try:
            result = getattr(contract, name)(*args, **options)
        except Reverted:
            return False, None
        for log in contract.logs:
            if log.address == self.vault.address:
                self.learn(log.name, log.args)
        return True, result

    def learn(self, name: str, args: dict[str, Any]) -> None:
        if name == "Credited":
            self.model.credit(args["account"], args["currency"], args["amount"])
            self.touched.add((args["account"], args["currency"]))
        elif name == "Booked":
            self.model.move(args["source"], args["account"], args["currency"], args["amount"])
            self.touched |= {(args[key], args["currency"]) for key in ("source", "account")}
        elif name == "Withdrawn":
            self.model.send(args["account"], args["currency"], args["amount"])
            self.touched.add((args["account"], args["currency"]))
        elif name == "Distributed":
            shares = next(shares for shares, split in self.splits if split == args["split"])
            assert list(args["amounts"]) == self.model.parts(args["split"], shares, args["currency"])
            for place, (share, amount) in enumerate(zip(shares, args["amounts"], strict=True)):
                self.touched |= {(args["split"], args["currency"]), (share.account, args["currency"])}
                if args["kept"] >> place & 1:
                    self.model.move(args["split"], share.account, args["currency"], amount)
                else:
                    self.model.send(args["split"], args["currency"], amount)

    # ---- money in

    @step(weight=8, name=CURRENCIES, raw=st.lists(st.tuples(INDEX, AMOUNTS), max_size=3), off=OFF)
    def pay(self, name: str, raw: list[tuple[int, int]], off: int) -> None:
        parts: list[Part] = [(self.accounts[which % len(self.accounts)], amount) for which, amount in raw]
        total = sum(amount for _, amount in parts)
        arrives = max(total + off, 0)
        names, amounts = [who for who, _ in parts], [amount for _, amount in parts]
        if name == "eth":
            done, _ = self.attempt(self.vault, "credit", names, amounts, ETH, value=arrives)
        else:
            token = self.tokens[name]
            self.mint(name, self.payer.address, arrives)
            steps = [
                opening(self.system, token),
                transfer(self.system, token, arrives),
                crediting(self.system, token, parts),
            ]
            done, _ = self.attempt(self.payer, "run", steps)
        if name in HONEST:
            assert done is (arrives == total)

    def mint(self, name: str, to: str, amount: int) -> None:
        self.tokens["first" if name == "second" else name].mint(to, amount)

    @step(weight=2, which=INDEX, amount=AMOUNTS, is_good=st.booleans())
    def pay_by_authorization(self, which: int, amount: int, is_good: bool) -> None:
        token, order = self.tokens["usd"], digest()
        token.mint(self.system.licensee, amount)
        market = str(self.system.keeper if is_good else self.system.relayer)
        proof = authorization(
            token.address, self.system.licensee, self.vault.address, amount, ids.authorization_nonce(market, order)
        )
        parts = [self.accounts[which % len(self.accounts)]], [amount], token.address, order, proof
        done, _ = self.attempt(self.vault, "credit_with_authorization", *parts, sender=self.system.keeper)
        assert done is is_good

    @step(
        weight=5,
        steps=st.lists(
            st.tuples(
                st.sampled_from(["open", "transfer", "credit", "credit eth", "withdraw"]),
                st.sampled_from(["first", "second", "usd"]),
                st.integers(0, 3),
            ),
            min_size=2,
            max_size=6,
        ),
    )
    def one_transaction(self, steps: list[tuple[str, str, int]]) -> None:
        """Any mixture of the halves of a payment, in two addresses of one token: what is booked has arrived."""
        thief = account(self.people[0])
        made = []
        for kind, name, amount in steps:
            token = self.tokens[name]
            if kind == "open":
                made.append(opening(self.system, token))
            elif kind == "transfer":
                self.mint(name, self.payer.address, amount)
                made.append(transfer(self.system, token, amount))
            elif kind == "credit":
                made.append(crediting(self.system, token, [(thief, amount)]))
            elif kind == "credit eth":
                made.append(crediting(self.system, ETH, [(thief, 0)]))
            else:
                made.append(call(self.vault, "withdraw", self.people[1], token.address))
        self.attempt(self.payer, "run", made)

    @step(weight=1, name=CURRENCIES, amount=st.integers(1, 100))
    def bare_money(self, name: str, amount: int) -> None:
        if name == "eth":
            boa.env.set_balance(self.vault.address, balance(ETH, self.vault.address) + amount)
        else:
            self.mint(name, self.vault.address, amount)

    # ---- money inside and out

    @step(weight=2, name=CURRENCIES, which=INDEX, amount=AMOUNTS, is_mine=st.booleans())
    def book(self, name: str, which: int, amount: int, is_mine: bool) -> None:
        currency = self.address(name)
        has = self.model.booked[self.sub, currency]
        amount = amount % (has + 2)
        sender = self.system.keeper if is_mine else self.system.thief
        to = self.accounts[which % len(self.accounts)]
        done, _ = self.attempt(self.vault, "book", SALT, [to], [amount], currency, sender=sender)
        assert done is (amount <= (has if is_mine else 0))

    @step(weight=5, name=CURRENCIES, which=INDEX)
    def withdraw(self, name: str, which: int) -> None:
        who, currency = self.payees[which % len(self.payees)], self.address(name)
        owed = self.model.booked[account(who), currency]
        done, sent = self.attempt(self.vault, "withdraw", who, currency, sender=self.system.thief)
        to = self.redirects.get(who, who)
        if name in HONEST:
            assert done
            is_refused = to == self.vault.address or (name == "eth" and to == self.receiver.address and self.mode != 0)
            assert sent == (0 if is_refused else owed)

    @step(weight=2, name=st.sampled_from(HONEST), which=st.integers(0, 2), to=INDEX)
    def withdraw_to(self, name: str, which: int, to: int) -> None:
        who, currency, goal = self.people[which], self.address(name), self.payees[to % len(self.payees)]
        owed = self.model.booked[account(who), currency]
        done, sent = self.attempt(self.vault, "withdraw_to", goal, currency, sender=who)
        is_refused = goal == self.vault.address or (name == "eth" and goal == self.receiver.address and self.mode != 0)
        assert done is (owed > 0 and not is_refused)
        assert sent == (owed if done else None)

    @step(weight=1, which=st.integers(0, 2), to=INDEX, is_undone=st.booleans())
    def redirect(self, which: int, to: int, is_undone: bool) -> None:
        who, goal = self.people[which], self.payees[to % len(self.payees)]
        self.vault.redirect(ZERO_ADDRESS if is_undone else goal, sender=who)
        self.redirects[who] = who if is_undone else goal
        self.nonces[who] += 1

    @step(weight=2, which=st.integers(0, 2), to=INDEX, off=st.sampled_from([0, 0, -1, 1]), is_theirs=st.booleans())
    def redirect_by_signature(self, which: int, to: int, off: int, is_theirs: bool) -> None:
        who = (self.system.creator, self.system.dancer, self.system.editor)[which]
        said = Redirect(str(who), self.payees[to % len(self.payees)], max(self.nonces[who] + off, 0), now())
        proof = sign_for_vault(self.system, who if is_theirs else self.system.thief, said)
        done, _ = self.attempt(self.vault, "redirect_by_signature", *said.as_tuple(), proof)
        assert done is (is_theirs and said.nonce == self.nonces[who])
        if done:
            self.redirects[who] = said.to
            self.nonces[who] += 1

    @step(weight=1, to=INDEX, is_theirs=st.booleans())
    def accept_invitation(self, to: int, is_theirs: bool) -> None:
        goal = self.payees[to % len(self.payees)]
        said = AcceptInvitation(str(self.guest), goal, now())
        proof = sign_for_vault(self.system, self.guest if is_theirs else self.system.thief, said)
        done, _ = self.attempt(self.vault, "accept_invitation", *said.as_tuple(), proof)
        assert done is (is_theirs and self.accepted is None)
        self.accepted = goal if done else self.accepted

    @step(weight=2, name=CURRENCIES)
    def withdraw_invited(self, name: str) -> None:
        currency = self.address(name)
        owed = self.model.booked[ids.invited_account(self.guest), currency]
        done, sent = self.attempt(self.vault, "withdraw_invited", self.guest, currency)
        if self.accepted is None:
            assert not done
        elif name in HONEST:
            to = self.redirects.get(self.accepted, self.accepted)
            is_refused = to == self.vault.address or (name == "eth" and to == self.receiver.address and self.mode != 0)
            assert sent == (0 if is_refused else owed)

    @step(weight=5, name=CURRENCIES, which=st.integers(0, 2), is_pushed=st.booleans())
    def pay_out(self, name: str, which: int, is_pushed: bool) -> None:
        shares, split = self.splits[which]
        currency = self.address(name)
        expected = self.model.parts(split, shares, currency)
        function = "pay_out" if is_pushed else "distribute"
        done, total = self.attempt(self.vault, function, shares, ZERO_ADDRESS, currency)
        assert done or (name in HOSTILE and is_pushed)
        assert total == (sum(expected) if done else None)

    # ---- misbehaviour

    mode = 0

    @step(weight=1, mode=st.integers(0, 3))
    def receiver_behaves(self, mode: int) -> None:
        self.receiver.behave(mode)
        self.mode = mode

    @step(weight=1, who=INDEX, is_blocked=st.booleans(), is_paused=st.sampled_from([False, False, False, True]))
    def blocking(self, who: int, is_blocked: bool, is_paused: bool) -> None:
        self.tokens["blocking"].block_account(self.payees[who % len(self.payees)], is_blocked)
        self.tokens["blocking"].pause(is_paused)

    @step(weight=1, inside=st.integers(0, 1), on_top=st.integers(0, 1))
    def fees(self, inside: int, on_top: int) -> None:
        self.tokens["fees"].set_fees(inside, on_top)

    @step(weight=1, factor=st.sampled_from([10**6, 10**6, 999_999, 1_000_001, 500_000, 2 * 10**6]))
    def rebase(self, factor: int) -> None:
        self.tokens["rebasing"].rebase(factor)
        self.rebased = True

    @step(weight=1, moves=st.booleans(), answer=st.sampled_from(WORDS))
    def answering(self, moves: bool, answer: bytes) -> None:
        self.tokens["answering"].behave(moves, answer)

    @step(weight=1, what=st.sampled_from(["withdraw", "send back", "distribute", "nothing"]), is_hooked=st.booleans())
    def re_enter(self, what: str, is_hooked: bool) -> None:
        token = self.tokens["hooked"]
        token.hook(self.puppet.address, is_hooked)
        self.puppet.prepare(
            *{
                "withdraw": call(self.vault, "withdraw", self.puppet.address, ETH),
                "send back": call(token, "transfer", self.vault.address, 1),
                "distribute": call(self.vault, "distribute", self.splits[0][0], ZERO_ADDRESS, ETH),
                "nothing": (ZERO_ADDRESS, 0, b""),
            }[what],
            False,
        )

    # ---- what must always hold

    @invariant()
    def the_model_agrees(self) -> None:
        for who, currency in self.touched:
            assert self.vault.balance_of(who, currency) == self.model.booked[who, currency]
        self.touched.clear()

    @invariant()
    def the_vault_holds_what_it_owes(self) -> None:
        for name in (*HONEST, *HOSTILE):
            if name in ("second",) or (name == "rebasing" and self.rebased):
                continue  # counted with the first; a loss of all holders is nobody's debt
            currency = self.address(name)
            owed = self.model.total(currency)
            if name == "first":
                owed += self.model.total(self.address("second"))
            held = balance(currency, self.vault.address)
            assert held >= owed
            assert owed == sum(
                self.model.paid_in[self.address(each)] - self.model.paid_out[self.address(each)]
                for each in (("first", "second") if name == "first" else (name,))
            )

    def everybody_honest_can_be_paid(self) -> None:
        """Whatever the others did: a person who is not blocked gets all of it in every honest currency."""
        for who in self.people:
            self.vault.redirect(ZERO_ADDRESS, sender=who)
            for name in HONEST:
                currency = self.address(name)
                owed = self.model.booked[account(who), currency]
                before = balance(currency, who)
                assert self.vault.withdraw(who, currency) == owed
                assert balance(currency, who) == before + owed
                assert self.vault.balance_of(account(who), currency) == 0


def test_vault(system: System) -> None:
    run_state_machine_as_test(lambda: VaultMachine(system), settings=effort(14, 35))
