# SPDX-License-Identifier: Apache-2.0
"""The protocol, deployed for measuring, with the people who use it and the steps measurements are made of."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bench import usd
from bench.harness import GENESIS, BenchError, Chain, Contract, digest
from ipto import ids
from ipto.accounts import LocalSigner
from ipto.chain import abi
from ipto.deploy import Parameters, deploy
from ipto.structs import (
    ETH,
    NEVER,
    SHARE_TOTAL,
    UNLIMITED,
    WHOLE_END_MS,
    ZERO32,
    ZERO_ADDRESS,
    AfterTerm,
    Aspect,
    Authorization,
    Forbid,
    Offer,
    Share,
    Usage,
    WorkInput,
)
from ipto.typed_data import (
    Domain,
    Onboard,
    PostOffers,
    ReceiveWithAuthorization,
    TypedData,
    signed_actions_domain,
    split_signature,
)

CAST = ("owner", "creator", "newcomer", "licensee", "relayer", "keeper", "steward", "treasury")
ALL_ASPECTS = Aspect((1 << len(Aspect)) - 1)
DAY = 86_400
ETH_PRICE = 10**16
FEE_BPS = 250
ONBOARDING_GAS = 400_000  # of one in a batch, at most
PARTY = digest("legal name and register number of the licensee, salted")


@dataclass(frozen=True, slots=True)
class Split:
    """A declared split: what the vault must be shown to pay it."""

    shares: tuple[Share, ...]
    controller: str

    @property
    def account(self) -> bytes:
        """Its account in the vault."""
        return ids.split_account(self.shares, self.controller)


class Protocol:
    """One deployment and its cast."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.people = {role: chain.account(role) for role in CAST}
        # By the same transactions as everywhere: code sizes and addresses are the real ones.
        parameters = Parameters(self["owner"].address)
        deployed = deploy(chain.dev.rpc, self["owner"], parameters, test_token=True)
        self.contracts = {name: Contract(chain, where, abi(name)) for name, where in deployed.contracts.items()}
        self.registry, self.vault = self.contracts["WorkRegistry"], self.contracts["RoyaltyVault"]
        self.market, self.signed = self.contracts["LicenseMarket"], self.contracts["SignedActions"]
        self.usd, self.token = self.contracts["TestUSD"], deployed.token("tUSD")
        self.usd.send(self["owner"], "mint", self["licensee"].address, usd.PLENTY)
        self.usd.send(self["licensee"], "approve", self.market.address, usd.PLENTY)
        self._labels = itertools.count(1)

    @property
    def datasets(self) -> Contract:
        """The dataset market."""
        return self.contracts["DatasetMarket"]

    def __getitem__(self, role: str) -> LocalSigner:
        """Someone in the cast."""
        return self.people[role]

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Undo on leaving whatever happens inside, the numbering of documents included."""
        with self.chain.aside():
            self._labels = itertools.count(1)
            yield

    # What people hold in their hands.

    def split(self, recipients: int) -> Split:
        """Equal shares for so many people; the first gets what does not divide."""
        people = sorted(ids.address_account(self.chain.account(f"recipient {n}").address) for n in range(recipients))
        part = SHARE_TOTAL // recipients
        extra = SHARE_TOTAL - part * recipients
        return Split(
            tuple(Share(who, part + extra * (n == 0)) for n, who in enumerate(people)), self["creator"].address
        )

    def work(self, **fields: Any) -> WorkInput:
        """A claim on a video nobody has claimed before, a clip of ten minutes."""
        label = f"work {next(self._labels)}"
        plain = {"cultural": ZERO32, "payee": ZERO32, "steward": ZERO_ADDRESS, "duration_ms": 596_000}
        plain |= {"content": digest(f"{label}: master"), "metadata": digest(f"{label}: metadata")}
        return WorkInput(**{**plain, "cleared": ALL_ASPECTS, **fields})

    def offer(self, work: int, currency: str, **fields: Any) -> Offer:
        """Training on a whole work for a year with a revenue share: no field is zero that a usual offer fills."""
        plain = {
            "work": work,
            "licensor": self["creator"].address,
            "usages": Usage.TRAIN | Usage.FINE_TUNE | Usage.EVALUATE,
            "aspects": Aspect.FOOTAGE | Aspect.CHOREOGRAPHY | Aspect.VISUAL_STYLE,
            "forbids": Forbid.LIKENESS_OR_VOICE | Forbid.BIOMETRIC_IDENTIFICATION,
            "start_ms": 0,
            "end_ms": WHOLE_END_MS,
            "currency": currency,
            "price": ETH_PRICE if currency == ETH else usd.PRICE,
            "term": 365 * DAY,
            "revenue_share_bps": 300,
            "unit": 0,
            "unit_price": 0,
            "report_every": 90 * DAY,
            "after_term": AfterTerm.SUNSET,
            "supply": UNLIMITED,
            "licensee": ZERO_ADDRESS,
            "opens_at": GENESIS,
            "closes_at": NEVER,
            "flags": 0,
            "terms": digest(f"terms {next(self._labels)}"),
        }
        return Offer(**{**plain, **fields})

    # What people do. Where no one is named, it is the creator.

    def declare(self, recipients: int) -> Split:
        """Declare a split of so many people."""
        split = self.split(recipients)
        self.vault.send(self["creator"], "declare_split", split.shares, split.controller)
        return split

    def register(self, **fields: Any) -> int:
        """Register a work; its id."""
        work, creator = self.work(**fields), self["creator"]
        self.registry.send(creator, "register", creator.address, work)
        return ids.work_id(creator.address, work.content)

    def post(self, work: int, currency: str, **fields: Any) -> Offer:
        """Post an offer."""
        offer = self.offer(work, currency, **fields)
        self.market.send(self["creator"], "post", offer)
        return offer

    def mint(self, offer: Offer) -> int:
        """The licensee buys a license from its own account; what that costs."""
        total, _, acknowledged = self.market.call("quote", offer)
        order = (offer, self["licensee"].address, PARTY, total, acknowledged)
        return self.market.gas(self["licensee"], "mint", *order, value=total if offer.currency == ETH else 0)

    def licensors(self, people: int, currency: str) -> list[Offer]:
        """An offer each of so many licensors: every one a work and a split of two people of its own."""
        offers = []
        for number in range(people):
            licensor = self.chain.account(f"licensor {number}")
            members = sorted(ids.address_account(self.chain.account(f"{part} {number}").address) for part in "ab")
            split = Split(tuple(Share(member, SHARE_TOTAL // 2) for member in members), licensor.address)
            self.vault.send(licensor, "declare_split", split.shares, split.controller)
            work = self.work(payee=split.account)
            self.registry.send(licensor, "register", licensor.address, work)
            offer = self.offer(ids.work_id(licensor.address, work.content), currency, licensor=licensor.address)
            self.market.send(licensor, "post", offer)
            offers.append(offer)
        return offers

    def mint_many(self, offers: list[Offer]) -> int:
        """The licensee buys a license of each offer with one payment; what that costs."""
        quotes = [self.market.call("quote", offer) for offer in offers]
        total = sum(quote[0] for quote in quotes)
        order = (offers, self["licensee"].address, PARTY, total, [quote[2] for quote in quotes])
        return self.market.gas(self["licensee"], "mint_many", *order)

    def mint_authorized(self, offer: Offer) -> int:
        """The licensee signs a payment (EIP-3009), the relayer submits it."""
        total, _, acknowledged = self.market.call("quote", offer)
        licensee = self["licensee"]
        order = ids.order_hash(self.chain.chain_id, ids.offer_id(offer), licensee.address, PARTY, acknowledged)
        nonce = ids.authorization_nonce(self.market.address, order)
        until = self.chain.now + DAY
        payment = ReceiveWithAuthorization(licensee.address, self.vault.address, total, 0, until, nonce)
        domain = Domain(self.token.name, self.token.version, self.chain.chain_id, self.token.address)
        v, r, s = split_signature(licensee.sign_typed_data(TypedData(domain, payment)))
        authorization = Authorization(licensee.address, 0, until, v, r, s)
        call = (offer, licensee.address, PARTY, acknowledged, authorization)
        return self.market.gas(self["relayer"], "mint_with_authorization", *call)

    def post_signed(self, offer: Offer, nonce: int) -> int:
        """The creator signs one offer; the relayer submits it."""
        creator = self["creator"]
        message = PostOffers(creator.address, self.market.address, (offer,), nonce, self.chain.now + DAY)
        return self._relayed(creator, message)

    def onboard(self, nonce: int) -> int:
        """A newcomer signs a work, a three-way split and two offers; the relayer submits them."""
        newcomer = self["newcomer"]
        return self._relayed(newcomer, self._onboarding(newcomer, nonce))

    def onboard_many(self, count: int, nonce: int) -> int:
        """So many newcomers sign the same, each with this nonce; the relayer submits them at once. Gas of all."""
        newcomers = [self.chain.account(f"newcomer {n}") for n in range(count)]
        calls = []
        for newcomer in newcomers:
            message = self._onboarding(newcomer, nonce)
            calls.append(self.signed.abi.function(message.FUNCTION).encode(message, self._proof(newcomer, message)))
        receipt = self.signed.send(self["relayer"], "execute_many", calls, [ONBOARDING_GAS] * count)
        executed = self.signed.abi.event("ActionExecuted").topic.hex()
        if [log["topics"][0][2:] for log in receipt.logs].count(executed) != count:
            raise BenchError("not every onboarding of the batch went through")
        return receipt.gas_used

    def _onboarding(self, newcomer: LocalSigner, nonce: int) -> Onboard:
        split = Split(self.split(3).shares, newcomer.address)
        work = self.work(payee=split.account)
        number = ids.work_id(newcomer.address, work.content)
        training = self.offer(number, self.usd.address, licensor=newcomer.address)
        scene = self.offer(
            number,
            self.usd.address,
            licensor=newcomer.address,
            usages=Usage.AI_INPUT | Usage.GENERATE_NONCOMMERCIAL,
            start_ms=61_000,
            end_ms=93_500,
        )
        return Onboard(
            actor=newcomer.address,
            registry=self.registry.address,
            vault=self.vault.address,
            market=self.market.address,
            split=split.shares,
            controller=split.controller,
            work=work,
            offers=(training, scene),
            nonce=nonce,
            deadline=self.chain.now + DAY,
        )

    def _proof(self, actor: LocalSigner, message: Onboard | PostOffers) -> bytes:
        domain = signed_actions_domain(self.chain.chain_id, self.signed.address)
        return actor.sign_typed_data(TypedData(domain, message))

    def _relayed(self, actor: LocalSigner, message: Onboard | PostOffers) -> int:
        return self.signed.gas(self["relayer"], message.FUNCTION, message, self._proof(actor, message))

    def set_fee(self) -> None:
        """The highest fee there may be."""
        self.market.send(self["owner"], "set_fee", FEE_BPS, self["treasury"].address)
