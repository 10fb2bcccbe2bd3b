# SPDX-License-Identifier: Apache-2.0
"""Any order of signing, submitting, altering, cancelling and time: a signature works once, for what was signed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import boa
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from ipto import ids, typed_data
from ipto.structs import Offer
from tests.contracts.support.build import chain_id, digest, offer_for, register, sign
from tests.contracts.support.contract import Contract, Reverted, deploy
from tests.contracts.support.effort import effort
from tests.contracts.support.machine import Machine, step
from tests.contracts.support.system import CONTRACTS, System, now, travel

ANY = st.integers(0, 255)
NONCES = st.sampled_from([0, 1, 255, 256, 2**256 - 1])


def number_of(message: Any) -> bytes:
    """The offer a message is about; nothing for one that is about none."""
    if isinstance(message, typed_data.CancelNonce):
        return b""
    return ids.offer_id(message.offers[0] if isinstance(message, typed_data.PostOffers) else message.offer)


class SignedMachine(Machine):
    """Two actors, two contracts of the same code, two chain ids, few nonces, so that everything collides."""

    def __init__(self, system: System) -> None:
        super().__init__()
        self.system = system
        # The second is wired to nothing: what is signed for it must not work here, nor the reverse.
        self.contracts: list[Contract] = [system.signed, deploy(CONTRACTS / "SignedActions.vy", system.owner)]
        self.actors = [system.creator, system.dancer]
        self.works = [register(system, actor) for actor in self.actors]
        self.home = chain_id()
        self.chain = self.home
        self.used: set[tuple[int, int]] = set()  # actor, nonce
        self.signed: list[tuple[Any, bytes, int, int, int]] = []  # message, signature, signer, contract, chain
        self.posted: dict[bytes, bool] = {}

    def finish(self) -> None:
        for place, actor in enumerate(self.actors):
            for nonce in (0, 1, 255, 256, 2**256 - 1):
                assert self.system.signed.is_nonce_used(actor, nonce) is ((place, nonce) in self.used)
        for number, is_live in self.posted.items():
            assert self.system.market.offer_status(number)[0] is is_live

    def offer(self, who: int, price: int) -> Offer:
        return offer_for(self.works[who], self.actors[who], price=price, terms=digest("machine terms"))

    @step(
        weight=4,
        who=st.integers(0, 1),
        what=st.sampled_from(["post", "post", "withdraw", "withdraw", "cancel"]),
        price=st.integers(0, 2),
        nonce=NONCES,
        lasts=st.sampled_from([-1, 0, 10, 10**6]),
        contract=st.sampled_from([0, 0, 0, 1]),
        is_home=st.sampled_from([True, True, True, False]),
        signer=st.sampled_from([None, None, None, 0, 1]),
    )
    def sign(
        self, who: int, what: str, price: int, nonce: int, lasts: int, contract: int, is_home: bool, signer: int | None
    ) -> None:
        offer, market, actor = self.offer(who, price), self.system.market.address, str(self.actors[who])
        message: Any
        if what == "post":
            message = typed_data.PostOffers(actor, market, (offer,), nonce, now() + lasts)
        elif what == "withdraw":
            message = typed_data.WithdrawOffer(actor, market, offer, nonce, now() + lasts)
        else:
            message = typed_data.CancelNonce(actor, nonce, now() + lasts)
        by = who if signer is None else signer
        chain = self.home if is_home else self.home + 1
        signature = sign(
            self.system, self.actors[by], message, chain_id=chain, contract=self.contracts[contract].address
        )
        self.signed.append((message, signature, by, contract, chain))

    @step(
        weight=8,
        when=lambda self: self.signed,
        which=ANY,
        change=st.sampled_from([None, None, None, "nonce", "deadline", "price", "actor", "byte"]),
        place=st.integers(0, 64),
    )
    def submit(self, which: int, change: str | None, place: int) -> None:
        sent, signature, reasons = self.judged(which, change, place)
        reason = self.attempt(sent.FUNCTION, sent, signature, sender=self.system.thief)
        assert reason in (reasons or {None})
        if reason is None:
            self.happened(sent)

    @step(
        weight=4,
        when=lambda self: self.signed,
        picks=st.lists(
            st.tuples(ANY, st.sampled_from([None, None, None, "nonce", "price", "byte"]), st.integers(0, 64)),
            min_size=1,
            max_size=5,
        ),
    )
    def submit_many(self, picks: list[tuple[int, str | None, int]]) -> None:
        """In one transaction: each as if it were alone, after those before it."""
        calls, expected = [], []
        for which, change, place in picks:
            sent, signature, reasons = self.judged(which, change, place)
            calls.append(self.system.signed.data(sent.FUNCTION, sent, signature))
            expected.append({reason.encode()[:32].ljust(32, b"\x00") for reason in reasons})
            if not reasons:
                self.happened(sent)
        refused = self.system.signed.execute_many(calls, [400_000] * len(calls), sender=self.system.thief)
        assert refused == sum(1 << place for place, reasons in enumerate(expected) if reasons)
        told = {log["index"]: log["reason"] for log in self.system.signed.events("ActionFailed")}
        assert set(told) == {place for place, reasons in enumerate(expected) if reasons}
        assert all(told[place] in reasons for place, reasons in enumerate(expected) if reasons)

    def judged(self, which: int, change: str | None, place: int) -> tuple[Any, bytes, set[str]]:
        """A signed message, perhaps altered, and the reasons for which it may be refused now; none: it goes through."""
        message, signature, signer, contract, chain = self.signed[which % len(self.signed)]
        sent = message
        if change in ("nonce", "deadline"):
            sent = replace(message, **{change: getattr(message, change) ^ 1})
        elif change == "actor":
            other = self.actors[1] if message.actor == self.actors[0] else self.actors[0]
            sent = replace(message, actor=str(other))
        elif change == "price" and isinstance(message, typed_data.PostOffers):
            sent = replace(message, offers=(replace(message.offers[0], price=message.offers[0].price + 3),))
        elif change == "price" and isinstance(message, typed_data.WithdrawOffer):
            sent = replace(message, offer=replace(message.offer, price=message.offer.price + 3))
        elif change in ("byte", "price"):
            signature = signature[:place] + bytes([signature[place] ^ 1]) + signature[place + 1 :]
            change = "byte"
        actor = self.actors.index(sent.actor)
        is_valid = (
            change is None and contract == 0 and chain == self.chain and signer == actor and sent.actor == message.actor
        )
        is_live = self.posted.get(number_of(sent), False)
        refused = {
            "signed: deadline passed": now() > sent.deadline,
            "signed: nonce already used": (actor, sent.nonce) in self.used,
            "signed: bad signature": not is_valid,
            "market: already posted": sent.FUNCTION == "post_offers" and is_live,
            "market: offer not live": sent.FUNCTION == "withdraw_offer" and not is_live,
        }
        return sent, signature, {reason for reason, holds in refused.items() if holds}

    def happened(self, sent: Any) -> None:
        """A message was carried out."""
        self.used.add((self.actors.index(sent.actor), sent.nonce))
        if sent.FUNCTION != "cancel_nonce_for":
            self.posted[number_of(sent)] = sent.FUNCTION == "post_offers"

    def attempt(self, name: str, *args: Any, **options: Any) -> str | None:
        """Why a call was refused, or None."""
        try:
            getattr(self.system.signed, name)(*args, **options)
        except Reverted as error:
            return error.reason
        return None

    @step(weight=1, who=st.integers(0, 1), nonce=NONCES)
    def cancel(self, who: int, nonce: int) -> None:
        reason = self.attempt("cancel_nonce", nonce, sender=self.actors[who])
        assert reason == ("signed: nonce already used" if (who, nonce) in self.used else None)
        self.used.add((who, nonce))

    @step(weight=1, seconds=st.sampled_from([1, 5, 11]))
    def time_passes(self, seconds: int) -> None:
        travel(seconds)

    @step(weight=1, is_home=st.sampled_from([True, True, False]))
    def the_chain_splits(self, is_home: bool) -> None:
        self.chain = self.home if is_home else self.home + 1
        boa.env.evm.patch.chain_id = self.chain


def test_signed_actions(system: System) -> None:
    run_state_machine_as_test(lambda: SignedMachine(system), settings=effort(14, 40))
