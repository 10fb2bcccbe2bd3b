# SPDX-License-Identifier: Apache-2.0
"""The indexer's API as types and methods; docs/dapps.md.

Made from its OpenAPI description by `python -m indexer python > ipto/indexer_api.py`. Do not edit.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Generic, Literal, NotRequired, TypedDict, TypeVar
from urllib.parse import quote

__all__ = [
    "Account",
    "AccountState",
    "Acknowledge",
    "AiModel",
    "Amount",
    "AspectName",
    "Attestation",
    "Balance",
    "Call",
    "Case",
    "Count",
    "Dataset",
    "DatasetLicense",
    "Document",
    "Duty",
    "Earnings",
    "Event",
    "Evidence",
    "Facets",
    "Fee",
    "Finality",
    "Found",
    "Ground",
    "Grouped",
    "Health",
    "Hold",
    "HoldVote",
    "Indexed",
    "IndexedBlock",
    "LedgerLine",
    "License",
    "Line",
    "Manifest",
    "Member",
    "Membership",
    "Network",
    "Offer",
    "Operations",
    "Page",
    "Panel",
    "Part",
    "Question",
    "Quote",
    "Ready",
    "Received",
    "Recipient",
    "Report",
    "RestingBalance",
    "Sales",
    "Scene",
    "Split",
    "SplitPreimage",
    "SplitShare",
    "Status",
    "Steward",
    "UsageName",
    "UsagePayment",
    "Verdict",
    "Vote",
    "Work",
]

Item = TypeVar("Item")


class Page(TypedDict, Generic[Item]):
    """A part of a list; `next` is the cursor of the next one, None at the end."""

    items: list[Item]
    next: str | None
    indexed: Indexed


KindName = Literal[
    "credited",
    "booked_in",
    "booked_out",
    "distributed",
    "share_booked",
    "share_sent",
    "withdrawn",
    "refused",
]


class Account(TypedDict):
    """An account of the vault."""

    # 32 bytes, 0x hex.
    account: str
    kind: Literal["address", "split", "sub_account", "invitation", "unknown"]
    address: str | None


class AccountState(TypedDict):
    """An account and its money."""

    account: Account
    # Where its payments go instead.
    redirect: str | None
    # Of an invitation: who accepted it and is paid.
    accepted_by: str | None
    balances: list[Balance]
    splits: list[Membership]


class Acknowledge(TypedDict):
    """What a buyer acknowledges; `hash` is `acknowledged` of `mint`."""

    terms: str
    cultural: str
    claim_rank: int
    hash: str


class AiModel(TypedDict):
    """A model whose usage is reported."""

    id: str
    developer: str
    card: str
    registered_at: int
    # What it was trained on, by digest; the newest 100.
    manifests: list[Manifest]
    finality: Finality


class Amount(TypedDict):
    """Money, exactly."""

    # In the smallest unit, decimal.
    amount: str
    # ERC-20 address; ETH is 0xEeee…EEeE (ERC-7528).
    currency: str
    # As the token says; null when it does not, or was not asked yet.
    symbol: str | None
    decimals: int | None


AspectName = Literal[
    "FOOTAGE",
    "CHOREOGRAPHY",
    "PERFORMANCE",
    "VISUAL_STYLE",
    "CINEMATOGRAPHY",
    "CHARACTER_DESIGN",
    "EDITING",
    "CULTURAL_ELEMENTS",
    "SOUND",
]


class Attestation(TypedDict):
    """Somebody's word on something."""

    id: str
    attester: str
    subject: str
    schema_digest: str
    evidence: str | None
    attested_at: int
    revoked_at: int | None
    finality: Finality


class Balance(TypedDict):
    """An account's money in one currency. earned = credited + booked_in + from_splits; balance = earned - paid_out -
    booked_out - distributed.
    """

    currency: str
    # Still booked: what `withdraw` would pay.
    balance: Amount
    earned: Amount
    # From sales, directly.
    credited: Amount
    booked_in: Amount
    # As a recipient of splits, sent or booked.
    from_splits: Amount
    # Left the vault: withdrawn, or sent by a split.
    paid_out: Amount
    booked_out: Amount
    # As a split: given to its recipients.
    distributed: Amount
    finality: Finality


class Call(TypedDict):
    """An eth_call that gives the same answer without this server."""

    contract: str
    address: str | None
    function: str
    arguments: list[Any]


class Case(TypedDict):
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
    # Not in lists.
    evidence: list[Evidence]
    # Not in lists.
    panel: Panel | None
    # Not in lists.
    votes: list[Vote]
    # Not in lists.
    hold_votes: list[HoldVote]
    # Not in lists.
    holds: list[Hold]
    finality: Finality


class Count(TypedDict):
    """How many have a value."""

    value: str
    count: int


class Dataset(TypedDict):
    """Offers under equal terms, licensed by one purchase."""

    id: str
    curator: str
    usages: list[str]
    aspects: list[str]
    forbids: list[str]
    # null: perpetual.
    term_seconds: int | None
    revenue_share_bps: int
    unit: str | None
    unit_price: Amount | None
    report_every_seconds: int | None
    after_term: str | None
    # On top of the members' prices.
    curator_fee_bps: int
    # A private dataset's only buyer.
    licensee: str | None
    terms: Document | None
    salt: str
    # UTC seconds.
    opened_at: int
    # Pass it to `mint` as `expected_state`: then you buy these members and no others.
    state: str
    members: int
    # Sum of the members' prices now.
    price: Amount
    curator_fee: Amount
    fee: Amount
    # What a license costs now.
    total: Amount
    sales: int
    # For members, of all sales.
    earned: Amount
    # Settled to members so far.
    collected: Amount
    finality: Finality


class DatasetLicense(TypedDict):
    """A license of all works that were members at its sale."""

    id: str
    id_hex: str
    dataset: str
    # Of the sale, from 1.
    number: int
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
    # The state of the members it was sold in.
    state: str
    finality: Finality


class Document(TypedDict):
    """A document by its digest."""

    # SHA-256, as on the chain.
    digest: str
    # The same as a CIDv1 (raw), for any IPFS node.
    cid: str
    state: Literal["pending", "resolved", "invalid", "missing"]
    title: str | None
    error: str | None
    # The document, checked against its digest; not in lists.
    content: NotRequired[dict[str, Any] | None]


class Duty(TypedDict):
    """A license that owes usage reports."""

    license: str
    license_hex: str
    kind: Literal["offer", "dataset"]
    # The offer's or dataset's id.
    subject: str
    holder: str | None
    report_every_seconds: int
    reported_through: int
    reports: int
    late: int
    void: int
    # Grace included; null after a final report.
    due_at: int | None
    overdue: bool
    in_good_standing: bool
    finality: Finality


class Earnings(TypedDict):
    """What a work brought."""

    work: str
    work_hex: str
    sales: list[Sales]


class Event(TypedDict):
    """A log of the protocol."""

    contract: str
    # null: not in the ABI.
    name: str | None
    # Numbers above 53 bits are decimal strings.
    args: dict[str, Any]
    block: int
    log_index: int
    at: int
    transaction: str
    finality: Finality


class Evidence(TypedDict):
    """Evidence, by its digest."""

    digest: str
    by: str
    block: int


class Facets(TypedDict):
    """What there is, by how many works (or live offers) have it."""

    cultures: list[Count]
    tags: list[Count]
    languages: list[Count]
    # Of live offers; counted over the newest 20000.
    usages: list[Count]
    aspects: list[Count]


class Fee(TypedDict):
    """The protocol's fee on top of prices."""

    bps: int
    recipient: str | None


class Finality(TypedDict):
    """How settled an object is: the block of its last change."""

    block: int
    hash: str
    # Blocks from that one to the newest indexed one, both counted.
    confirmations: int
    final: bool


class Found(TypedDict):
    """Works, best match first."""

    items: list[Work]
    indexed: Indexed


class Ground(TypedDict):
    """A license that permits it, or why one does not."""

    # license or dataset_license.
    kind: str
    license: str
    work: str
    offer: str
    dataset: str | None
    spell: int | None
    permits: bool
    # Why not; empty when it does.
    reasons: list[str]
    issued_at: int
    expires_at: int | None
    evidence: Call
    finality: Finality


class Grouped(TypedDict):
    """Earnings by group."""

    account: Account | None
    by: str
    lines: list[Line]
    # False when there were more sales than one answer looks at: narrow the time.
    complete: bool
    indexed: Indexed


class Health(TypedDict):
    """The process lives."""

    status: Literal["ok"]


class Hold(TypedDict):
    """A hold while a case runs."""

    # By the arbiter; else asked for by the opener.
    ordered: bool
    # null: over.
    until: int | None


class HoldVote(TypedDict):
    """A panel member's last word on a hold; votes count anew once a hold was decided."""

    member: str
    held: bool


class Indexed(TypedDict):
    """The block an answer is of."""

    block: int
    hash: str


class IndexedBlock(TypedDict):
    """A block and when it was made."""

    block: int
    hash: str
    timestamp: int


class LedgerLine(TypedDict):
    """One movement of an account's money."""

    account: Account
    kind: KindName
    amount: Amount
    # Whom it came from or went to: a market, a split, an address.
    other: Account
    # UTC seconds.
    at: int
    transaction: str
    finality: Finality


class License(TypedDict):
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
    # Whether its term is not over.
    running: bool
    # A ruling ended it.
    ended: bool
    transferable: bool
    usages: list[str]
    aspects: list[str]
    forbids: list[str]
    scene: Scene | None
    terms: str | None
    # The cultural notice its buyer acknowledged.
    cultural: str | None
    claim_rank: int
    party: str
    finality: Finality


class Line(TypedDict):
    """One group in one currency."""

    # A day (UTC), a work's id, usages joined by +, or an address.
    key: str
    licenses: int
    amount: Amount


class Manifest(TypedDict):
    """A training manifest."""

    digest: str
    committed_at: int


class Member(TypedDict):
    """A spell of an offer in a dataset: it covers the sales after `joined` up to and including `last`."""

    dataset: str
    offer: str
    work: str
    work_hex: str
    spell: int
    # Sales before it.
    joined: int
    # The last sale it covers; null while it is a member.
    last: int | None
    price: Amount
    cultural: str | None
    joined_at: int
    left_at: int | None
    left_because: Literal["taken_out", "expelled"] | None
    scene: Scene | None
    # Of its offer: at least the dataset's.
    usages: list[str]
    aspects: list[str]
    finality: Finality


class Membership(TypedDict):
    """A split an account has a share of."""

    split: str
    # Parts of 1,000,000.
    share: int


class Network(TypedDict):
    """The protocol in numbers."""

    works: int
    offers: int
    licenses: int
    datasets: int
    dataset_licenses: int
    ai_models: int
    reports: int
    disputes: int
    splits: int
    # Prices of all licenses of works and datasets.
    sold: list[Amount]
    fees: list[Amount]
    indexed: Indexed


class Offer(TypedDict):
    """What may be done with which part of a work, under which terms, for how much."""

    id: str
    work: str
    work_hex: str
    licensor: str
    # Whether `mint` would sell it now to an admitted licensee.
    live: bool
    # Why not.
    blocked_by: list[str]
    usages: list[str]
    aspects: list[str]
    forbids: list[str]
    scene: Scene
    price: Amount
    # null: perpetual.
    term_seconds: int | None
    revenue_share_bps: int
    unit: str | None
    unit_price: Amount | None
    report_every_seconds: int | None
    after_term: str | None
    # null: unlimited.
    supply: int | None
    sold: int
    # A private offer's only buyer.
    licensee: str | None
    opens_at: int
    closes_at: int | None
    flags: list[str]
    terms: Document | None
    posted_at: int
    quote: Quote | None
    # The whole struct, as `mint` takes it; the id is its hash.
    chain: dict[str, Any]
    finality: Finality


class Panel(TypedDict):
    """Who judges a case."""

    number: int
    # Equal votes that decide.
    quorum: int
    members: list[str]


class Part(TypedDict):
    """A person's part of a work's sales."""

    account: Account
    # Parts of 1,000,000.
    share: int
    # share × price, rounded down; paid out when the split is.
    amount: Amount


class Question(TypedDict):
    """What is to be done, by whom, with which file."""

    # Address of whoever wants to use it.
    holder: str
    # SHA-256 of the master file, 0x hex.
    content: NotRequired[str | None]
    # Or the work's id.
    work: NotRequired[str | None]
    usage: UsageName
    aspect: AspectName
    start_ms: NotRequired[int]
    # Exclusive; null: to the end.
    end_ms: NotRequired[int | None]
    # UTC seconds; null: now.
    at: NotRequired[int | None]


class Quote(TypedDict):
    """What a license costs now."""

    price: Amount
    fee: Amount
    total: Amount
    fee_bps: int
    payee: Account
    acknowledge: Acknowledge


class Ready(TypedDict):
    """The database is at the head of the chain."""

    status: Literal["ready"]
    lag: int


class Received(TypedDict):
    """What a recipient had from a split."""

    amount: Amount
    # The part that was sent out at once; the rest was booked.
    sent: Amount


class Recipient(TypedDict):
    """One recipient of a split."""

    account: Account
    # Parts of 1,000,000.
    share: int
    received: list[Received]


class Report(TypedDict):
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
    # Claimed so far, over its life.
    paid: Amount
    # What its present tree shares out: after a ruling, what was left then.
    shared: Amount
    # Claimed of that.
    shared_paid: Amount
    claims: int
    root: str | None
    manifest: str | None
    flags: list[Literal["FINAL", "LATE", "SUPPLEMENT", "HELD", "VOID", "CORRECTED", "RESTATED"]]
    # When claims open; null while held or void.
    opens_at: int | None
    reported_at: int
    finality: Finality


class RestingBalance(TypedDict):
    """What is booked to an account in one currency."""

    account: Account
    balance: Amount
    # All that ever left the account: it rises with every payout.
    left_before: Amount
    # null: not a split, or one that was never declared.
    split: SplitPreimage | None
    finality: Finality


class Sales(TypedDict):
    """What a work sold in one currency for one payee."""

    payee: Account
    licenses: int
    price: Amount
    fee: Amount
    people: list[Part]
    finality: Finality


class Scene(TypedDict):
    """A stretch of a work, in milliseconds; end exclusive, null when it is the whole."""

    whole: bool
    start_ms: int
    end_ms: int | None


class Split(TypedDict):
    """How money is divided."""

    split: str
    # May approve that a work moves away; null: nobody.
    controller: str | None
    recipients: list[Recipient]
    # Not in lists.
    balances: list[Balance]
    finality: Finality


class SplitPreimage(TypedDict):
    """A split as `pay_out` of the vault takes it."""

    controller: str | None
    shares: list[SplitShare]


class SplitShare(TypedDict):
    """One recipient of a split."""

    # 32 bytes, 0x hex.
    account: str
    # Of 1,000,000.
    share: int


class Status(TypedDict):
    """What the indexer knows and how fresh it is."""

    chain_id: int
    schema_version: int
    contracts: dict[str, Any]
    start_block: int
    # The newest block the follower has seen.
    head: int | None
    indexed: IndexedBlock | None
    final: int | None
    # Blocks between head and indexed.
    lag: int | None
    ready: bool
    # What keeps the follower, when something does.
    error: str | None
    fee: Fee
    registrations_paused: bool
    sales_paused: bool
    gate_closed: bool


class Steward(TypedDict):
    """A work's community authority."""

    # Address, EIP-55.
    address: str
    accepted: bool


UsageName = Literal[
    "TRAIN",
    "FINE_TUNE",
    "AI_INPUT",
    "EVALUATE",
    "INDEX",
    "GENERATE_COMMERCIAL",
    "GENERATE_NONCOMMERCIAL",
    "ADAPT",
]


class UsagePayment(TypedDict):
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


class Verdict(TypedDict):
    """The answer. `permitted` is true when a license permits it at that time."""

    permitted: bool
    holder: str
    at: int
    # Claims on the file.
    works: list[str]
    grounds: list[Ground]
    # False when the holder has more licenses than were looked at.
    complete: bool
    indexed: Indexed


class Vote(TypedDict):
    """A panel member's vote."""

    member: str
    outcome: str
    remedy: str | None
    reasons: str | None


class Work(TypedDict):
    """A claim on a video."""

    # Decimal.
    id: str
    id_hex: str
    # Address, EIP-55.
    creator: str
    # Address, EIP-55.
    owner: str
    # UTC seconds.
    owned_since: int
    # UTC seconds.
    registered_at: int
    # SHA-256 of the master file.
    content: str
    metadata: Document | None
    cultural: Document | None
    # Who is paid for licenses.
    payee: Account
    steward: Steward | None
    duration_ms: int
    # Aspects whose rights the claimant declares to control.
    cleared: list[str]
    # Another account claimed this content more than a day earlier.
    later_claim: bool
    # Dispute resolution holds it: nothing of it is sold, collected or claimed.
    held: bool
    held_until: int | None
    # Licenses issued before this time stopped permitting, by a ruling.
    clean_since: int | None
    finality: Finality


class Operations(ABC):
    """Every operation of the API. `min_block`: answer once this block is indexed, to read your own write.

    Each raises NotFoundError, RefusedError or ServiceError, with what the service said as `problem`.
    """

    @abstractmethod
    def _fetch(self, path: str, **query: Any) -> Any: ...

    @abstractmethod
    def _put_to(self, path: str, body: object, **query: Any) -> Any: ...

    def list_works(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        order: Literal["newest", "oldest"] | None = None,
        owner: str | None = None,
        creator: str | None = None,
        content: str | None = None,
        steward: str | None = None,
        culture: str | None = None,
        verified_by: str | None = None,
        verified_schema: str | None = None,
        min_block: int | None = None,
    ) -> Page[Work]:
        """Works, by owner, creator or content."""
        found: Page[Work] = self._fetch(
            "/v1/works",
            limit=limit,
            cursor=cursor,
            order=order,
            owner=owner,
            creator=creator,
            content=content,
            steward=steward,
            culture=culture,
            verified_by=verified_by,
            verified_schema=verified_schema,
            min_block=min_block,
        )
        return found

    def get_work(
        self,
        work: str,
        *,
        min_block: int | None = None,
    ) -> Work:
        """One work, with its documents."""
        found: Work = self._fetch(
            f"/v1/works/{quote(work, safe='')}",
            min_block=min_block,
        )
        return found

    def list_offers(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        order: Literal["newest", "oldest"] | None = None,
        work: str | None = None,
        licensor: str | None = None,
        usage: Sequence[UsageName] | None = None,
        aspect: Sequence[AspectName] | None = None,
        currency: str | None = None,
        max_price: str | None = None,
        live: bool | None = None,
        min_scene_ms: int | None = None,
        max_scene_ms: int | None = None,
        min_term: int | None = None,
        max_term: int | None = None,
        culture: str | None = None,
        steward: str | None = None,
        verified_by: str | None = None,
        verified_schema: str | None = None,
        min_block: int | None = None,
    ) -> Page[Offer]:
        """Offers, by what they permit, cost and belong to."""
        found: Page[Offer] = self._fetch(
            "/v1/offers",
            limit=limit,
            cursor=cursor,
            order=order,
            work=work,
            licensor=licensor,
            usage=usage,
            aspect=aspect,
            currency=currency,
            max_price=max_price,
            live=live,
            min_scene_ms=min_scene_ms,
            max_scene_ms=max_scene_ms,
            min_term=min_term,
            max_term=max_term,
            culture=culture,
            steward=steward,
            verified_by=verified_by,
            verified_schema=verified_schema,
            min_block=min_block,
        )
        return found

    def get_offer(
        self,
        offer: str,
        *,
        min_block: int | None = None,
    ) -> Offer:
        """One offer, with its terms, a quote and the struct to pass to `mint`."""
        found: Offer = self._fetch(
            f"/v1/offers/{quote(offer, safe='')}",
            min_block=min_block,
        )
        return found

    def list_licenses(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        order: Literal["newest", "oldest"] | None = None,
        holder: str | None = None,
        work: str | None = None,
        offer: str | None = None,
        valid_at: int | None = None,
        min_block: int | None = None,
    ) -> Page[License]:
        """Licenses, by holder, work or offer."""
        found: Page[License] = self._fetch(
            "/v1/licenses",
            limit=limit,
            cursor=cursor,
            order=order,
            holder=holder,
            work=work,
            offer=offer,
            valid_at=valid_at,
            min_block=min_block,
        )
        return found

    def get_license(
        self,
        license: str,
        *,
        min_block: int | None = None,
    ) -> License:
        """One license."""
        found: License = self._fetch(
            f"/v1/licenses/{quote(license, safe='')}",
            min_block=min_block,
        )
        return found

    def list_datasets(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        order: Literal["newest", "oldest"] | None = None,
        curator: str | None = None,
        currency: str | None = None,
        usage: Sequence[UsageName] | None = None,
        aspect: Sequence[AspectName] | None = None,
        min_members: int | None = None,
        min_block: int | None = None,
    ) -> Page[Dataset]:
        """Datasets, by curator, currency and what they permit."""
        found: Page[Dataset] = self._fetch(
            "/v1/datasets",
            limit=limit,
            cursor=cursor,
            order=order,
            curator=curator,
            currency=currency,
            usage=usage,
            aspect=aspect,
            min_members=min_members,
            min_block=min_block,
        )
        return found

    def get_dataset(
        self,
        dataset: str,
        *,
        min_block: int | None = None,
    ) -> Dataset:
        """One dataset, with its terms and what a license costs now."""
        found: Dataset = self._fetch(
            f"/v1/datasets/{quote(dataset, safe='')}",
            min_block=min_block,
        )
        return found

    def list_members(
        self,
        dataset: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        order: Literal["newest", "oldest"] | None = None,
        current: bool | None = None,
        work: str | None = None,
        min_block: int | None = None,
    ) -> Page[Member]:
        """A dataset's members, present and former, each stay by itself."""
        found: Page[Member] = self._fetch(
            f"/v1/datasets/{quote(dataset, safe='')}/members",
            limit=limit,
            cursor=cursor,
            order=order,
            current=current,
            work=work,
            min_block=min_block,
        )
        return found

    def list_dataset_licenses(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        order: Literal["newest", "oldest"] | None = None,
        holder: str | None = None,
        dataset: str | None = None,
        work: str | None = None,
        valid_at: int | None = None,
        min_block: int | None = None,
    ) -> Page[DatasetLicense]:
        """Licenses of datasets, by holder or dataset."""
        found: Page[DatasetLicense] = self._fetch(
            "/v1/dataset-licenses",
            limit=limit,
            cursor=cursor,
            order=order,
            holder=holder,
            dataset=dataset,
            work=work,
            valid_at=valid_at,
            min_block=min_block,
        )
        return found

    def get_dataset_license(
        self,
        license: str,
        *,
        min_block: int | None = None,
    ) -> DatasetLicense:
        """One license of a dataset."""
        found: DatasetLicense = self._fetch(
            f"/v1/dataset-licenses/{quote(license, safe='')}",
            min_block=min_block,
        )
        return found

    def list_covered(
        self,
        license: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        order: Literal["newest", "oldest"] | None = None,
        min_block: int | None = None,
    ) -> Page[Member]:
        """What a license of a dataset covers: the members at its sale, as `covers` of the market says."""
        found: Page[Member] = self._fetch(
            f"/v1/dataset-licenses/{quote(license, safe='')}/members",
            limit=limit,
            cursor=cursor,
            order=order,
            min_block=min_block,
        )
        return found

    def list_models(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        order: Literal["newest", "oldest"] | None = None,
        developer: str | None = None,
        min_block: int | None = None,
    ) -> Page[AiModel]:
        """Registered models."""
        found: Page[AiModel] = self._fetch(
            "/v1/models",
            limit=limit,
            cursor=cursor,
            order=order,
            developer=developer,
            min_block=min_block,
        )
        return found

    def get_model(
        self,
        model: str,
        *,
        min_block: int | None = None,
    ) -> AiModel:
        """One model and what it was trained on."""
        found: AiModel = self._fetch(
            f"/v1/models/{quote(model, safe='')}",
            min_block=min_block,
        )
        return found

    def list_reports(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        order: Literal["newest", "oldest"] | None = None,
        license: str | None = None,
        model: str | None = None,
        reporter: str | None = None,
        state: Literal["open", "claimable", "held", "void"] | None = None,
        min_block: int | None = None,
    ) -> Page[Report]:
        """Usage reports, by license, model, reporter and state."""
        found: Page[Report] = self._fetch(
            "/v1/reports",
            limit=limit,
            cursor=cursor,
            order=order,
            license=license,
            model=model,
            reporter=reporter,
            state=state,
            min_block=min_block,
        )
        return found

    def get_report(
        self,
        report: str,
        *,
        min_block: int | None = None,
    ) -> Report:
        """One report."""
        found: Report = self._fetch(
            f"/v1/reports/{quote(report, safe='')}",
            min_block=min_block,
        )
        return found

    def list_usage_payments(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        order: Literal["newest", "oldest"] | None = None,
        report: str | None = None,
        work: str | None = None,
        account: str | None = None,
        min_block: int | None = None,
    ) -> Page[UsagePayment]:
        """Shares of reports that were paid, by report, work or account."""
        found: Page[UsagePayment] = self._fetch(
            "/v1/usage-payments",
            limit=limit,
            cursor=cursor,
            order=order,
            report=report,
            work=work,
            account=account,
            min_block=min_block,
        )
        return found

    def list_duties(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        order: Literal["newest", "oldest"] | None = None,
        license: str | None = None,
        subject: str | None = None,
        overdue: bool | None = None,
        due_before: int | None = None,
        min_block: int | None = None,
    ) -> Page[Duty]:
        """Licenses that owe usage reports: when the next is due, and who is overdue."""
        found: Page[Duty] = self._fetch(
            "/v1/duties",
            limit=limit,
            cursor=cursor,
            order=order,
            license=license,
            subject=subject,
            overdue=overdue,
            due_before=due_before,
            min_block=min_block,
        )
        return found

    def list_disputes(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        order: Literal["newest", "oldest"] | None = None,
        subject: str | None = None,
        opener: str | None = None,
        respondent: str | None = None,
        phase: Literal["OPEN", "REFERRED", "RULED", "WITHDRAWN", "LAPSED"] | None = None,
        min_block: int | None = None,
    ) -> Page[Case]:
        """Disputes, by subject, party and phase."""
        found: Page[Case] = self._fetch(
            "/v1/disputes",
            limit=limit,
            cursor=cursor,
            order=order,
            subject=subject,
            opener=opener,
            respondent=respondent,
            phase=phase,
            min_block=min_block,
        )
        return found

    def get_dispute(
        self,
        case: str,
        *,
        min_block: int | None = None,
    ) -> Case:
        """One dispute, with evidence, votes and holds."""
        found: Case = self._fetch(
            f"/v1/disputes/{quote(case, safe='')}",
            min_block=min_block,
        )
        return found

    def list_attestations(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        order: Literal["newest", "oldest"] | None = None,
        subject: str | None = None,
        attester: str | None = None,
        schema_digest: str | None = None,
        standing: bool | None = None,
        min_block: int | None = None,
    ) -> Page[Attestation]:
        """Who vouches for what, by subject, attester and schema."""
        found: Page[Attestation] = self._fetch(
            "/v1/attestations",
            limit=limit,
            cursor=cursor,
            order=order,
            subject=subject,
            attester=attester,
            schema_digest=schema_digest,
            standing=standing,
            min_block=min_block,
        )
        return found

    def get_attestation(
        self,
        attestation: str,
        *,
        min_block: int | None = None,
    ) -> Attestation:
        """One attestation."""
        found: Attestation = self._fetch(
            f"/v1/attestations/{quote(attestation, safe='')}",
            min_block=min_block,
        )
        return found

    def get_account(
        self,
        account: str,
        *,
        min_block: int | None = None,
    ) -> AccountState:
        """An account's balances: earned, paid out, still booked. One that nothing ever happened to has none."""
        found: AccountState = self._fetch(
            f"/v1/accounts/{quote(account, safe='')}",
            min_block=min_block,
        )
        return found

    def list_ledger(
        self,
        account: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        order: Literal["newest", "oldest"] | None = None,
        currency: str | None = None,
        kind: KindName | None = None,
        min_block: int | None = None,
    ) -> Page[LedgerLine]:
        """Every movement of an account's money."""
        found: Page[LedgerLine] = self._fetch(
            f"/v1/accounts/{quote(account, safe='')}/ledger",
            limit=limit,
            cursor=cursor,
            order=order,
            currency=currency,
            kind=kind,
            min_block=min_block,
        )
        return found

    def list_payouts(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        order: Literal["newest", "oldest"] | None = None,
        account: str | None = None,
        currency: str | None = None,
        min_block: int | None = None,
    ) -> Page[LedgerLine]:
        """Money that left the vault: shares sent by splits, and withdrawals."""
        found: Page[LedgerLine] = self._fetch(
            "/v1/payouts",
            limit=limit,
            cursor=cursor,
            order=order,
            account=account,
            currency=currency,
            min_block=min_block,
        )
        return found

    def list_splits(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        order: Literal["newest", "oldest"] | None = None,
        account: str | None = None,
        min_block: int | None = None,
    ) -> Page[Split]:
        """Splits, by recipient."""
        found: Page[Split] = self._fetch(
            "/v1/splits",
            limit=limit,
            cursor=cursor,
            order=order,
            account=account,
            min_block=min_block,
        )
        return found

    def get_split(
        self,
        split: str,
        *,
        min_block: int | None = None,
    ) -> Split:
        """One split: its recipients, what each has had, and what is still to be divided."""
        found: Split = self._fetch(
            f"/v1/splits/{quote(split, safe='')}",
            min_block=min_block,
        )
        return found

    def get_earnings(
        self,
        work: str,
        *,
        min_block: int | None = None,
    ) -> Earnings:
        """What a work's licenses brought, and each person's part of it."""
        found: Earnings = self._fetch(
            f"/v1/works/{quote(work, safe='')}/earnings",
            min_block=min_block,
        )
        return found

    def list_balances(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        min_block: int | None = None,
    ) -> Page[RestingBalance]:
        """Balances above zero of people, splits and invited people, by account. A page can be shorter than its limit
        while `next` is there.
        """
        found: Page[RestingBalance] = self._fetch(
            "/v1/balances",
            limit=limit,
            cursor=cursor,
            min_block=min_block,
        )
        return found

    def search_works(
        self,
        *,
        q: str,
        limit: int | None = None,
        culture: str | None = None,
        tag: str | None = None,
        min_block: int | None = None,
    ) -> Found:
        """Works whose title, credits, culture or tags have all the words."""
        found: Found = self._fetch(
            "/v1/search",
            q=q,
            limit=limit,
            culture=culture,
            tag=tag,
            min_block=min_block,
        )
        return found

    def get_facets(
        self,
        *,
        min_block: int | None = None,
    ) -> Facets:
        """What can be filtered by, and how much there is of it."""
        found: Facets = self._fetch(
            "/v1/facets",
            min_block=min_block,
        )
        return found

    def verify(
        self,
        body: Question,
        *,
        min_block: int | None = None,
    ) -> Verdict:
        """May this holder do this with this file? For an answer that counts, make the calls it names."""
        found: Verdict = self._put_to(
            "/v1/verify",
            body,
            min_block=min_block,
        )
        return found

    def get_creator_analytics(
        self,
        account: str,
        *,
        by: Literal["day", "work", "usage", "licensee"] | None = None,
        since: int | None = None,
        until: int | None = None,
        min_block: int | None = None,
    ) -> Grouped:
        """What the licenses of works this account registered, or that name it as payee, brought."""
        found: Grouped = self._fetch(
            f"/v1/analytics/creators/{quote(account, safe='')}",
            by=by,
            since=since,
            until=until,
            min_block=min_block,
        )
        return found

    def get_network(
        self,
        *,
        min_block: int | None = None,
    ) -> Network:
        """Counts and sums over everything."""
        found: Network = self._fetch(
            "/v1/analytics/network",
            min_block=min_block,
        )
        return found

    def get_sales(
        self,
        *,
        by: Literal["day", "work", "usage", "licensee"] | None = None,
        since: int | None = None,
        until: int | None = None,
        min_block: int | None = None,
    ) -> Grouped:
        """What all licenses of works brought."""
        found: Grouped = self._fetch(
            "/v1/analytics/sales",
            by=by,
            since=since,
            until=until,
            min_block=min_block,
        )
        return found

    def list_events(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        order: Literal["newest", "oldest"] | None = None,
        name: str | None = None,
        contract: str | None = None,
        work: str | None = None,
        transaction: str | None = None,
        from_block: int | None = None,
        to_block: int | None = None,
        min_block: int | None = None,
    ) -> Page[Event]:
        """Everything that happened, or what happened to one work."""
        found: Page[Event] = self._fetch(
            "/v1/events",
            limit=limit,
            cursor=cursor,
            order=order,
            name=name,
            contract=contract,
            work=work,
            transaction=transaction,
            from_block=from_block,
            to_block=to_block,
            min_block=min_block,
        )
        return found

    def get_health(self) -> Health:
        """The process lives."""
        found: Health = self._fetch("/health")
        return found

    def get_ready(self) -> Ready:
        """200 while the database is at the head of the chain, else 503."""
        found: Ready = self._fetch("/ready")
        return found

    def get_status(self) -> Status:
        """What is indexed and how fresh it is; answers also when nothing is."""
        found: Status = self._fetch("/status")
        return found
