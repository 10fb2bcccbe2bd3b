# SPDX-License-Identifier: Apache-2.0
"""Writes tests/vectors/typed_data.json: messages, hashes and signatures that every implementation must agree on.

    python -m scripts.typed_data_vectors           write
    python -m scripts.typed_data_vectors --check   exit 1 when the committed file differs

Everything in them follows from the labels below; the keys are hashes of public words and worth nothing.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from ipto import ids
from ipto.accounts import LocalSigner
from ipto.structs import (
    ETH,
    NEVER,
    PERPETUAL,
    SHARE_TOTAL,
    UNLIMITED,
    WHOLE_END_MS,
    ZERO32,
    ZERO_ADDRESS,
    AfterTerm,
    Aspect,
    ChainStruct,
    Dataset,
    Offer,
    OfferFlag,
    Share,
    Unit,
    Usage,
    WorkInput,
)
from ipto.typed_data import (
    ACTIONS,
    AcceptInvitation,
    Action,
    Domain,
    Onboard,
    Permit,
    PostOffers,
    ReceiveWithAuthorization,
    Redirect,
    TypedData,
    WithdrawOffer,
    encode_type,
    signed_actions_domain,
    vault_domain,
)

OUTPUT = Path(__file__).resolve().parent.parent / "tests" / "vectors" / "typed_data.json"


def key(label: str) -> bytes:
    """A private key that anyone can compute."""
    return hashlib.sha256(f"ipto test vector key {label}".encode()).digest()


def digest(label: str) -> bytes:
    """Any 32 bytes."""
    return hashlib.sha256(f"ipto test vector {label}".encode()).digest()


def address(label: str) -> str:
    """Any address."""
    return LocalSigner(key(label)).address


CREATOR, PAYER = "creator", "payer"
CHAIN = 31337
MAX256 = 2**256 - 1


def split(people: int) -> tuple[Share, ...]:
    """A split among so many people, its remainder with the last."""
    accounts = sorted(ids.address_account(address(f"recipient {n}")) for n in range(people))
    part = SHARE_TOTAL // people if people else 0
    return tuple(
        Share(account, part if n < people - 1 else SHARE_TOTAL - part * (people - 1))
        for n, account in enumerate(accounts)
    )


def work(payee: bytes = ZERO32, steward: str = ZERO_ADDRESS) -> WorkInput:
    """A work; every digest from its label."""
    cultural = digest("cultural notice") if steward != ZERO_ADDRESS else ZERO32
    return WorkInput(digest("film"), digest("metadata"), cultural, payee, steward, 596_474, 0x1FF)


def offer(number: int = 0, **changes: Any) -> Offer:
    """An ordinary offer; `number` makes it a different one."""
    values: dict[str, Any] = {
        "work": ids.work_id(address(CREATOR), digest("film")),
        "licensor": address(CREATOR),
        "usages": Usage.TRAIN | Usage.EVALUATE,
        "aspects": Aspect.FOOTAGE | Aspect.SOUND,
        "forbids": 0b1010101,
        "start_ms": 1_000 * number,
        "end_ms": 1_000 * number + 500 if number else WHOLE_END_MS,
        "currency": address("stablecoin"),
        "price": 250_000_000 + number,
        "term": 365 * 86_400,
        "revenue_share_bps": 500,
        "unit": Unit.TRAINED_SECOND,
        "unit_price": 1_000,
        "report_every": 90 * 86_400,
        "after_term": AfterTerm.SUNSET,
        "supply": 10,
        "licensee": ZERO_ADDRESS,
        "opens_at": 1_700_000_000,
        "closes_at": NEVER,
        "flags": OfferFlag.TRANSFERABLE,
        "terms": digest(f"terms {number}"),
    }
    return Offer(**(values | changes))


def extreme_offer() -> Offer:
    """Every number at its largest."""
    return offer(
        work=MAX256,
        usages=0xFFFF,
        aspects=0xFFFF,
        forbids=0xFFFF,
        start_ms=0xFFFFFFFF,
        currency=ETH,
        price=2**96 - 1,
        term=PERPETUAL,
        revenue_share_bps=0xFFFF,
        unit=0xFF,
        unit_price=2**96 - 1,
        report_every=0xFFFFFFFF,
        after_term=0xFF,
        supply=UNLIMITED,
        licensee="0x" + "ff" * 20,
        opens_at=NEVER,
        flags=0xFF,
        terms=b"\xff" * 32,
    )


def onboard(people: int, offers: int, **changes: Any) -> Onboard:
    """An Onboard message with so many recipients and offers."""
    shares = split(people)
    payee = ids.split_account(shares, address(CREATOR)) if shares else ZERO32
    values: dict[str, Any] = {
        "actor": address(CREATOR),
        "registry": address("registry"),
        "vault": address("vault"),
        "market": address("market"),
        "split": shares,
        "controller": address(CREATOR) if shares else ZERO_ADDRESS,
        "work": work(payee),
        "offers": tuple(offer(n) for n in range(offers)),
        "nonce": int.from_bytes(digest("nonce"), "big"),
        "deadline": 1_900_000_000,
    }
    return Onboard(**(values | changes))


def dataset() -> Dataset:
    """A dataset whose members could be `offer`s."""
    usual = offer()
    same = {spec.name for spec in Dataset.fields()} & {spec.name for spec in Offer.fields()}
    values = {name: getattr(usual, name) for name in same}
    return Dataset(**values, curator=address(CREATOR), curator_fee_bps=250, salt=digest("dataset"))


def sample(kind: type[Action], variant: int = 0) -> Action:
    """A message of a kind, each field from its name. variant: 1 has the other answer, and other numbers."""
    structs: dict[type[ChainStruct], list[Any]] = {
        Offer: [offer(variant), offer(variant + 1)],
        WorkInput: [work(), work(ids.split_account(split(2), address(CREATOR)), address("steward"))],
        Share: list(split(2)),
        Dataset: [dataset()],
    }
    values: dict[str, Any] = {}
    for spec in kind.fields():
        label = f"{kind.__name__}.{spec.name} {variant}"
        if spec.struct is not None:
            found = structs[spec.struct]
            values[spec.name] = tuple(found) if spec.is_array else found[0]
        elif spec.abi == "address":
            values[spec.name] = address(CREATOR if spec.name == "actor" else spec.name)
        elif spec.abi == "bool":
            values[spec.name] = variant == 0
        elif spec.abi == "bytes32":
            values[spec.name] = digest(label)
        else:
            values[spec.name] = int.from_bytes(digest(label), "big") % (1 << int(spec.abi[4:]))
    values["deadline"] = 1_900_000_000 + variant
    return kind(**values)


def cases() -> dict[str, tuple[str, TypedData]]:
    """Name → who signs, what."""
    actions = signed_actions_domain(CHAIN, address("signed actions"))
    elsewhere = signed_actions_domain(1, address("signed actions"))
    vault = vault_domain(CHAIN, address("vault"))
    token = Domain("Test USD", "1", CHAIN, address("stablecoin"))
    market, actor = address("market"), address(CREATOR)
    order = ids.order_hash(CHAIN, ids.offer_id(offer()), address(PAYER), digest("party"), digest("acknowledged"))
    nonce = ids.authorization_nonce(market, order)
    everything = PostOffers(actor, market, tuple(offer(n) for n in range(32)), 1, MAX256)
    found: dict[str, tuple[str, TypedData]] = {
        "onboard alone": (CREATOR, TypedData(actions, onboard(0, 0))),
        "onboard with a split and two offers": (CREATOR, TypedData(actions, onboard(3, 2))),
        "onboard with the most of everything": (CREATOR, TypedData(actions, onboard(64, 8))),
        "onboard with a steward": (
            CREATOR,
            TypedData(actions, onboard(1, 1, work=work(ids.split_account(split(1), actor), address("steward")))),
        ),
        "onboard on another chain": (CREATOR, TypedData(elsewhere, onboard(3, 2))),
        "onboard signed by a stranger": ("stranger", TypedData(actions, onboard(3, 2))),
        "no offers": (CREATOR, TypedData(actions, PostOffers(actor, market, (), 0, 0))),
        "one offer": (CREATOR, TypedData(actions, PostOffers(actor, market, (offer(),), 0, 1_900_000_000))),
        "32 offers": (CREATOR, TypedData(actions, everything)),
        "the largest numbers": (CREATOR, TypedData(actions, PostOffers(actor, market, (extreme_offer(),), MAX256, 1))),
        "withdraw": (CREATOR, TypedData(actions, WithdrawOffer(actor, market, offer(1), 2**255, 1_900_000_000))),
        "authorization": (
            PAYER,
            TypedData(
                token, ReceiveWithAuthorization(address(PAYER), address("vault"), 256_250_000, 0, 1_900_000_000, nonce)
            ),
        ),
        "redirect": (CREATOR, TypedData(vault, Redirect(actor, address("new wallet"), 3, 1_900_000_000))),
        "accept an invitation": (
            "invite",
            TypedData(vault, AcceptInvitation(address("invite"), address("collaborator"), MAX256)),
        ),
        "permit": (PAYER, TypedData(token, Permit(address(PAYER), market, MAX256, 0, MAX256))),
    }
    for kind in ACTIONS:
        for variant in (0, 1):
            found[f"{kind.__name__} {variant}"] = CREATOR, TypedData(actions, sample(kind, variant))
    return found


def build() -> str:
    """The file's content."""
    vectors = []
    for name, (who, data) in cases().items():
        signer = LocalSigner(key(who))
        vectors.append(
            {
                "name": name,
                "key": "0x" + key(who).hex(),
                "signer": signer.address,
                "typed_data": data.to_json(),
                "encode_type": encode_type(type(data.message)),
                "domain_separator": "0x" + data.domain.separator.hex(),
                "struct_hash": "0x" + data.struct_hash.hex(),
                "digest": "0x" + data.digest.hex(),
                "signature": "0x" + signer.sign_typed_data(data).hex(),
            }
        )
    head = "Written by scripts/typed_data_vectors.py; never by hand."
    return json.dumps({"comment": head, "vectors": vectors}, indent=1) + "\n"


def main(arguments: list[str]) -> int:
    """Write or check."""
    if arguments == ["--check"]:
        return 0 if OUTPUT.exists() and OUTPUT.read_text() == build() else 1
    OUTPUT.write_text(build())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
