# SPDX-License-Identifier: Apache-2.0
"""What each event of works, offers, licenses and signed actions changes. Money is in `ledger`.

Each function takes an event and a way to read rows and returns row changes; none keeps anything. The order of the
events is the chain's, and nothing else is assumed of it: a token's Transfer may come before the event that explains it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from indexer.datasets import DATASET_FIELDS
from indexer.duties import duty_of_sale
from indexer.event import Event, Handler, as_time, u256
from indexer.rows import Add, Change, Read, Set
from indexer.schema import (
    ACCOUNTS,
    CONSENTS,
    EXCLUSIVITY,
    LICENSES,
    NONCES,
    OFFERS,
    PROTOCOL,
    SALES,
    TURNOVER,
    WORKS,
    ZERO20,
    ZERO32,
)
from ipto.structs import NEVER, Offer, OfferFlag

HELD, LATER_CLAIM, HAS_PAYEE, HAS_STEWARD, STEWARD_ACCEPTED, HAS_CULTURAL = 1, 2, 4, 8, 16, 32

OFFER_FIELDS = tuple(field.name for field in Offer.fields())
_HOUR = 3600
_LAST_HOUR = (1 << 24) - 1
_OFFER_U256 = ("work", "price", "unit_price")
# The fields of structs that events carry, in order.
STRUCTS: dict[str, tuple[str, ...]] = {"offer": OFFER_FIELDS, "dataset": DATASET_FIELDS}


# ---- WorkRegistry ---------------------------------------------------------------------------------------


def work_registered(event: Event, _read: Read) -> Sequence[Change]:
    args = event.args
    values = {
        "creator": args["creator"],
        "content": args["content"],
        "metadata": args["metadata"],
        "cultural": args["cultural"],
        "payee": args["payee"],
        "steward": args["steward"],
        "duration_ms": args["duration_ms"],
        "cleared": args["cleared"],
        "flags": args["flags"],
        "registered_at": event.timestamp,
    }
    return (Set(WORKS, (u256(args["work"]),), values),)


def work_moved(event: Event, _read: Read) -> Sequence[Change]:
    # A new owner, a new epoch: offers posted before it are dead, also when a work is sent to its own owner.
    values = {"owner": event.args["receiver"], "owned_since": event.timestamp}
    return (Set(WORKS, (u256(event.args["token_id"]),), values),)


def metadata_set(event: Event, _read: Read) -> Sequence[Change]:
    return (Set(WORKS, (u256(event.args["work"]),), {"metadata": event.args["metadata"]}),)


def payee_set(event: Event, read: Read) -> Sequence[Change]:
    payee = event.args["payee"]
    on, off = (HAS_PAYEE, 0) if payee != ZERO32 else (0, HAS_PAYEE)
    return (_work_flags(event, read, on=on, off=off, payee=payee),)


def stewardship_accepted(event: Event, read: Read) -> Sequence[Change]:
    return (_work_flags(event, read, on=STEWARD_ACCEPTED),)


def stewardship_handed_over(event: Event, read: Read) -> Sequence[Change]:
    return (_work_flags(event, read, off=STEWARD_ACCEPTED, steward=event.args["to"]),)


def cultural_notice_set(event: Event, read: Read) -> Sequence[Change]:
    return (_work_flags(event, read, on=HAS_CULTURAL, cultural=event.args["cultural"]),)


def work_held(event: Event, read: Read) -> Sequence[Change]:
    until = event.args["until"]
    on, off = (HELD, 0) if until else (0, HELD)
    return (_work_flags(event, read, on=on, off=off, held_until=until),)


def claim_reassigned(event: Event, read: Read) -> Sequence[Change]:
    # Its Transfer tells of the owner; this, of what else a ruling resets.
    args = event.args
    values: dict[str, Any] = {"payee": ZERO32, "held_until": 0, "clean_since": args["clean_since"]}
    off = HELD | HAS_PAYEE
    if not args["keeps_steward"]:
        values |= {"steward": ZERO20, "cultural": ZERO32}
        off |= HAS_STEWARD | STEWARD_ACCEPTED | HAS_CULTURAL
    return (_work_flags(event, read, off=off, **values),)


def steward_named(event: Event, read: Read) -> Sequence[Change]:
    return (_work_flags(event, read, on=HAS_STEWARD, off=STEWARD_ACCEPTED, steward=event.args["steward"]),)


def registrations_paused(event: Event, _read: Read) -> Sequence[Change]:
    return (_protocol("registrations_paused", int(event.args["paused"])),)


def _work_flags(event: Event, read: Read, *, on: int = 0, off: int = 0, **values: Any) -> Change:
    key = (u256(event.args["work"]),)
    work = read(WORKS, key)
    flags = work["flags"] if work else 0
    return Set(WORKS, key, {**values, "flags": (flags & ~off) | on})


# ---- LicenseMarket --------------------------------------------------------------------------------------


def offer_posted(event: Event, _read: Read) -> Sequence[Change]:
    values = dict(zip(OFFER_FIELDS, event.args["offer"], strict=True))
    for name in _OFFER_U256:
        values[name] = u256(values[name])
    # Posting again revives an offer; what was sold of it counts.
    values["posted_at"] = event.timestamp
    values["withdrawn"] = 0
    return (Set(OFFERS, (event.args["offer_id"],), values),)


def offer_withdrawn(event: Event, _read: Read) -> Sequence[Change]:
    return (Set(OFFERS, (event.args["offer_id"],), {"withdrawn": 1}),)


def consent_set(event: Event, _read: Read) -> Sequence[Change]:
    key = (event.args["offer_id"], event.args["steward"])
    return (Set(CONSENTS, key, {"given": int(event.args["given"])}),)


def offer_of(license_id: bytes) -> bytes:
    """The offer a license was sold from: its id without the number of the sale."""
    return license_id[:28] + bytes(4)


def license_minted(event: Event, read: Read) -> Sequence[Change]:
    args = event.args
    license_id, work = u256(args["license"]), u256(args["work"])
    offer_id = offer_of(license_id)
    expires_at = as_time(args["expires_at"])
    price, fee = args["price"], args["fee"]
    values = {
        "offer_id": offer_id,
        "work": work,
        "licensee": args["licensee"],
        "payer": args["payer"],
        "payee": args["payee"],
        "currency": args["currency"],
        "price": u256(price),
        "fee": u256(fee),
        "issued_at": event.timestamp,
        "expires_at": expires_at,
        "party": args["party"],
        "cultural": args["cultural"],
        "claim_rank": args["claim_rank"],
    }
    changes: list[Change] = [
        Set(LICENSES, (license_id,), values),
        Add(OFFERS, (offer_id,), {"sold": 1}),
        Add(TURNOVER, (args["currency"],), {"licenses": 1, "price": price, "fee": fee}),
        Add(SALES, (work, args["currency"], args["payee"]), {"licenses": 1, "price": price, "fee": fee}),
    ]
    offer = read(OFFERS, (offer_id,))
    if offer and offer["flags"] & OfferFlag.EXCLUSIVE:
        # The market refuses a sale while another runs, so the newest is the one that counts.
        until = barred_until(expires_at)
        bits = (1 << at for at in range(16) if offer["usages"] >> at & 1)
        changes += [Set(EXCLUSIVITY, (work, bit), {"until": until}) for bit in bits]
    return [*changes, *duty_of_sale(event, license_id, offer, "offer")]


def barred_until(expires_at: int) -> int:
    """Until when the market keeps others out for an exclusive license: the hour rounded up, in 24 bits of hours."""
    hours = -(-expires_at // _HOUR)
    return NEVER if hours >= _LAST_HOUR else hours * _HOUR


def license_moved(event: Event, _read: Read) -> Sequence[Change]:
    return (Set(LICENSES, (u256(event.args["token_id"]),), {"holder": event.args["receiver"]}),)


def license_locked(event: Event, _read: Read) -> Sequence[Change]:
    return (Set(LICENSES, (u256(event.args["tokenId"]),), {"locked": 1}),)


def license_unlocked(event: Event, _read: Read) -> Sequence[Change]:
    return (Set(LICENSES, (u256(event.args["tokenId"]),), {"locked": 0}),)


def license_ended(event: Event, _read: Read) -> Sequence[Change]:
    return (Set(LICENSES, (u256(event.args["license"]),), {"ended": 1}),)


def exclusivity_cleared(event: Event, read: Read) -> Sequence[Change]:
    work = u256(event.args["work"])
    keys = [(work, 1 << at) for at in range(16)]
    return [Set(EXCLUSIVITY, key, {"until": 0}) for key in keys if read(EXCLUSIVITY, key) is not None]


def dataset_market_set(event: Event, _read: Read) -> Sequence[Change]:
    return (_protocol("dataset_market", "0x" + event.args["datasets"].hex()),)


def receiver_deployed(event: Event, _read: Read) -> Sequence[Change]:
    return (Set(ACCOUNTS, (event.args["account"],), {"receiver": event.args["receiver"]}),)


def expiry_updated(event: Event, _read: Read) -> Sequence[Change]:
    args = event.args
    return (Set(LICENSES, (u256(args["tokenId"]),), {"expires_at": as_time(args["endTime"])}),)


def fee_set(event: Event, _read: Read) -> Sequence[Change]:
    recipient = "0x" + event.args["recipient"].hex()
    return (_protocol("fee_bps", event.args["bps"]), _protocol("fee_recipient", recipient))


def sales_paused(event: Event, _read: Read) -> Sequence[Change]:
    return (_protocol("sales_paused", int(event.args["paused"])),)


def _protocol(name: str, value: int | str) -> Change:
    return Set(PROTOCOL, (name,), {"value": str(value)})


# ---- SignedActions --------------------------------------------------------------------------------------


def action_executed(event: Event, _read: Read) -> Sequence[Change]:
    args = event.args
    return (Set(NONCES, (args["actor"], u256(args["nonce"])), {"action": args["action"]}),)


def nonce_cancelled(event: Event, _read: Read) -> Sequence[Change]:
    return (Set(NONCES, (event.args["actor"], u256(event.args["nonce"])), {"cancelled": 1}),)


def gate_closed(_event: Event, _read: Read) -> Sequence[Change]:
    return (_protocol("gate_closed", 1),)


HANDLERS: dict[tuple[str, str], Handler] = {
    ("WorkRegistry", "WorkRegistered"): work_registered,
    ("WorkRegistry", "Transfer"): work_moved,
    ("WorkRegistry", "MetadataSet"): metadata_set,
    ("WorkRegistry", "PayeeSet"): payee_set,
    ("WorkRegistry", "StewardshipAccepted"): stewardship_accepted,
    ("WorkRegistry", "StewardshipHandedOver"): stewardship_handed_over,
    ("WorkRegistry", "CulturalNoticeSet"): cultural_notice_set,
    ("WorkRegistry", "WorkHeld"): work_held,
    ("WorkRegistry", "ClaimReassigned"): claim_reassigned,
    ("WorkRegistry", "StewardNamed"): steward_named,
    ("WorkRegistry", "RegistrationsPaused"): registrations_paused,
    ("LicenseMarket", "OfferPosted"): offer_posted,
    ("LicenseMarket", "OfferWithdrawn"): offer_withdrawn,
    ("LicenseMarket", "ConsentSet"): consent_set,
    ("LicenseMarket", "LicenseMinted"): license_minted,
    ("LicenseMarket", "Transfer"): license_moved,
    ("LicenseMarket", "Locked"): license_locked,
    ("LicenseMarket", "TokenExpiryUpdated"): expiry_updated,
    ("LicenseMarket", "Unlocked"): license_unlocked,
    ("LicenseMarket", "LicenseEnded"): license_ended,
    ("LicenseMarket", "ExclusivityCleared"): exclusivity_cleared,
    ("LicenseMarket", "DatasetMarketSet"): dataset_market_set,
    ("Receivers", "ReceiverDeployed"): receiver_deployed,
    ("LicenseMarket", "FeeSet"): fee_set,
    ("LicenseMarket", "SalesPaused"): sales_paused,
    ("SignedActions", "ActionExecuted"): action_executed,
    ("SignedActions", "NonceCancelled"): nonce_cancelled,
    ("SignedActions", "GateClosed"): gate_closed,
}

# Which argument of an event names a work, a digest of a document, or a currency: the database keeps them beside.
WORK_ARGUMENTS = ("work", "token_id", "_tokenId")
DOCUMENTS: dict[tuple[str, str], tuple[tuple[str, str], ...]] = {
    ("WorkRegistry", "WorkRegistered"): (("metadata", "metadata"), ("cultural", "cultural")),
    ("WorkRegistry", "MetadataSet"): (("metadata", "metadata"),),
    ("WorkRegistry", "CulturalNoticeSet"): (("cultural", "cultural"),),
    ("LicenseMarket", "OfferPosted"): (("offer.terms", "terms"),),
    ("DatasetMarket", "DatasetOpened"): (("dataset.terms", "terms"),),
}
