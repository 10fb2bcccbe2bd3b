# SPDX-License-Identifier: Apache-2.0
"""The structures of `contracts/interfaces/types.vyi`, their codes and their limits.

Order and width of the fields are part of every identifier and signature; a test compares them with the compiled
contracts. Here is only what the chain can check; `ipto.terms` and `ipto.works` say what the values mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Annotated

from ipto._struct import Abi, ChainStruct, checksum_address

__all__ = [
    "ETH",
    "MAX_CURATOR_FEE_BPS",
    "MAX_SHARES",
    "NEVER",
    "PERPETUAL",
    "SHARE_TOTAL",
    "UNLIMITED",
    "WHOLE_END_MS",
    "ZERO32",
    "ZERO_ADDRESS",
    "AfterTerm",
    "Aspect",
    "Authorization",
    "ChainStruct",
    "Dataset",
    "Forbid",
    "Offer",
    "OfferFlag",
    "Share",
    "SumNode",
    "Unit",
    "Usage",
    "UsageLeaf",
    "UsageReport",
    "WorkInput",
    "checksum_address",
]

ETH = "0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE"  # the currency ETH (ERC-7528)
ZERO_ADDRESS = "0x0000000000000000000000000000000000000000"
ZERO32 = bytes(32)
WHOLE_END_MS = 2**32 - 1  # with start_ms 0: the whole work
PERPETUAL = 2**40 - 1  # a term without end
NEVER = 2**40 - 1  # a time that does not come
UNLIMITED = 2**32 - 1  # a supply without limit
SHARE_TOTAL = 1_000_000  # the shares of a split sum to this
MAX_SHARES = 64  # recipients of one split
MAX_CURATOR_FEE_BPS = 1_000  # on top of a dataset's prices

Bytes32 = Annotated[bytes, Abi("bytes32")]
Address = Annotated[str, Abi("address")]
Bool = Annotated[bool, Abi("bool")]
Uint8 = Annotated[int, Abi("uint8")]
Uint16 = Annotated[int, Abi("uint16")]
Uint32 = Annotated[int, Abi("uint32")]
Uint40 = Annotated[int, Abi("uint40")]
Uint96 = Annotated[int, Abi("uint96")]
Uint104 = Annotated[int, Abi("uint104")]
Uint256 = Annotated[int, Abi("uint256")]


class Usage(IntFlag):
    """What may be done with a work (`Offer.usages`)."""

    TRAIN = 1 << 0
    FINE_TUNE = 1 << 1
    AI_INPUT = 1 << 2
    EVALUATE = 1 << 3
    INDEX = 1 << 4
    GENERATE_COMMERCIAL = 1 << 5
    GENERATE_NONCOMMERCIAL = 1 << 6
    ADAPT = 1 << 7


class Aspect(IntFlag):
    """Which part of a work it may be done with (`Offer.aspects`, `WorkInput.cleared`)."""

    FOOTAGE = 1 << 0
    CHOREOGRAPHY = 1 << 1
    PERFORMANCE = 1 << 2
    VISUAL_STYLE = 1 << 3
    CINEMATOGRAPHY = 1 << 4
    CHARACTER_DESIGN = 1 << 5
    EDITING = 1 << 6
    CULTURAL_ELEMENTS = 1 << 7
    SOUND = 1 << 8


class Forbid(IntFlag):
    """What an offer rules out whatever it permits (`Offer.forbids`)."""

    LIKENESS_OR_VOICE = 1 << 0
    SCENE_RECREATION = 1 << 1
    CHARACTER_REPLICA = 1 << 2
    NAME_IN_PROMPT = 1 << 3
    OPEN_WEIGHTS = 1 << 4
    RESALE_OF_OUTPUT_AS_DATA = 1 << 5
    BIOMETRIC_IDENTIFICATION = 1 << 6


class OfferFlag(IntFlag):
    """How an offer is sold (`Offer.flags`)."""

    BUNDLE = 1 << 0
    TRANSFERABLE = 1 << 1
    EXCLUSIVE = 1 << 2
    ONE_MODEL = 1 << 3


class Unit(IntEnum):
    """What `Offer.unit_price` is counted by."""

    NONE = 0
    DELIVERED_SECOND = 1
    TRAINED_SECOND = 2
    CLIP = 3
    OUTPUT_SECOND = 4
    CALL = 5


class AfterTerm(IntEnum):
    """What becomes of a model when the license ends (`Offer.after_term`)."""

    MODEL_SURVIVES = 1
    SUNSET = 2
    RETIRE = 3


@dataclass(frozen=True, slots=True)
class Share(ChainStruct):
    """One person's part of a split."""

    account: Bytes32  # an address, left-padded, or another declared split
    share: Uint32  # parts of SHARE_TOTAL


@dataclass(frozen=True, slots=True)
class WorkInput(ChainStruct):
    """What a creator claims about one video."""

    content: Bytes32  # SHA-256 of the master file
    metadata: Bytes32  # SHA-256 of the canonical metadata document (RFC 8785)
    cultural: Bytes32  # SHA-256 of the cultural notice; ZERO32: none
    payee: Bytes32  # a declared split; ZERO32: whoever owns the work
    steward: Address  # community authority whose consent every sale needs; ZERO_ADDRESS: none
    duration_ms: Uint32
    cleared: Uint16  # Aspect bits the claimant declares to control


@dataclass(frozen=True, slots=True)
class Offer(ChainStruct):
    """What may be done with which part of a work, under which terms, for how much."""

    work: Uint256
    licensor: Address  # who posts it; must own the work
    usages: Uint16  # Usage bits
    aspects: Uint16  # Aspect bits
    forbids: Uint16  # Forbid bits
    start_ms: Uint32  # scene, inclusive
    end_ms: Uint32  # scene, exclusive; WHOLE_END_MS with start 0: the whole work
    currency: Address  # ERC-20, or ETH
    price: Uint96  # smallest unit of the currency, all of it to the payee
    term: Uint40  # seconds from the sale, or PERPETUAL
    revenue_share_bps: Uint16  # 0 to 10,000 of the base named in the terms document
    unit: Uint8  # Unit
    unit_price: Uint96  # per unit, smallest unit of the currency
    report_every: Uint32  # seconds between usage reports; 0 exactly when nothing is owed by usage
    after_term: Uint8  # AfterTerm
    supply: Uint32  # licenses that may ever be sold, or UNLIMITED
    licensee: Address  # a private offer's only buyer; ZERO_ADDRESS: open to all
    opens_at: Uint40  # UTC seconds, inclusive
    closes_at: Uint40  # UTC seconds, exclusive, or NEVER
    flags: Uint8  # OfferFlag bits
    terms: Bytes32  # SHA-256 of the canonical terms document (RFC 8785)


@dataclass(frozen=True, slots=True)
class Authorization(ChainStruct):
    """A signed EIP-3009 `receiveWithAuthorization`; its nonce follows from the market and the order."""

    payer: Address
    valid_after: Uint256  # UTC seconds, exclusive
    valid_before: Uint256  # UTC seconds, exclusive
    v: Uint8
    r: Bytes32
    s: Bytes32


@dataclass(frozen=True, slots=True)
class Dataset(ChainStruct):
    """What a dataset fixes for all its members; never stored on chain, its hash is its id."""

    curator: Address  # who adds members
    currency: Address  # all members are paid in it
    usages: Uint16  # Usage bits; each member's offer permits at least these
    aspects: Uint16  # Aspect bits; each member's offer permits at least these
    forbids: Uint16  # Forbid bits; each member's offer forbids at most these
    term: Uint40  # seconds from the sale, or PERPETUAL
    revenue_share_bps: Uint16  # one pool for each license, shared by the works it covers
    unit: Uint8  # Unit
    unit_price: Uint96  # per unit, smallest unit of the currency
    report_every: Uint32  # seconds between usage reports; 0 exactly when nothing is owed by usage
    after_term: Uint8  # AfterTerm
    curator_fee_bps: Uint16  # on top of the members' prices, at most MAX_CURATOR_FEE_BPS
    licensee: Address  # a private dataset's only buyer; ZERO_ADDRESS: open to all
    terms: Bytes32  # SHA-256 of the canonical terms document (RFC 8785), the same for every member
    salt: Bytes32  # tells datasets of equal terms apart


@dataclass(frozen=True, slots=True)
class UsageReport(ChainStruct):
    """What a licensee reports: that its use under one license earned so much, and how that is shared out."""

    license: Uint256
    model: Bytes32  # a registered model; ZERO32: usage that is no model's
    number: Uint32  # 1, 2, …: the license's next report
    through: Uint40  # UTC seconds, exclusive; the period begins where the last report ended
    flags: Uint8  # 1: final, nothing more will be owed
    total: Uint104  # smallest unit of the license's currency, all of it paid with the report
    root: Bytes32  # of the Merkle-sum tree; ZERO32 exactly when total is 0
    manifest: Bytes32  # SHA-256 of the usage manifest (RFC 8785)


@dataclass(frozen=True, slots=True)
class UsageLeaf(ChainStruct):
    """One share of a report, as claimed."""

    index: Uint32  # its place in the tree, from 0, which is its path
    spell: Uint32  # the member's spell that the dataset license was sold in; 0 for a license of one offer
    amount: Uint256  # smallest unit
    offer: Offer  # the whole offer, as posted


@dataclass(frozen=True, slots=True)
class SumNode(ChainStruct):
    """A node beside the path from the leaves to the root of a Merkle-sum tree."""

    digest: Bytes32
    amount: Uint256  # sum of the leaves below it
