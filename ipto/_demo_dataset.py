# SPDX-License-Identifier: Apache-2.0
"""The demo's step before the last: a thousand works under one set of terms, licensed in one transaction."""

from __future__ import annotations

import hashlib
import itertools
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from ipto import content, documents, ids
from ipto._demo_stage import Stage
from ipto.accounts import LocalSigner
from ipto.chain import Contract
from ipto.client import Curator, DatasetLicensee, collect, party_digest, read_dataset
from ipto.datasets import batches, build_dataset
from ipto.documents import Document
from ipto.messages import MAX_POST_OFFERS, MAX_REGISTER_WORKS, PostOffers, RegisterWorks
from ipto.presets import make_offer
from ipto.quantities import format_amount
from ipto.structs import Aspect, Offer, OfferFlag, WorkInput
from ipto.typed_data import TypedData, signed_actions_domain
from ipto.works import MediaProperties, Person, build_metadata, work_input

__all__ = ["license_dataset"]

_CREATORS = 20  # at most
_AT_ONCE = 8  # documents written at the same time
_PRESET = "generate-commercial-share"  # reports every 90 days, 5 % of what the output brings
_SECONDS = 3_600  # for which signatures hold


@dataclass(slots=True)
class _Creator:
    """Someone with many works and no coin."""

    signer: LocalSigner
    works: list[WorkInput]
    nonces: Iterator[int]


def license_dataset(stage: Stage, works: int) -> int:
    """Register and offer so many works, bundle and license them, and pay each its own price; the license's id."""
    creators = [_Creator(LocalSigner.random(), [], itertools.count(1)) for _ in range(min(_CREATORS, works))]
    papers: list[bytes] = []
    for number in range(works):
        creator = creators[number % len(creators)]
        metadata = _metadata(creator.signer, number)
        creator.works.append(work_input(metadata, cleared=int(sum(Aspect))))
        papers.append(documents.canonical(metadata))
    with ThreadPoolExecutor(_AT_ONCE) as pool:  # each is on the disk before it counts
        deque(pool.map(stage.store.put_document, papers), maxlen=0)
    offers = _onboard(stage, creators)
    keeper = stage.keeper
    stage.line("works", f"{works:,} invented ones of {len(creators)} creators, who signed and have never held ETH")
    stage.expect(
        not any(stage.rpc.balance(creator.signer.address) for creator in creators), "creators have spent nothing"
    )

    curator = Curator(keeper, stage.deployment, stage.rpc)
    dataset = build_dataset(offers[0], keeper.address, curator_fee_bps=100)
    gas = curator.open(dataset).gas_used + sum(receipt.gas_used for receipt in curator.add(dataset, offers))
    stage.line(
        "dataset", f"0x{ids.dataset_id(dataset).hex()}: {len(offers):,} members, gas {gas // len(offers):,} each"
    )

    buyer = DatasetLicensee(stage.licensee, stage.deployment, stage.rpc)
    agreement = buyer.agree(ids.dataset_id(dataset))
    money = stage.currency
    faucet = Contract("TestUSD", money.address, stage.rpc)
    faucet.send(stage.chain.signers[0], "mint", stage.licensee.address, agreement.total)
    license, receipt = buyer.mint(agreement, party_digest("Example Models Inc")[0])
    stage.line("one license", f"{license:#x}")
    stage.line(
        "price",
        f"{format_amount(agreement.total, money)} for {agreement.members:,} works in one transaction, "
        f"{format_amount(agreement.curator_fee, money)} of it to the curator; gas {receipt.gas_used:,}",
    )

    done = collect(stage.deployment, stage.rpc, keeper, ids.dataset_id(dataset))
    gas = sum(item.gas_used for item in done.receipts)
    stage.line("collected", f"by a keeper in {len(done.receipts)} transactions, gas {gas // len(offers):,} a work")
    stage.expect(
        done.amounts == {ids.offer_id(offer): offer.price for offer in offers}, "every work got exactly its own price"
    )
    history = read_dataset(stage.deployment, stage.rpc, ids.dataset_id(dataset))
    owed = sum(member.owed(history.sales) for member in history.members.values())
    stage.expect(done.total == agreement.price and not owed, f"{done.total} collected of {agreement.price}")
    prices = [format_amount(price(offer.price for offer in offers), money) for price in (min, max)]
    stage.line(
        "sum",
        f"{format_amount(done.total, money)} to {len(offers):,} works, each its own price from {' to '.join(prices)}, "
        "to the last unit",
    )
    return license


def _metadata(creator: LocalSigner, number: int) -> Document:
    """The metadata document of an invented work."""
    film = f"IPTO demo film {number}: not a video, only bytes to stand for one.\n".encode()
    described = content.describe(film)
    return build_metadata(
        title=f"Study {number + 1}",
        creators=[Person("Demo Creator", "director", creator.address)],
        description="An invented work for the demo; there is no film behind it.",
        media=MediaProperties(
            sha256=described.sha256,
            size=described.size,
            cid=described.cid,
            cid_profile=described.profile,
            duration_ms=5_000 + number,
            width=1920,
            height=1080,
            frame_rate="25/1",
            codec="h264",
            container="mp4",
        ),
    )


def _onboard(stage: Stage, creators: Sequence[_Creator]) -> list[Offer]:
    """Every creator signs; the keeper submits and pays the gas."""
    address = stage.deployment.address
    signed = stage.deployment.contract("SignedActions", stage.rpc)
    domain = signed_actions_domain(stage.deployment.chain_id, signed.address)
    deadline = int(time.time()) + _SECONDS
    template, offers = _template(stage), list[Offer]()
    for creator in creators:
        me = creator.signer.address
        numbers = [ids.work_id(me, work.content) for work in creator.works]
        made = [replace(template, work=work, licensor=me, price=_price(stage, work)) for work in numbers]
        messages: list[RegisterWorks | PostOffers] = [
            RegisterWorks(
                me,
                address("WorkRegistry"),
                address("RoyaltyVault"),
                (),
                me,
                tuple(part),
                next(creator.nonces),
                deadline,
            )
            for part in batches(creator.works, MAX_REGISTER_WORKS, MAX_REGISTER_WORKS)
        ]
        messages += [
            PostOffers(me, address("LicenseMarket"), tuple(part), next(creator.nonces), deadline)
            for part in batches(made, MAX_POST_OFFERS, MAX_POST_OFFERS)
        ]
        for message in messages:
            signature = creator.signer.sign_typed_data(TypedData(domain, message))
            signed.send(stage.keeper, message.FUNCTION, message, signature)
        offers += made
    return offers


def _template(stage: Stage) -> Offer:
    """What all offers have in common, their terms document in the store: one for all of them."""
    offer, paper = make_offer(
        _PRESET, work=0, licensor=stage.keeper.address, price=0, currency=stage.currency, flags=int(OfferFlag.BUNDLE)
    )
    stage.store.put_document(documents.canonical(paper))
    return offer


def _price(stage: Stage, work: int) -> int:
    """From 0.10 to 1.09 of the stablecoin, the same in every run of one work."""
    cent = 10 ** (stage.currency.decimals - 2)
    return int(cent) * (10 + hashlib.sha256(work.to_bytes(32, "big")).digest()[0] % 100)
