# SPDX-License-Identifier: Apache-2.0
"""The story that the API is asked about: a creator onboards with one signature; a licensee buys for dollars and for
ETH; the split is paid out. Told once for each worker, on a chain of its own; tests that change it tell it again.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rfc8785
from pydantic import TypeAdapter

from ipto.content import Cid, LocalStore
from ipto.deploy import Parameters, deploy, install_factory
from ipto.devchain import DevChain
from ipto.ids import address_account, split_account, work_id
from ipto.structs import ETH, ZERO32, Offer, Share, WorkInput
from ipto.typed_data import Onboard, TypedData, signed_actions_domain
from ipto.works import MediaProperties, Person, build_metadata
from tests.indexer.served import STILL, Served
from tests.indexer.world import World

PRICE = 5_000_001
FEE_BPS = 250


def metadata_document(title: str = "Dance of the cranes") -> bytes:
    media = MediaProperties(
        b"\x01" * 32, 10, Cid.raw(b"\x01" * 32), "unixfs-v1-2025", 60_000, 640, 360, "25/1", "h264", "mp4"
    )
    document = build_metadata(title=title, creators=[Person("A. Creator", "director")], media=media)
    return rfc8785.dumps(document)


@dataclass
class Tale:
    """What happened on the chain."""

    world: World
    content: Path
    creator: str
    people: list[str]
    licensee: str
    shares: tuple[Share, ...]
    split: bytes
    work: int
    offers: tuple[Offer, Offer]
    metadata: bytes


@dataclass
class Story(Tale):
    """The tale, and an indexer that serves it."""

    server: Served

    def get(self, path: str, **params: Any) -> Any:
        return self.server.get(path, **params)

    def problem(self, status: int, kind: str, path: str, **params: Any) -> dict[str, Any]:
        return self.server.problem(status, kind, path, **params)


def tell(world: World, content: Path) -> Tale:
    """Let it happen."""
    signer, licensee = world.chain.signers[1], world.people[5]
    creator = signer.address
    people = sorted(world.people[1:4], key=lambda address: int(address, 16))
    parts = (500_000, 300_000, 200_000)
    shares = tuple(Share(address_account(who), part) for who, part in zip(people, parts, strict=True))
    split = split_account(shares, creator)
    metadata = metadata_document()
    digest = LocalStore(content).put_document(metadata).digest
    film = hashlib.sha256(b"film").digest()
    work = work_id(creator, film)
    offers = (
        world.make_offer(creator, work, usages=3, aspects=1, currency=world.dollar, price=PRICE),
        world.make_offer(creator, work, usages=4, aspects=3, price=7_000, start_ms=1_000, end_ms=2_000, supply=2),
    )
    world.do(world.owner, "LicenseMarket", "set_fee", FEE_BPS, world.owner)
    message = Onboard(
        actor=creator,
        registry=world.deployment.address("WorkRegistry"),
        vault=world.deployment.address("RoyaltyVault"),
        market=world.deployment.address("LicenseMarket"),
        split=shares,
        controller=creator,
        work=WorkInput(film, digest, ZERO32, split, "0x" + "00" * 20, 60_000, 0x1FF),
        offers=offers,
        nonce=2**255 + 1,
        deadline=2**40,
    )
    domain = signed_actions_domain(world.deployment.chain_id, world.deployment.address("SignedActions"))
    world.must(world.people[9], "SignedActions", "onboard", message, signer.sign_typed_data(TypedData(domain, message)))
    world.do(licensee, "TestUSD", "mint", licensee, 10**9)
    world.do(licensee, "TestUSD", "approve", world.deployment.address("LicenseMarket"), 10**9)
    for offer in offers:
        assert world.succeeded(world.mint(licensee, offer))
    world.must(licensee, "RoyaltyVault", "pay_out", list(shares), creator, world.dollar)
    world.must(licensee, "RoyaltyVault", "distribute", list(shares), creator, ETH)
    world.must(licensee, "RoyaltyVault", "withdraw", people[0], ETH)
    return Tale(world, content, creator, people, licensee, shares, split, work, offers, metadata)


def serve(tale: Tale, folder: Path, url: str, **settings: str) -> Story:
    """An indexer that has read all of it."""
    content = str(tale.content)
    server = Served(tale.world, folder, DATABASE=url, CONTENT_FOLDER=content, FINALITY_BLOCKS="3", **settings)
    server.catch_up()
    return Story(**vars(tale), server=server)


class Stories:
    """One tale, served from a database of each kind, each made when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stack = ExitStack()
        self._tale: Tale | None = None
        self._served: dict[str, Story] = {}

    def of(self, kind: str, new_url: Callable[[], str]) -> Story:
        """The story from this kind of database; new_url: where to put it, if it is the first time."""
        if kind not in self._served:
            folder = self.folder / kind
            folder.mkdir()
            self._served[kind] = serve(self._told(), folder, new_url(), **STILL)
        return self._served[kind]

    def _told(self) -> Tale:
        if self._tale is None:
            chain = self._stack.enter_context(DevChain())
            owner = chain.signers[0]
            install_factory(chain.rpc, owner)
            deployment = deploy(chain.rpc, owner, Parameters(owner.address), test_token=True)
            self._tale = tell(World(chain, deployment, random.Random(1)), self.folder / "content")
        return self._tale

    def close(self) -> None:
        """End everything; what was served ended in order."""
        codes = [story.server.close() for story in self._served.values()]
        self._stack.close()
        assert set(codes) <= {0}


def valid(model: Any, body: Any) -> Any:
    """The answer has the shape OpenAPI promises, no more and no less."""
    TypeAdapter(model).validate_python(body, strict=True)
    return body
