# SPDX-License-Identifier: Apache-2.0
"""Terms: what an offer means in words and in the W3C's rights language, tied to the chain by one digest.

`Offer.terms` is the SHA-256 of a terms document. The document is generated from the offer's other fields and what only
words can say (territory, attribution, prohibited uses …); it says itself that the fields on chain prevail. It comes in
two scopes: `offer`, for one offer, with all of its fields; `bundle`, for offers flagged BUNDLE, with only what all
members of a dataset share, so that different creators get the same digest and can be licensed together.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ipto import _odrl, documents
from ipto._summary import summary_lines
from ipto.documents import Document, DocumentError
from ipto.errors import InputError
from ipto.quantities import Currency, parse_price, parse_scene, parse_term
from ipto.structs import ETH, ZERO32, Offer, OfferFlag, Unit, checksum_address

__all__ = [
    "SHARED_FIELDS",
    "TermsDetails",
    "build_terms",
    "check_offer",
    "check_terms_match",
    "parse_price",
    "parse_scene",
    "parse_term",
    "parse_terms",
    "seal",
    "summary",
    "terms_digest",
    "validate_terms",
]

TERMS_SCHEMA = "urn:ipto:schema:terms:1"
_WHAT = "terms document"
# What the members of a dataset have in common; masks may be wider in a member's offer (see check_terms_match).
SHARED_FIELDS = (
    "usages", "aspects", "forbids", "currency", "term", "revenue_share_bps", "unit", "unit_price", "report_every",
    "after_term",
)  # fmt: skip
_ALL_FIELDS = tuple(field.name for field in dataclasses.fields(Offer) if field.name != "terms")
_NEVER_BOTH = OfferFlag.BUNDLE | OfferFlag.EXCLUSIVE
PRECEDENCE = (
    "The fields under chain are those of the offer stored on chain by its hash. "
    "Where this document and those fields speak of the same matter, the fields on chain prevail."
)
REVENUE_BASE = (
    "Gross receipts from the services and outputs this license permits, less refunds and sales taxes; "
    "one pool for each license, shared pro rata by all its works."
)


@dataclass(frozen=True, slots=True)
class TermsDetails:
    """What only words can say. A bundle's document leaves out what differs from work to work."""

    work_title: str | None = None
    licensor_name: str | None = None
    contact: str | None = None
    attribution: str | None = None  # the line to print; in a bundle each work's own
    territory: Sequence[str] = ("worldwide",)  # or ISO 3166-1 codes
    prohibited_uses: Sequence[str] = ()
    revenue_base: str | None = None  # what a revenue share is a share of
    guidelines: Sequence[str] = ()  # cultural guidelines the licensee is to follow
    governing_law: str | None = None


def build_terms(offer: Offer, currency: Currency, details: TermsDetails | None = None) -> Document:
    """Write the terms document of an offer; `offer.terms` is not looked at, so ZERO32 will do.

    Offers flagged BUNDLE get the shared form. Raises InputError for an offer no market takes, DocumentError for details
    that do not fit, naming the field.
    """
    check_offer(offer)
    words = details or TermsDetails()
    _check_currency(offer, currency)
    is_bundle = bool(offer.flags & OfferFlag.BUNDLE)
    if is_bundle:
        for name in ("work_title", "licensor_name", "contact", "attribution"):
            if getattr(words, name) is not None:
                message = "must be left out of a bundle's terms: they are the same for all its works"
                raise DocumentError(f"{_WHAT}, {name}: {message}", name)
    fields = offer.to_json()
    chain = {name: fields[name] for name in (SHARED_FIELDS if is_bundle else _ALL_FIELDS)}
    base = (words.revenue_base or REVENUE_BASE) if offer.revenue_share_bps else words.revenue_base
    document = _compose(
        "bundle" if is_bundle else "offer", chain, currency, dataclasses.replace(words, revenue_base=base)
    )
    validate_terms(document)
    return document


def _compose(scope: str, chain: Document, currency: Currency, words: TermsDetails) -> Document:
    attribution = words.attribution
    if scope == "bundle":
        attribution = "as each work's metadata states it (creditText)"
    identity = hashlib.sha256(documents.canonical(chain)).hexdigest()
    document: Document = {
        "$schema": TERMS_SCHEMA,
        "@context": _odrl.CONTEXT,
        "@type": "Offer" if scope == "offer" else "Set",
        "uid": f"urn:ipto:terms:{identity}",
        "profile": "urn:ipto:odrl:1",
        "conflict": "prohibit",
        "scope": scope,
        "chain": chain,
        "precedence": PRECEDENCE,
        "currency": {"symbol": currency.symbol, "decimals": currency.decimals},
        "territory": list(words.territory),
        "prohibited_uses": list(words.prohibited_uses),
        "guidelines": list(words.guidelines),
        "permission": _odrl.permissions(chain, words.territory, attribution),
        "prohibition": _odrl.prohibitions(chain, words.prohibited_uses),
        "obligation": _odrl.obligations(chain, currency, words.guidelines),
    }
    if scope == "offer":
        document["assigner"] = f"urn:ipto:account:{chain['licensor']}"
    for name in ("work_title", "licensor_name", "contact", "attribution", "revenue_base", "governing_law"):
        if getattr(words, name) is not None:
            document[name] = getattr(words, name)
    lines = summary_lines(chain, currency, work_title=words.work_title, territory=words.territory,
                          attribution=attribution, prohibited_uses=words.prohibited_uses)  # fmt: skip
    document["summary"] = "\n".join(lines)
    return document


def terms_digest(document: Mapping[str, Any]) -> bytes:
    """SHA-256 of the canonical document: `Offer.terms`."""
    validate_terms(document)
    return documents.digest(document)


def seal(offer: Offer, document: Mapping[str, Any]) -> Offer:
    """The offer with `terms` set to the document's digest. Raises InputError when the two contradict each other."""
    sealed = dataclasses.replace(offer, terms=terms_digest(document))
    if found := check_terms_match(sealed, document):
        raise InputError("the terms document contradicts the offer: " + "; ".join(found))
    return sealed


def validate_terms(document: Mapping[str, Any]) -> None:
    """Check a terms document's shape. Raises DocumentError naming the field."""
    documents.validate(document, "terms-1", _WHAT)
    scope, chain = document["scope"], document["chain"]
    expected = set(_ALL_FIELDS if scope == "offer" else SHARED_FIELDS)
    for name in sorted(expected ^ set(chain)):
        problem = "is missing" if name in expected else f"does not belong into terms of scope {scope}"
        raise DocumentError(f"{_WHAT}, chain.{name}: {problem}", f"chain.{name}")
    try:
        _read_chain(chain)
    except InputError as error:
        raise DocumentError(f"{_WHAT}, chain: {error}", "chain") from error


def parse_terms(data: bytes, expected: bytes | None = None) -> Document:
    """Read a terms document; with `expected`, the one this digest stands for, byte for byte.

    Raises IntegrityError when the digest is another's, DocumentError otherwise.
    """
    document = documents.parse(data, _WHAT) if expected is None else documents.parse_stored(data, expected, _WHAT)
    validate_terms(document)
    return document


def check_terms_match(offer: Offer, document: Mapping[str, Any]) -> list[str]:
    """Where a terms document contradicts an offer, in words; empty when nowhere. The chain prevails in each case.

    A bundle's document is matched as the dataset market matches members: shared fields equal, the document's usages and
    aspects within the offer's, the offer's forbids within the document's. What the document derives from its own chain
    fields (rules, summary, price) must follow from them too. Raises DocumentError for a malformed document.
    """
    validate_terms(document)
    chain, found = document["chain"], []
    fields = offer.to_json()
    is_bundle = document["scope"] == "bundle"
    if is_bundle and not offer.flags & OfferFlag.BUNDLE:
        found.append("scope: these are the shared terms of a dataset, the offer is not flagged BUNDLE")
    for name, value in chain.items():
        ours = fields[name]
        if is_bundle and name in ("usages", "aspects"):
            agrees = value & ~ours == 0
        elif is_bundle and name == "forbids":
            agrees = ours & ~value == 0
        else:
            agrees = value == ours
        if not agrees:
            found.append(f"chain.{name}: the document says {value}, the offer {ours}")
    derived = _derive(document)
    found += [
        f"{name}: is not what the document's chain fields give"
        for name in ("uid", "@type", "assigner", "permission", "prohibition", "obligation", "summary")
        if document.get(name) != derived.get(name)
    ]
    if offer.terms not in (ZERO32, documents.digest(document)):
        found.append(f"digest: the offer names 0x{offer.terms.hex()}, this is 0x{documents.digest(document).hex()}")
    return found


def _derive(document: Mapping[str, Any]) -> Document:
    currency = Currency(document["currency"]["symbol"], document["chain"]["currency"], document["currency"]["decimals"])
    names = [field.name for field in dataclasses.fields(TermsDetails)]
    words = TermsDetails(**{name: document[name] for name in names if name in document})
    return _compose(document["scope"], document["chain"], currency, words)


def _read_chain(chain: Mapping[str, Any]) -> Offer:
    """The offer behind chain fields, with neutral values for what a bundle leaves out; raises InputError."""
    neutral = {
        "work": "0", "licensor": ETH, "start_ms": 0, "end_ms": 1, "price": "0", "supply": 1,
        "licensee": ETH, "opens_at": 0, "closes_at": 1, "flags": 0,
    }  # fmt: skip
    offer = Offer.from_mapping({**neutral, **chain, "terms": "0x" + "00" * 32})
    if (rewritten := {name: offer.to_json()[name] for name in chain}) != chain:
        name = next(name for name in chain if rewritten[name] != chain[name])
        raise InputError(f"{name} is written as {chain[name]!r:.80}; write {rewritten[name]!r}")
    check_offer(offer)
    return offer


def check_offer(offer: Offer) -> None:
    """Raise InputError, saying what to change, for an offer that `LicenseMarket.post` would refuse whoever posts it."""
    owes = offer.unit != Unit.NONE or offer.revenue_share_bps != 0
    problems = {
        "usages: name at least one, within the eight there are": not 0 < offer.usages < 1 << 8,
        "aspects: name at least one, within the nine there are": not 0 < offer.aspects < 1 << 9,
        "forbids: there are seven, bits beyond them mean nothing": offer.forbids >= 1 << 7,
        "scene: it must end after it begins": offer.start_ms >= offer.end_ms,
        "currency: zero is no currency; ETH has its own address": int(offer.currency, 16) == 0,
        "term: it must be at least one second": offer.term == 0,
        "revenue_share_bps: at most 10000, which is all of it": offer.revenue_share_bps > 10_000,
        "unit: name one of the five, or none": offer.unit > max(Unit),
        "unit: a unit and a unit price go together": (offer.unit == Unit.NONE) != (offer.unit_price == 0),
        "report_every: set it when a unit price or revenue share is owed, and only then": owes
        != bool(offer.report_every),
        "after_term: say what becomes of models: MODEL_SURVIVES, SUNSET or RETIRE": not 1 <= offer.after_term <= 3,
        "supply: at least one license": offer.supply == 0,
        "closes_at: it must be after opens_at": offer.opens_at >= offer.closes_at,
        "flags: there are four, bits beyond them mean nothing": offer.flags >= 1 << 4,
        "flags: an offer for bundles is never exclusive": offer.flags & _NEVER_BOTH == _NEVER_BOTH,
    }
    for problem, applies in problems.items():
        if applies:
            raise InputError(f"offer, {problem}")


def summary(offer: Offer, currency: Currency, document: Mapping[str, Any] | None = None) -> str:
    """An offer in plain words, one statement a line. With its terms document, what that adds is said too."""
    _check_currency(offer, currency)
    document = document or {}
    lines = summary_lines(
        offer.to_json(),
        currency,
        work_title=document.get("work_title"),
        territory=document.get("territory", ()),
        attribution=document.get("attribution"),
        prohibited_uses=document.get("prohibited_uses", ()),
    )
    return "\n".join(lines)


def _check_currency(offer: Offer, currency: Currency) -> None:
    if checksum_address(currency.address) != offer.currency:
        raise InputError(
            f"the offer is in {offer.currency}, {currency.symbol} is {currency.address}; pass its currency"
        )
