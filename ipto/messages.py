# SPDX-License-Identifier: Apache-2.0
"""The messages that SignedActions carries out: one table, from which everything about them follows.

A class's fields are the message's fields, in the order that is signed. `FUNCTION` takes the message and its signature;
`TARGETS` says which contract of a deployment each address field must be, for whoever pays gas for it; `GAS` is what
carrying it out may cost at most on an honest deployment, without the check of a contract account's signature.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from ipto._struct import Abi, ChainStruct
from ipto.structs import MAX_SHARES, Address, Bool, Bytes32, Dataset, Offer, Share, Uint32, Uint256, WorkInput

__all__ = [
    "ACTIONS",
    "MAX_ADD_OFFERS",
    "MAX_BATCH_CALLS",
    "MAX_BATCH_CALL_BYTES",
    "MAX_ONBOARD_OFFERS",
    "MAX_POST_OFFERS",
    "MAX_REGISTER_WORKS",
    "AcceptStewardship",
    "Action",
    "AddToDataset",
    "ApprovePayee",
    "Attest",
    "AuthorizeReporter",
    "BindModel",
    "CancelNonce",
    "CommitManifest",
    "HandOverStewardship",
    "Onboard",
    "OpenDataset",
    "PostOffers",
    "RegisterModel",
    "RegisterWorks",
    "RestateReport",
    "RevokeAttestation",
    "SetConsent",
    "SetCultural",
    "SetMetadata",
    "SubmitEvidence",
    "TakeOut",
    "WithdrawOffer",
]

MAX_ONBOARD_OFFERS = 8  # of one Onboard message
MAX_POST_OFFERS = 32  # of one PostOffers message
MAX_REGISTER_WORKS = 100  # of one RegisterWorks message
MAX_ADD_OFFERS = 50  # of one AddToDataset message
MAX_BATCH_CALLS = 32  # of one `execute_many`
MAX_BATCH_CALL_BYTES = 4_096  # of one call in it

_REGISTRY = {"registry": "WorkRegistry"}
_MARKET = {"market": "LicenseMarket"}
_DATASETS = {"datasets": "DatasetMarket"}
_SETTLEMENT = {"settlement": "UsageSettlement"}
_ATTESTATIONS = {"attestations": "Attestations"}
_SMALL = 200_000


class Action(ChainStruct):
    """What all messages have."""

    __slots__ = ()

    FUNCTION: ClassVar[str]
    TARGETS: ClassVar[Mapping[str, str]] = {}
    GAS: ClassVar[int] = _SMALL

    if TYPE_CHECKING:
        actor: str  # who signs
        nonce: int  # any number the actor has not used before
        deadline: int  # UTC seconds, inclusive


# ---- works and offers ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Onboard(Action):
    """Declare the split, register the work, post its offers: the first thing a creator signs."""

    actor: Address
    registry: Address
    vault: Address
    market: Address
    split: Annotated[tuple[Share, ...], Abi(max_items=MAX_SHARES)]  # empty: the work's owner is paid
    controller: Address
    work: WorkInput  # its payee is the split's account, or zero without a split
    offers: Annotated[tuple[Offer, ...], Abi(max_items=MAX_ONBOARD_OFFERS)]
    nonce: Uint256
    deadline: Uint256

    FUNCTION: ClassVar[str] = "onboard"
    TARGETS: ClassVar[Mapping[str, str]] = {**_REGISTRY, "vault": "RoyaltyVault", **_MARKET}
    GAS: ClassVar[int] = 1_500_000


@dataclass(frozen=True, slots=True)
class RegisterWorks(Action):
    """Declare the split and register many works."""

    actor: Address
    registry: Address
    vault: Address
    split: Annotated[tuple[Share, ...], Abi(max_items=MAX_SHARES)]  # empty: each work's owner, or a declared split
    controller: Address
    works: Annotated[tuple[WorkInput, ...], Abi(max_items=MAX_REGISTER_WORKS)]  # a split here is the payee of each
    nonce: Uint256
    deadline: Uint256

    FUNCTION: ClassVar[str] = "register_works"
    TARGETS: ClassVar[Mapping[str, str]] = {**_REGISTRY, "vault": "RoyaltyVault"}
    GAS: ClassVar[int] = 14_000_000


@dataclass(frozen=True, slots=True)
class PostOffers(Action):
    """Post offers of the actor."""

    actor: Address
    market: Address
    offers: Annotated[tuple[Offer, ...], Abi(max_items=MAX_POST_OFFERS)]
    nonce: Uint256
    deadline: Uint256

    FUNCTION: ClassVar[str] = "post_offers"
    TARGETS: ClassVar[Mapping[str, str]] = _MARKET
    GAS: ClassVar[int] = 3_000_000


@dataclass(frozen=True, slots=True)
class WithdrawOffer(Action):
    """Withdraw one offer of the actor."""

    actor: Address
    market: Address
    offer: Offer
    nonce: Uint256
    deadline: Uint256

    FUNCTION: ClassVar[str] = "withdraw_offer"
    TARGETS: ClassVar[Mapping[str, str]] = _MARKET


@dataclass(frozen=True, slots=True)
class SetMetadata(Action):
    """Point a work to a newer version of its metadata document."""

    actor: Address
    registry: Address
    work: Uint256
    metadata: Bytes32  # SHA-256 of the canonical metadata document
    nonce: Uint256
    deadline: Uint256

    FUNCTION: ClassVar[str] = "set_metadata"
    TARGETS: ClassVar[Mapping[str, str]] = _REGISTRY


@dataclass(frozen=True, slots=True)
class ApprovePayee(Action):
    """Approve another payee of a work: by the controller of its split, or by its steward."""

    actor: Address
    registry: Address
    work: Uint256
    payee: Bytes32  # a declared split; ZERO32: whoever owns the work
    nonce: Uint256
    deadline: Uint256

    FUNCTION: ClassVar[str] = "approve_payee"
    TARGETS: ClassVar[Mapping[str, str]] = _REGISTRY


# ---- stewards --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AcceptStewardship(Action):
    """Accept to be the steward of a work that names the actor."""

    actor: Address
    registry: Address
    work: Uint256
    nonce: Uint256
    deadline: Uint256

    FUNCTION: ClassVar[str] = "accept_stewardship"
    TARGETS: ClassVar[Mapping[str, str]] = _REGISTRY


@dataclass(frozen=True, slots=True)
class HandOverStewardship(Action):
    """Name a successor as steward, who then has to accept."""

    actor: Address
    registry: Address
    work: Uint256
    to: Address
    nonce: Uint256
    deadline: Uint256

    FUNCTION: ClassVar[str] = "hand_over_stewardship"
    TARGETS: ClassVar[Mapping[str, str]] = _REGISTRY


@dataclass(frozen=True, slots=True)
class SetCultural(Action):
    """Append a version of a work's cultural notice."""

    actor: Address
    registry: Address
    work: Uint256
    cultural: Bytes32  # SHA-256 of the notice
    nonce: Uint256
    deadline: Uint256

    FUNCTION: ClassVar[str] = "set_cultural"
    TARGETS: ClassVar[Mapping[str, str]] = _REGISTRY


@dataclass(frozen=True, slots=True)
class SetConsent(Action):
    """Allow sales of an offer of a stewarded work, or no longer allow them."""

    actor: Address
    market: Address
    offer_id: Bytes32
    given: Bool
    nonce: Uint256
    deadline: Uint256

    FUNCTION: ClassVar[str] = "set_consent"
    TARGETS: ClassVar[Mapping[str, str]] = _MARKET


# ---- datasets --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpenDataset(Action):
    """Open a dataset, as its curator."""

    actor: Address
    datasets: Address
    dataset: Dataset
    nonce: Uint256
    deadline: Uint256

    FUNCTION: ClassVar[str] = "open_dataset"
    TARGETS: ClassVar[Mapping[str, str]] = _DATASETS


@dataclass(frozen=True, slots=True)
class AddToDataset(Action):
    """Add members to a dataset, as its curator."""

    actor: Address
    datasets: Address
    dataset: Dataset
    offers: Annotated[tuple[Offer, ...], Abi(max_items=MAX_ADD_OFFERS)]
    nonce: Uint256
    deadline: Uint256

    FUNCTION: ClassVar[str] = "add_to_dataset"
    TARGETS: ClassVar[Mapping[str, str]] = _DATASETS
    GAS: ClassVar[int] = 5_000_000


@dataclass(frozen=True, slots=True)
class TakeOut(Action):
    """Take a work out of a dataset, as its owner."""

    actor: Address
    datasets: Address
    dataset_id: Bytes32
    offer: Offer
    nonce: Uint256
    deadline: Uint256

    FUNCTION: ClassVar[str] = "take_out"
    TARGETS: ClassVar[Mapping[str, str]] = _DATASETS


# ---- models and reports ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RegisterModel(Action):
    """Register a model by its card, as its developer."""

    actor: Address
    settlement: Address
    card: Bytes32  # SHA-256 of the model card
    nonce: Uint256
    deadline: Uint256

    FUNCTION: ClassVar[str] = "register_model"
    TARGETS: ClassVar[Mapping[str, str]] = _SETTLEMENT


@dataclass(frozen=True, slots=True)
class CommitManifest(Action):
    """Commit to what a model was trained on."""

    actor: Address
    settlement: Address
    model: Bytes32
    manifest: Bytes32  # SHA-256 of the training manifest
    nonce: Uint256
    deadline: Uint256

    FUNCTION: ClassVar[str] = "commit_manifest"
    TARGETS: ClassVar[Mapping[str, str]] = _SETTLEMENT


@dataclass(frozen=True, slots=True)
class AuthorizeReporter(Action):
    """Let a developer report usage under a license of the actor's, or no longer."""

    actor: Address
    settlement: Address
    market: Address  # whose license it is: LicenseMarket or DatasetMarket
    license: Uint256
    developer: Address
    allowed: Bool
    nonce: Uint256
    deadline: Uint256

    FUNCTION: ClassVar[str] = "authorize_reporter"
    TARGETS: ClassVar[Mapping[str, str]] = _SETTLEMENT


@dataclass(frozen=True, slots=True)
class BindModel(Action):
    """Bind a license for one model to that model, once."""

    actor: Address
    settlement: Address
    license: Uint256
    offer: Offer  # the license's, whole
    model: Bytes32
    nonce: Uint256
    deadline: Uint256

    FUNCTION: ClassVar[str] = "bind_model"
    TARGETS: ClassVar[Mapping[str, str]] = _SETTLEMENT


@dataclass(frozen=True, slots=True)
class RestateReport(Action):
    """Set a new root and manifest for a report that was voided without one."""

    actor: Address
    settlement: Address
    market: Address  # whose license it is: LicenseMarket or DatasetMarket
    license: Uint256
    number: Uint32  # of the report, under this license
    root: Bytes32  # of the Merkle-sum tree
    manifest: Bytes32  # SHA-256 of the usage manifest
    nonce: Uint256
    deadline: Uint256

    FUNCTION: ClassVar[str] = "restate_report"
    TARGETS: ClassVar[Mapping[str, str]] = _SETTLEMENT


# ---- words and evidence ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Attest(Action):
    """Attest something of a subject."""

    actor: Address
    attestations: Address
    subject: Bytes32
    schema: Bytes32  # SHA-256 of the schema that says what is attested
    evidence: Bytes32  # SHA-256 of the document
    nonce: Uint256
    deadline: Uint256

    FUNCTION: ClassVar[str] = "attest"
    TARGETS: ClassVar[Mapping[str, str]] = _ATTESTATIONS


@dataclass(frozen=True, slots=True)
class RevokeAttestation(Action):
    """Take an attestation back."""

    actor: Address
    attestations: Address
    id: Bytes32
    nonce: Uint256
    deadline: Uint256

    FUNCTION: ClassVar[str] = "revoke_attestation"
    TARGETS: ClassVar[Mapping[str, str]] = _ATTESTATIONS


@dataclass(frozen=True, slots=True)
class SubmitEvidence(Action):
    """Add evidence to a dispute."""

    actor: Address
    disputes: Address
    case_id: Uint256
    evidence: Bytes32  # SHA-256 of the document
    nonce: Uint256
    deadline: Uint256

    FUNCTION: ClassVar[str] = "submit_evidence"
    TARGETS: ClassVar[Mapping[str, str]] = {"disputes": "DisputeResolver"}


@dataclass(frozen=True, slots=True)
class CancelNonce(Action):
    """Use a nonce up, and so end whatever else was signed with it."""

    actor: Address
    nonce: Uint256
    deadline: Uint256

    FUNCTION: ClassVar[str] = "cancel_nonce_for"


# What SignedActions carries out.
ACTIONS: tuple[type[Action], ...] = (
    Onboard,
    RegisterWorks,
    PostOffers,
    WithdrawOffer,
    SetMetadata,
    ApprovePayee,
    AcceptStewardship,
    HandOverStewardship,
    SetCultural,
    SetConsent,
    OpenDataset,
    AddToDataset,
    TakeOut,
    RegisterModel,
    CommitManifest,
    AuthorizeReporter,
    BindModel,
    RestateReport,
    Attest,
    RevokeAttestation,
    SubmitEvidence,
    CancelNonce,
)
