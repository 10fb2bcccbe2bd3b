# SPDX-License-Identifier: Apache-2.0
"""What a license permits, shown from the chain and from documents that match their digests; no indexer is trusted.

Each check either holds or fails with a reason. A license that fails one is not evidence of permission.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ipto import ids, media, terms, works
from ipto._logs import Logs, place
from ipto.chain import Contract, Deployment, EventLog, RevertedError
from ipto.content import ContentStore
from ipto.documents import Document
from ipto.errors import InputError, IntegrityError, IptoError, NotFoundError
from ipto.quantities import Currency
from ipto.rpc import Rpc, quantity
from ipto.structs import PERPETUAL, WHOLE_END_MS, ZERO32, Aspect, Offer, Usage

__all__ = ["Check", "Report", "utc", "verify_license"]

_ENDED = 2


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `detail` is what was seen, or why it fails."""

    name: str
    holds: bool
    detail: str


@dataclass(slots=True)
class Report:
    """All that was found out about a license."""

    license: int
    holder: str
    issued_at: int  # UTC seconds
    expires_at: int | None  # UTC seconds; None: never
    offer: Offer
    summary: str
    usages: tuple[Usage, ...]  # what it permits now, by the contract's own answer
    aspects: tuple[Aspect, ...]
    title: str | None = None
    claim_rank: int = 0
    checks: list[Check] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether every check holds."""
        return all(check.holds for check in self.checks)


def verify_license(
    license: int,
    deployment: Deployment,
    rpc: Rpc,
    store: ContentStore,
    *,
    currencies: Sequence[Currency],
    file: Path | None = None,
    at: int | None = None,
) -> Report:
    """Look a license up on chain, fetch its documents by digest, compare a file with the work's content.

    at: UTC seconds for which to ask; now when not given. Raises NotFoundError for a license that does not exist.
    """
    if not 0 <= license < 1 << 256:
        raise InputError("a license id has at most 256 bits")
    if at is not None and not 0 <= at <= PERPETUAL:
        raise InputError(f"{at} is not a time; write UTC seconds such as {int(time.time())}")
    deployment.check(rpc)
    market, registry = (deployment.contract(name, rpc) for name in ("LicenseMarket", "WorkRegistry"))
    try:
        holder, issued, expires, flags, offer_id = market.call("license_of", license)
    except RevertedError as error:
        raise NotFoundError(f"there is no license {license} on chain {deployment.chain_id} ({error})") from error
    # A development chain's clock may be ahead of this machine's.
    head = quantity(rpc.call("eth_getBlockByNumber", "latest", False)["timestamp"])
    moment = max(int(time.time()), head) if at is None else at
    logs = Logs(rpc, deployment.block_number)
    offer = _posted_offer(logs, market, offer_id)
    minted = logs.last(market, "LicenseMinted", license)
    registered = _registration(logs, registry, offer.work)
    never = expires == PERPETUAL
    report = Report(
        license=license,
        holder=holder,
        issued_at=issued,
        expires_at=None if never else expires,
        offer=offer,
        summary="",
        usages=(),
        aspects=(),
        claim_rank=minted.args["claim_rank"],
    )
    report.checks.append(Check("the license exists on chain", True, f"held by {holder}, issued {utc(issued)}"))
    running = issued <= moment and (never or moment < expires) and not flags & _ENDED
    said = "it never expires" if never else f"it expires {utc(expires)}"
    if flags & _ENDED:
        said = "a ruling ended it"
    report.checks.append(Check("it is in force", running, said if running else f"not at {utc(moment)}: {said}"))

    paper = _document(report, "terms document", lambda: terms.parse_terms(store.get_document(offer.terms), offer.terms))
    currency = next((item for item in currencies if item.address == offer.currency), None)
    if currency is None:
        currency = Currency("units", offer.currency, 0)
    report.summary = terms.summary(offer, currency, paper)
    if paper is not None:
        contradictions = terms.check_terms_match(offer, paper)
        detail = "; ".join(contradictions) or "its fields are those of the offer on chain"
        report.checks.append(Check("the terms document agrees with the chain", not contradictions, detail))
    _check_work(report, store, registry, registered, _metadata_at(logs, registry, registered, minted))
    notice = minted.args["cultural"]
    if notice != ZERO32:
        _document(report, "cultural notice", lambda: works.parse_cultural(store.get_document(notice), notice))
    if file is not None:
        _check_file(report, file, registered.args["content"])
    _ask_permissions(report, market, holder, moment)
    return report


def _posted_offer(logs: Logs, market: Contract, offer_id: bytes) -> Offer:
    """The offer as its licensor posted it; its hash is its id, so the log needs no trust."""
    posted = logs.last(market, "OfferPosted", int.from_bytes(offer_id, "big"))
    offer = Offer.from_mapping(_plain(posted.args["offer"]))
    if ids.offer_id(offer) != offer_id:
        raise IntegrityError("the node's log of the offer is not what its id stands for; ask another node")
    return offer


def _registration(logs: Logs, registry: Contract, work: int) -> EventLog:
    """How the work was registered; its id is the hash of creator and content, so these two need no trust."""
    registered = logs.last(registry, "WorkRegistered", work)
    if ids.work_id(registered.args["creator"], registered.args["content"]) != work:
        raise IntegrityError("the node's log of the work is not what its id stands for; ask another node")
    return registered


def _metadata_at(logs: Logs, registry: Contract, registered: EventLog, minted: EventLog) -> bytes:
    """The metadata's digest when the license was sold: what the owner wrote later cannot spoil the evidence."""
    changes = logs.all(registry, "MetadataSet", registered.args["work"])
    earlier = [change.args["metadata"] for change in changes if place(change) < place(minted)]
    return bytes(earlier[-1] if earlier else registered.args["metadata"])


def _plain(value: Any) -> Any:
    """Bytes as 0x hex, so that a decoded struct reads like its JSON form."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    return {name: _plain(item) for name, item in value.items()} if isinstance(value, dict) else value


def _document(report: Report, what: str, fetch: Callable[[], Document]) -> Document | None:
    """Fetch a document that must match its digest; the outcome becomes a check."""
    try:
        document = fetch()
    except IptoError as error:
        report.checks.append(Check(f"the {what} matches its digest", False, str(error)))
        return None
    report.checks.append(Check(f"the {what} matches its digest", True, "fetched and compared byte for byte"))
    return document


def _check_work(report: Report, store: ContentStore, registry: Contract, registered: EventLog, digest: bytes) -> None:
    """digest: of the metadata document that stood when the license was sold."""
    owner, _, duration, _, _, current, *_ = registry.call("work_of", report.offer.work)
    metadata = _document(report, "metadata document", lambda: works.parse_metadata(store.get_document(digest), digest))
    if metadata is None:
        return
    report.title = str(metadata["name"])
    wrong = works.check_work_match(metadata, content=registered.args["content"], duration_ms=duration)
    seen = f"same content digest and duration; the claim is held by {owner}"
    if current != digest:
        seen += "; this is the document of the day of the sale, the owner has written another since"
    report.checks.append(Check("the metadata document agrees with the chain", not wrong, "; ".join(wrong) or seen))


def _check_file(report: Report, file: Path, content: bytes) -> None:
    try:
        actual = media.sha256(file)
    except InputError as error:
        report.checks.append(Check("the file is the licensed one", False, str(error)))
        return
    same = actual == content
    detail = f"SHA-256 {actual.hex()}" + ("" if same else f", the work's content is {content.hex()}")
    report.checks.append(Check("the file is the licensed one", same, detail))


def utc(seconds: int) -> str:
    """A time as people write it, to the minute."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (ValueError, OverflowError):
        return f"{seconds} seconds after 1970"  # beyond what calendars hold


def _ask_permissions(report: Report, market: Contract, holder: str, moment: int) -> None:
    """Ask the contract about each usage with each aspect, over the whole of what was licensed."""
    offer = report.offer
    usages, aspects = list(Usage(offer.usages)), list(Aspect(offer.aspects))
    granted = {
        (usage, aspect)
        for usage in usages
        for aspect in aspects
        if market.call(
            "permits", holder, report.license, offer, int(usage), int(aspect), offer.start_ms, offer.end_ms, moment
        )
    }
    report.usages = tuple(usage for usage in usages if any(pair[0] == usage for pair in granted))
    report.aspects = tuple(aspect for aspect in aspects if any(pair[1] == aspect for pair in granted))
    whole = offer.start_ms == 0 and offer.end_ms == WHOLE_END_MS
    where = "the whole work" if whole else f"{offer.start_ms} to {offer.end_ms} ms"
    complete = len(granted) == len(usages) * len(aspects)
    detail = f"{len(granted)} of {len(usages) * len(aspects)} combinations of usage and aspect, {where}"
    report.checks.append(Check("the contract permits what the offer says", complete, detail))
