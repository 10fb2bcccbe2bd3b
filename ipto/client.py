# SPDX-License-Identifier: Apache-2.0
"""What a person does, in one call each: a creator describes, signs and hands in; a licensee reads, checks and pays.

A `Creator` never needs a coin: what it signs goes to a relayer. A `Licensee` pays from its own account, or signs a
payment that a relayer carries.
"""

from __future__ import annotations

import dataclasses
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ipto import documents, ids, media, presets, terms, typed_data, works
from ipto.accounts import Signer
from ipto.chain import Contract, Deployment, Receipt
from ipto.content import Cid, ContentStore
from ipto.documents import Document
from ipto.errors import InputError, IntegrityError
from ipto.quantities import ETHER, Currency
from ipto.rpc import Rpc
from ipto.services import Relayer
from ipto.structs import ETH, SHARE_TOTAL, ZERO32, ZERO_ADDRESS, Aspect, Authorization, Offer, Share, WorkInput
from ipto.typed_data import Onboard, PostOffers, ReceiveWithAuthorization, TypedData, WithdrawOffer

__all__ = ["Contribution", "Creator", "Film", "Licensee", "OfferPlan", "Prepared", "currencies", "party_digest"]

_DEADLINE_SECONDS = 3600
_ALL_ASPECTS = int(sum(Aspect))
_WATCH = Callable[[int], object]


@dataclass(frozen=True, slots=True)
class Contribution:
    """One person behind a film: what they did, where they are paid, and their part of the income."""

    name: str
    role: str
    address: str
    share: int  # parts of 1,000,000

    @property
    def person(self) -> works.Person:
        """As the metadata document credits them."""
        return works.Person(self.name, self.role, self.address)


@dataclass(frozen=True, slots=True)
class OfferPlan:
    """An offer before its work has an id. price: smallest unit; scene: milliseconds; changes: other fields."""

    preset: str
    price: int
    currency: Currency
    scene: tuple[int, int] | None = None
    changes: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Film:
    """A video file that was read, hashed and put into the creator's content store."""

    path: Path
    properties: works.MediaProperties
    poster: Cid
    poster_bytes: bytes


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything that one signature settles, ready to be signed."""

    message: Onboard
    metadata: Document
    documents: tuple[bytes, ...]  # canonical bytes: metadata, cultural notice if any, terms of each offer
    poster: tuple[Cid, bytes]
    work: int
    split: tuple[Share, ...]
    controller: str
    payee: bytes  # the account that licenses pay

    @property
    def offers(self) -> tuple[Offer, ...]:
        """The offers it posts."""
        return self.message.offers


def currencies(deployment: Deployment) -> tuple[Currency, ...]:
    """What can be paid with on a deployment's chain: ETH and its listed tokens."""
    return (ETHER, *(Currency(token.symbol, token.address, token.decimals) for token in deployment.tokens.values()))


def currency_at(deployment: Deployment, address: str) -> Currency:
    """The currency at an address. Raises InputError for one the deployment does not list."""
    for currency in currencies(deployment):
        if currency.address == address:
            return currency
    raise InputError(f"the currency {address} is not listed in the deployment file; add it under tokens")


def party_digest(name: str, register: str = "", salt: bytes | None = None) -> tuple[bytes, Document]:
    """The salted digest of who signs a license, and the document to keep: it opens the digest to an auditor.

    name: legal name; register: register number. salt: 32 bytes; random when not given.
    """
    document = {"name": name, "register": register, "salt": "0x" + (salt or secrets.token_bytes(32)).hex()}
    return documents.digest(document), document


def split_of(people: Sequence[Contribution]) -> tuple[Share, ...]:
    """The split that pays these people. Raises InputError unless their parts sum to 1,000,000."""
    if len({person.address for person in people}) != len(people):
        raise InputError("two people share one address; add their parts up, or name another address")
    if (total := sum(person.share for person in people)) != SHARE_TOTAL:
        raise InputError(f"the parts sum to {total / 10_000:g} %, not to 100 %")
    shares = [Share(ids.address_account(person.address), person.share) for person in people]
    return tuple(sorted(shares, key=lambda share: share.account))


class Creator:
    """Registers works and posts offers by signature alone."""

    def __init__(self, signer: Signer, deployment: Deployment, store: ContentStore) -> None:
        """store: where the creator keeps films and documents."""
        self.signer, self.deployment, self.store = signer, deployment, store
        # Nonces next to each other share a storage word on chain, so later actions are cheaper.
        self._nonce = secrets.randbits(248) << 8

    def read(self, path: Path, progress: _WATCH | None = None) -> Film:
        """Read a video's properties, hash it, make a poster, and put film and poster into the store.

        Raises media.MediaError, saying what to do, for whatever is not a whole video.
        """
        properties = media.describe(path, progress=progress)
        poster = media.poster(path)
        stored = self.store.ingest(path)
        if stored.sha256 != properties.sha256:
            raise InputError(f"{path} changed while it was read; wait until it is finished, then try again")
        return Film(path, properties, self.store.put(poster), poster)

    def prepare(
        self,
        film: Film,
        *,
        title: str,
        people: Sequence[Contribution],
        plans: Sequence[OfferPlan],
        credit_line: str | None = None,
        cultural: works.CulturalNotice | None = None,
        steward: str = ZERO_ADDRESS,
        cleared: int = _ALL_ASPECTS,
        rights: works.RightsReservation | None = None,
        details: terms.TermsDetails | None = None,
        deadline: int | None = None,
        **metadata: Any,
    ) -> Prepared:
        """Write all documents and the message that registers the film, splits its income and posts its offers.

        people: the first is named as the creator, the others as contributors; their parts sum to 1,000,000.
        metadata: further fields of `works.build_metadata`. deadline: UTC seconds; one hour from now when not given.
        Raises InputError naming what to correct; nothing is signed or sent.
        """
        if not people:
            raise InputError("name at least one person who is paid")
        controller = self.signer.address
        only = len(people) == 1 and people[0].address == controller
        split = () if only else split_of(people)
        payee = ids.split_account(split, controller) if split else ZERO32
        notice = cultural.document() if cultural else None
        document = works.build_metadata(
            title=title,
            creators=[people[0].person],
            credits=[person.person for person in people[1:]],
            media=film.properties,
            poster=film.poster,
            credit_text=credit_line,
            rights=rights,
            cultural=documents.digest(notice) if notice else None,
            **metadata,
        )
        work_input = works.work_input(document, cleared=cleared, payee=payee, steward=steward)
        work = ids.work_id(controller, work_input.content)
        offers, papers = self._offers(work, work_input, plans, title, credit_line, details)
        message = Onboard(
            actor=controller,
            registry=self.deployment.address("WorkRegistry"),
            vault=self.deployment.address("RoyaltyVault"),
            market=self.deployment.address("LicenseMarket"),
            split=split,
            controller=controller,
            work=work_input,
            offers=offers,
            nonce=self._take_nonce(),
            deadline=deadline or int(time.time()) + _DEADLINE_SECONDS,
        )
        written = [document, *([notice] if notice else []), *papers]
        return Prepared(
            message=message,
            metadata=document,
            documents=tuple(documents.canonical(item) for item in written),
            poster=(film.poster, film.poster_bytes),
            work=work,
            split=split,
            controller=controller,
            payee=payee if split else ids.address_account(controller),
        )

    def hand_in(self, prepared: Prepared, relayer: Relayer) -> str:
        """Store the documents with the operator, sign, and hand the message in; the action's id."""
        for data in prepared.documents:
            relayer.upload(self.store.put_document(data), data)
        relayer.upload(*prepared.poster)
        return self._submit(relayer, prepared.message)

    def post(self, offers: Sequence[Offer], papers: Sequence[Document], relayer: Relayer) -> str:
        """Post more offers of a work; the action's id. papers: their terms documents."""
        for paper in papers:
            data = documents.canonical(paper)
            relayer.upload(self.store.put_document(data), data)
        deadline = int(time.time()) + _DEADLINE_SECONDS
        market = self.deployment.address("LicenseMarket")
        message = PostOffers(self.signer.address, market, tuple(offers), self._take_nonce(), deadline)
        return self._submit(relayer, message)

    def withdraw(self, offer: Offer, relayer: Relayer) -> str:
        """Withdraw an offer; the action's id."""
        deadline = int(time.time()) + _DEADLINE_SECONDS
        market = self.deployment.address("LicenseMarket")
        return self._submit(relayer, WithdrawOffer(self.signer.address, market, offer, self._take_nonce(), deadline))

    def typed(self, message: Onboard | PostOffers | WithdrawOffer) -> TypedData:
        """A message in its domain: what the wallet shows and signs."""
        signed_actions = self.deployment.address("SignedActions")
        return TypedData(typed_data.signed_actions_domain(self.deployment.chain_id, signed_actions), message)

    def _submit(self, relayer: Relayer, message: Onboard | PostOffers | WithdrawOffer) -> str:
        signature = self.signer.sign_typed_data(self.typed(message))
        return relayer.submit(type(message).__name__, message.to_json(), signature)

    def _offers(
        self,
        work: int,
        work_input: WorkInput,
        plans: Sequence[OfferPlan],
        title: str,
        credit_line: str | None,
        details: terms.TermsDetails | None,
    ) -> tuple[tuple[Offer, ...], list[Document]]:
        offers, papers = [], []
        for plan in plans:
            if plan.scene and plan.scene[1] > work_input.duration_ms:
                raise InputError(f"the scene ends after the film does ({work_input.duration_ms} ms); choose another")
            words = details or terms.TermsDetails(work_title=title, attribution=credit_line)
            offer, paper = presets.make_offer(
                plan.preset,
                work=work,
                licensor=self.signer.address,
                price=plan.price,
                currency=plan.currency,
                scene=plan.scene,
                details=words,
                **plan.changes,
            )
            offers.append(offer)
            papers.append(paper)
        return tuple(offers), papers

    def _take_nonce(self) -> int:
        self._nonce += 1
        return self._nonce


class Licensee:
    """Buys licenses after checking what it was told against the chain."""

    def __init__(self, signer: Signer, deployment: Deployment, rpc: Rpc) -> None:
        self.signer, self.deployment, self.rpc = signer, deployment, rpc
        self.market = deployment.contract("LicenseMarket", rpc)

    def read_offer(self, answer: Mapping[str, Any]) -> Offer:
        """The offer in an indexer's answer. Raises IntegrityError when the answer contradicts itself."""
        offer = Offer.from_mapping(answer["chain"])
        if "0x" + ids.offer_id(offer).hex() != answer["id"]:
            raise IntegrityError("the indexer's offer does not have the id it is shown under; ask another indexer")
        return offer

    def acknowledge(self, offer: Offer, cultural: bytes, claim_rank: int) -> tuple[int, bytes]:
        """Total to pay now and the hash to acknowledge, from what was read of the work.

        Raises IntegrityError when the chain wants something else acknowledged: the notice changed, or the reader was
        misinformed.
        """
        total, _, expected = self.market.call("quote", offer)
        acknowledged = ids.acknowledgement(offer.terms, cultural, claim_rank)
        if acknowledged != expected:
            raise IntegrityError("terms, cultural notice or earlier claims are not what was read; read the offer again")
        return int(total), acknowledged

    def mint(self, offer: Offer, *, party: bytes, cultural: bytes = ZERO32, claim_rank: int = 0) -> tuple[int, Receipt]:
        """Buy a license from this account, in ETH or an ERC-20 (allowing exactly the total first); id and receipt."""
        total, acknowledged = self.acknowledge(offer, cultural, claim_rank)
        in_eth = offer.currency == ETH
        if not in_eth and total:
            token = Contract("TestUSD", offer.currency, self.rpc)
            if token.call("allowance", self.signer.address, self.market.address) < total:
                token.send(self.signer, "approve", self.market.address, total)
        arguments = (offer, self.signer.address, party, total, acknowledged)
        receipt = self.market.send(self.signer, "mint", *arguments, value=total if in_eth else 0)
        return self._license_in(receipt), receipt

    def authorize(
        self, offer: Offer, *, party: bytes, cultural: bytes = ZERO32, claim_rank: int = 0, seconds: int = 3600
    ) -> dict[str, Any]:
        """A signed order for a license, paid by EIP-3009: what `Relayer.purchase` takes. Needs no ETH.

        seconds: how long the authorization holds.
        """
        total, acknowledged = self.acknowledge(offer, cultural, claim_rank)
        token = next((item for item in self.deployment.tokens.values() if item.address == offer.currency), None)
        if token is None or not token.version:
            raise InputError("this currency cannot be paid by authorization; mint from an account with ETH instead")
        order = ids.order_hash(self.deployment.chain_id, ids.offer_id(offer), self.signer.address, party, acknowledged)
        until = int(time.time()) + seconds
        payment = ReceiveWithAuthorization(
            payer=self.signer.address,
            to=self.deployment.address("RoyaltyVault"),
            value=total,
            valid_after=0,
            valid_before=until,
            nonce=ids.authorization_nonce(self.market.address, order),
        )
        domain = typed_data.Domain(token.name, token.version, self.deployment.chain_id, token.address)
        v, r, s = typed_data.split_signature(self.signer.sign_typed_data(TypedData(domain, payment)))
        return {
            "offer": offer.to_json(),
            "licensee": self.signer.address,
            "party": "0x" + party.hex(),
            "acknowledged": "0x" + acknowledged.hex(),
            "authorization": Authorization(self.signer.address, 0, until, v, r, s).to_json(),
        }

    def _license_in(self, receipt: Receipt) -> int:
        minted = self.market.events(receipt, "LicenseMinted")
        return int(minted[-1].args["license"])


def pay_out(
    rpc: Rpc, deployment: Deployment, payer: Signer, split: Sequence[Share], controller: str, currency: str
) -> Receipt:
    """Send a split's balance to its people. Anyone may; `payer` pays the gas and gets nothing."""
    vault = deployment.contract("RoyaltyVault", rpc)
    return vault.send(payer, "pay_out", list(split), controller, currency)
