# SPDX-License-Identifier: Apache-2.0
"""Shapes of datasets, models, usage, disputes and attestations, for OpenAPI."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from indexer.api.models import Account, Amount, Document, Finality, Scene, _Model

_SECONDS = "UTC seconds."


class Dataset(_Model):
    """Offers under equal terms, licensed by one purchase."""

    id: str
    curator: str
    usages: list[str]
    aspects: list[str]
    forbids: list[str]
    term_seconds: int | None = Field(description="null: perpetual.")
    revenue_share_bps: int
    unit: str | None
    unit_price: Amount | None
    report_every_seconds: int | None
    after_term: str | None
    curator_fee_bps: int = Field(description="On top of the members' prices.")
    licensee: str | None = Field(description="A private dataset's only buyer.")
    terms: Document | None
    salt: str
    opened_at: int = Field(description=_SECONDS)
    state: str = Field(description="Pass it to `mint` as `expected_state`: then you buy these members and no others.")
    members: int
    price: Amount = Field(description="Sum of the members' prices now.")
    curator_fee: Amount
    fee: Amount
    total: Amount = Field(description="What a license costs now.")
    sales: int
    earned: Amount = Field(description="For members, of all sales.")
    collected: Amount = Field(description="Settled to members so far.")
    finality: Finality


class Member(_Model):
    """A spell of an offer in a dataset: it covers the sales after `joined` up to and including `last`."""

    dataset: str
    offer: str
    work: str
    work_hex: str
    spell: int
    joined: int = Field(description="Sales before it.")
    last: int | None = Field(description="The last sale it covers; null while it is a member.")
    price: Amount
    cultural: str | None
    joined_at: int
    left_at: int | None
    left_because: Literal["taken_out", "expelled"] | None
    scene: Scene | None
    usages: list[str] = Field(description="Of its offer: at least the dataset's.")
    aspects: list[str]
    finality: Finality


class DatasetLicense(_Model):
    """A license of all works that were members at its sale."""

    id: str
    id_hex: str
    dataset: str
    number: int = Field(description="Of the sale, from 1.")
    holder: str
    licensee: str
    payer: str
    members: int
    price: Amount
    curator_fee: Amount
    fee: Amount
    issued_at: int
    expires_at: int | None
    running: bool
    ended: bool
    transferable: bool
    party: str
    state: str = Field(description="The state of the members it was sold in.")
    finality: Finality


class AiModel(_Model):
    """A model whose usage is reported."""

    id: str
    developer: str
    card: str
    registered_at: int
    manifests: list[Manifest] = Field(description="What it was trained on, by digest; the newest 100.")
    finality: Finality


class Manifest(_Model):
    """A training manifest."""

    digest: str
    committed_at: int


class Report(_Model):
    """A usage report."""

    id: str
    license: str
    license_hex: str
    market: str
    model: str | None
    reporter: str
    number: int
    since: int
    through: int
    total: Amount
    paid: Amount = Field(description="Claimed so far, over its life.")
    shared: Amount = Field(description="What its present tree shares out: after a ruling, what was left then.")
    shared_paid: Amount = Field(description="Claimed of that.")
    claims: int
    root: str | None
    manifest: str | None
    flags: list[Literal["FINAL", "LATE", "SUPPLEMENT", "HELD", "VOID", "CORRECTED", "RESTATED"]]
    opens_at: int | None = Field(description="When claims open; null while held or void.")
    reported_at: int
    finality: Finality


class UsagePayment(_Model):
    """A share of a report that was paid."""

    report: str
    work: str
    work_hex: str
    account: Account
    offer: str
    index: int
    amount: Amount
    at: int
    transaction: str
    finality: Finality


class Duty(_Model):
    """A license that owes usage reports."""

    license: str
    license_hex: str
    kind: Literal["offer", "dataset"]
    subject: str = Field(description="The offer's or dataset's id.")
    holder: str | None
    report_every_seconds: int
    reported_through: int
    reports: int
    late: int
    void: int
    due_at: int | None = Field(description="Grace included; null after a final report.")
    overdue: bool
    in_good_standing: bool
    finality: Finality


class Evidence(_Model):
    """Evidence, by its digest."""

    digest: str
    by: str
    block: int


class Vote(_Model):
    """A panel member's vote."""

    member: str
    outcome: str
    remedy: str | None
    reasons: str | None


class Panel(_Model):
    """Who judges a case."""

    number: int
    quorum: int = Field(description="Equal votes that decide.")
    members: list[str]


class HoldVote(_Model):
    """A panel member's last word on a hold; votes count anew once a hold was decided."""

    member: str
    held: bool


class Hold(_Model):
    """A hold while a case runs."""

    ordered: bool = Field(description="By the arbiter; else asked for by the opener.")
    until: int | None = Field(description="null: over.")


class Case(_Model):
    """A dispute."""

    id: str
    opener: str
    respondent: str | None
    effect: str
    subject: str
    subject_hex: str
    target: str
    market: str | None
    phase: str
    outcome: str | None
    remedy: str | None
    reasons: str | None
    answered: bool
    executed: bool
    settled: bool
    opened_at: int
    ruled_at: int | None
    executable_at: int | None
    evidence: list[Evidence] = Field(description="Not in lists.")
    panel: Panel | None = Field(description="Not in lists.")
    votes: list[Vote] = Field(description="Not in lists.")
    hold_votes: list[HoldVote] = Field(description="Not in lists.")
    holds: list[Hold] = Field(description="Not in lists.")
    finality: Finality


class Attestation(_Model):
    """Somebody's word on something."""

    id: str
    attester: str
    subject: str
    schema_digest: str
    evidence: str | None
    attested_at: int
    revoked_at: int | None
    finality: Finality


AiModel.model_rebuild()
