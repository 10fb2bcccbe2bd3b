# SPDX-License-Identifier: Apache-2.0
"""The shapes of answers, for OpenAPI. Answers are built as plain dicts (`shapes`), for speed; tests validate them."""

from __future__ import annotations

from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

_ADDRESS = "Address, EIP-55."
_SECONDS = "UTC seconds."


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Amount(_Model):
    """Money, exactly."""

    amount: str = Field(description="In the smallest unit, decimal.", examples=["1500000"])
    currency: str = Field(description="ERC-20 address; ETH is 0xEeee…EEeE (ERC-7528).")
    symbol: str | None = Field(description="As the token says; null when it does not, or was not asked yet.")
    decimals: int | None


class Finality(_Model):
    """How settled an object is: the block of its last change."""

    block: int
    hash: str
    confirmations: int = Field(description="Blocks from that one to the newest indexed one, both counted.")
    final: bool


class Account(_Model):
    """An account of the vault."""

    account: str = Field(description="32 bytes, 0x hex.")
    kind: Literal["address", "split", "sub_account", "invitation", "unknown"]
    address: str | None


class Document(_Model):
    """A document by its digest."""

    digest: str = Field(description="SHA-256, as on the chain.")
    cid: str = Field(description="The same as a CIDv1 (raw), for any IPFS node.")
    state: Literal["pending", "resolved", "invalid", "missing"]
    title: str | None
    error: str | None
    content: dict[str, Any] | None = Field(None, description="The document, checked against its digest; not in lists.")


class Steward(_Model):
    """A work's community authority."""

    address: str = Field(description=_ADDRESS)
    accepted: bool


class Work(_Model):
    """A claim on a video."""

    id: str = Field(description="Decimal.")
    id_hex: str
    creator: str = Field(description=_ADDRESS)
    owner: str = Field(description=_ADDRESS)
    owned_since: int = Field(description=_SECONDS)
    registered_at: int = Field(description=_SECONDS)
    content: str = Field(description="SHA-256 of the master file.")
    metadata: Document | None
    cultural: Document | None
    payee: Account = Field(description="Who is paid for licenses.")
    steward: Steward | None
    duration_ms: int
    cleared: list[str] = Field(description="Aspects whose rights the claimant declares to control.")
    later_claim: bool = Field(description="Another account claimed this content more than a day earlier.")
    held: bool = Field(description="Dispute resolution holds it: nothing of it is sold, collected or claimed.")
    held_until: int | None
    clean_since: int | None = Field(description="Licenses issued before this time stopped permitting, by a ruling.")
    finality: Finality


class Scene(_Model):
    """A stretch of a work, in milliseconds; end exclusive, null when it is the whole."""

    whole: bool
    start_ms: int
    end_ms: int | None


class Acknowledge(_Model):
    """What a buyer acknowledges; `hash` is `acknowledged` of `mint`."""

    terms: str
    cultural: str
    claim_rank: int
    hash: str


class Quote(_Model):
    """What a license costs now."""

    price: Amount
    fee: Amount
    total: Amount
    fee_bps: int
    payee: Account
    acknowledge: Acknowledge


class Offer(_Model):
    """What may be done with which part of a work, under which terms, for how much."""

    id: str
    work: str
    work_hex: str
    licensor: str
    live: bool = Field(description="Whether `mint` would sell it now to an admitted licensee.")
    blocked_by: list[str] = Field(description="Why not.")
    usages: list[str]
    aspects: list[str]
    forbids: list[str]
    scene: Scene
    price: Amount
    term_seconds: int | None = Field(description="null: perpetual.")
    revenue_share_bps: int
    unit: str | None
    unit_price: Amount | None
    report_every_seconds: int | None
    after_term: str | None
    supply: int | None = Field(description="null: unlimited.")
    sold: int
    licensee: str | None = Field(description="A private offer's only buyer.")
    opens_at: int
    closes_at: int | None
    flags: list[str]
    terms: Document | None
    posted_at: int
    quote: Quote | None
    chain: dict[str, Any] = Field(description="The whole struct, as `mint` takes it; the id is its hash.")
    finality: Finality


class License(_Model):
    """A license that was sold."""

    id: str
    id_hex: str
    offer: str
    work: str
    work_hex: str
    holder: str
    licensee: str
    payer: str
    payee: Account
    price: Amount
    fee: Amount
    total: Amount
    issued_at: int
    expires_at: int | None
    running: bool = Field(description="Whether its term is not over.")
    ended: bool = Field(description="A ruling ended it.")
    transferable: bool
    usages: list[str]
    aspects: list[str]
    forbids: list[str]
    scene: Scene | None
    terms: str | None
    cultural: str | None = Field(description="The cultural notice its buyer acknowledged.")
    claim_rank: int
    party: str
    finality: Finality


class LedgerLine(_Model):
    """One movement of an account's money."""

    account: Account
    kind: Literal[
        "credited", "booked_in", "booked_out", "distributed", "share_booked", "share_sent", "withdrawn", "refused"
    ]
    amount: Amount
    other: Account = Field(description="Whom it came from or went to: a market, a split, an address.")
    at: int = Field(description=_SECONDS)
    transaction: str
    finality: Finality


class Balance(_Model):
    """An account's money in one currency. earned = credited + booked_in + from_splits;
    balance = earned - paid_out - booked_out - distributed."""

    currency: str
    balance: Amount = Field(description="Still booked: what `withdraw` would pay.")
    earned: Amount
    credited: Amount = Field(description="From sales, directly.")
    booked_in: Amount
    from_splits: Amount = Field(description="As a recipient of splits, sent or booked.")
    paid_out: Amount = Field(description="Left the vault: withdrawn, or sent by a split.")
    booked_out: Amount
    distributed: Amount = Field(description="As a split: given to its recipients.")
    finality: Finality


class Membership(_Model):
    """A split an account has a share of."""

    split: str
    share: int = Field(description="Parts of 1,000,000.")


class AccountState(_Model):
    """An account and its money."""

    account: Account
    redirect: str | None = Field(description="Where its payments go instead.")
    accepted_by: str | None = Field(description="Of an invitation: who accepted it and is paid.")
    balances: list[Balance]
    splits: list[Membership]


class Received(_Model):
    """What a recipient had from a split."""

    amount: Amount
    sent: Amount = Field(description="The part that was sent out at once; the rest was booked.")


class Recipient(_Model):
    """One recipient of a split."""

    account: Account
    share: int = Field(description="Parts of 1,000,000.")
    received: list[Received]


class Split(_Model):
    """How money is divided."""

    split: str
    controller: str | None = Field(description="May approve that a work moves away; null: nobody.")
    recipients: list[Recipient]
    balances: list[Balance] = Field(description="Not in lists.")
    finality: Finality


class Part(_Model):
    """A person's part of a work's sales."""

    account: Account
    share: int = Field(description="Parts of 1,000,000.")
    amount: Amount = Field(description="share × price, rounded down; paid out when the split is.")


class Sales(_Model):
    """What a work sold in one currency for one payee."""

    payee: Account
    licenses: int
    price: Amount
    fee: Amount
    people: list[Part]
    finality: Finality


class Earnings(_Model):
    """What a work brought."""

    work: str
    work_hex: str
    sales: list[Sales]


class Event(_Model):
    """A log of the protocol."""

    contract: str
    name: str | None = Field(description="null: not in the ABI.")
    args: dict[str, Any] = Field(description="Numbers above 53 bits are decimal strings.")
    block: int
    log_index: int
    at: int
    transaction: str
    finality: Finality


class Indexed(_Model):
    """The block an answer is of."""

    block: int
    hash: str


T = TypeVar("T")


class Page(_Model, Generic[T]):
    """A page of a list."""

    items: list[T]
    next: str | None = Field(description="Cursor of the next page; null at the end.")
    indexed: Indexed


class Health(_Model):
    """The process lives."""

    status: Literal["ok"]


class Ready(_Model):
    """The database is at the head of the chain."""

    status: Literal["ready"]
    lag: int


class IndexedBlock(_Model):
    """A block and when it was made."""

    block: int
    hash: str
    timestamp: int


class Fee(_Model):
    """The protocol's fee on top of prices."""

    bps: int
    recipient: str | None


class Status(_Model):
    """What the indexer knows and how fresh it is."""

    chain_id: int
    schema_version: int
    contracts: dict[str, str]
    start_block: int
    head: int | None = Field(description="The newest block the follower has seen.")
    indexed: IndexedBlock | None
    final: int | None
    lag: int | None = Field(description="Blocks between head and indexed.")
    ready: bool
    error: str | None = Field(description="What keeps the follower, when something does.")
    fee: Fee
    registrations_paused: bool
    sales_paused: bool
    gate_closed: bool
