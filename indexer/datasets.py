# SPDX-License-Identifier: Apache-2.0
"""Datasets: their members by spells, their licenses, and what each member earned.

A member's spell covers the sales after `joined` up to and including `last`; `last` is NULL while it is a member.
"""

from __future__ import annotations

from collections.abc import Sequence

from indexer.duties import duty_of_sale
from indexer.event import Event, Handler, as_time, u256
from indexer.rows import Add, Change, Read, Set
from indexer.schema import PROTOCOL, TURNOVER, WORKS
from indexer.tables import Row, table
from ipto.structs import NEVER, ZERO32

__all__ = ["HANDLERS", "TABLES"]

DATASETS = table(
    "datasets",
    "dataset_id:blob32 curator:blob20 currency:blob20 usages:int aspects:int forbids:int term:int "
    "revenue_share_bps:int unit:int unit_price:u256 report_every:int after_term:int curator_fee_bps:int "
    "licensee:blob20 terms:blob32 salt:blob32 opened_at:int state:blob32 members:int price:u256 sales:int earned:u256 "
    "collected:u256",
    "dataset_id",
    "curator seq",
    "currency seq",
    by_seq=True,
)
SPELLS = table(
    "spells",
    "dataset_id:blob32 offer_id:blob32 spell:int work:blob32 joined:int last:int? price:u256 cultural:blob32 "
    "action:int left_by:blob20 joined_at:int left_at:int",
    "dataset_id offer_id spell",
    "dataset_id seq",
    "work seq",
    "work dataset_id",
    "offer_id seq",
)
DATASET_LICENSES = table(
    "dataset_licenses",
    "license:blob32 dataset_id:blob32 number:int holder:blob20 licensee:blob20 payer:blob20 currency:blob20 price:u256 "
    "curator_fee:u256 fee:u256 members:int issued_at:int expires_at:int party:blob32 state:blob32 locked:int ended:int",
    "license",
    "holder seq",
    "dataset_id seq",
    by_seq=True,
)
# What was settled to a member, over all its spells.
COLLECTED = table(
    "collected", "dataset_id:blob32 offer_id:blob32 account:blob32 sales:int amount:u256", "dataset_id offer_id account"
)
TABLES = (DATASETS, SPELLS, DATASET_LICENSES, COLLECTED)

DATASET_FIELDS = (
    "curator", "currency", "usages", "aspects", "forbids", "term", "revenue_share_bps", "unit", "unit_price",
    "report_every", "after_term", "curator_fee_bps", "licensee", "terms", "salt",
)  # fmt: skip


def dataset_of(license_id: bytes) -> bytes:
    """The dataset a license was sold from: its id without the number of the sale."""
    return license_id[:28] + bytes(4)


def sale_of(license_id: bytes) -> int:
    """Which sale of its offer or dataset a license is, from 1."""
    return int.from_bytes(license_id[28:])


def dataset_opened(event: Event, _read: Read) -> Sequence[Change]:
    values: Row = dict(zip(DATASET_FIELDS, event.args["dataset"], strict=True))
    values["unit_price"] = u256(values["unit_price"])
    dataset_id = event.args["dataset_id"]
    return (Set(DATASETS, (dataset_id,), {**values, "opened_at": event.timestamp, "state": dataset_id}),)


def member_added(event: Event, _read: Read) -> Sequence[Change]:
    args = event.args
    spell = {
        "work": u256(args["work"]),
        "joined": args["joined"],
        "price": u256(args["price"]),
        "cultural": args["cultural"],
        "joined_at": event.timestamp,
    }
    return (
        Set(SPELLS, (args["dataset_id"], args["offer_id"], args["spell"]), spell),
        Add(DATASETS, (args["dataset_id"],), {"members": 1, "price": args["price"]}),
        Set(DATASETS, (args["dataset_id"],), {"state": args["state"]}),
    )


def member_left(event: Event, _read: Read) -> Sequence[Change]:
    args = event.args
    spell = {"last": args["left"], "action": args["action"], "left_by": args["by"], "left_at": event.timestamp}
    return (
        Set(SPELLS, (args["dataset_id"], args["offer_id"], args["spell"]), spell),
        Add(DATASETS, (args["dataset_id"],), {"members": -1, "price": -args["price"]}),
        Set(DATASETS, (args["dataset_id"],), {"state": args["state"]}),
    )


def license_minted(event: Event, read: Read) -> Sequence[Change]:
    args = event.args
    license_id, dataset_id = u256(args["license"]), args["dataset_id"]
    values = {
        "dataset_id": dataset_id,
        "number": sale_of(license_id),
        "licensee": args["licensee"],
        "payer": args["payer"],
        "currency": args["currency"],
        "price": u256(args["price"]),
        "curator_fee": u256(args["curator_fee"]),
        "fee": u256(args["fee"]),
        "members": args["members"],
        "issued_at": event.timestamp,
        "expires_at": as_time(args["expires_at"]),
        "party": args["party"],
        "state": args["state"],
    }
    return (
        Set(DATASET_LICENSES, (license_id,), values),
        Add(DATASETS, (dataset_id,), {"sales": 1, "earned": args["price"]}),
        Add(TURNOVER, (args["currency"],), {"licenses": 1, "price": args["price"], "fee": args["fee"]}),
        *duty_of_sale(event, license_id, read(DATASETS, (dataset_id,)), "dataset"),
    )


def license_moved(event: Event, _read: Read) -> Sequence[Change]:
    return (Set(DATASET_LICENSES, (u256(event.args["token_id"]),), {"holder": event.args["receiver"]}),)


def license_locked(event: Event, _read: Read) -> Sequence[Change]:
    return (Set(DATASET_LICENSES, (u256(event.args["tokenId"]),), {"locked": 1}),)


def license_ended(event: Event, _read: Read) -> Sequence[Change]:
    return (Set(DATASET_LICENSES, (u256(event.args["license"]),), {"ended": 1}),)


def expiry_updated(event: Event, _read: Read) -> Sequence[Change]:
    until = min(as_time(event.args["endTime"]), NEVER)
    return (Set(DATASET_LICENSES, (u256(event.args["tokenId"]),), {"expires_at": until}),)


def collected(event: Event, read: Read) -> Sequence[Change]:
    # Each entry is an offer's id with the number of sales in its last four bytes; price and payee are what the contract
    # used: the member's own price, and whom its work pays now.
    dataset_id, total = event.args["dataset_id"], 0
    changes: list[Change] = []
    for entry in event.args["settled"]:
        offer_id, sales = entry[:28] + bytes(4), int.from_bytes(entry[28:])
        spell = read(SPELLS, (dataset_id, offer_id, 1))
        work = read(WORKS, (spell["work"],)) if spell else None
        if spell is None or work is None:
            continue  # not a member of a dataset we saw from its beginning
        amount = sales * int.from_bytes(spell["price"])
        account = work["payee"] if work["payee"] not in (None, ZERO32) else bytes(12) + work["owner"]
        changes.append(Add(COLLECTED, (dataset_id, offer_id, account), {"sales": sales, "amount": amount}))
        total += amount
    return [*changes, Add(DATASETS, (dataset_id,), {"collected": total})]


def fee_set(event: Event, _read: Read) -> Sequence[Change]:
    return (Set(PROTOCOL, ("dataset_fee_bps",), {"value": str(event.args["bps"])}),)


def sales_paused(event: Event, _read: Read) -> Sequence[Change]:
    return (Set(PROTOCOL, ("dataset_sales_paused",), {"value": str(int(event.args["paused"]))}),)


_M = "DatasetMarket"
HANDLERS: dict[tuple[str, str], Handler] = {
    (_M, "DatasetOpened"): dataset_opened,
    (_M, "MemberAdded"): member_added,
    (_M, "MemberLeft"): member_left,
    (_M, "DatasetLicenseMinted"): license_minted,
    (_M, "Transfer"): license_moved,
    (_M, "Locked"): license_locked,
    (_M, "LicenseEnded"): license_ended,
    (_M, "TokenExpiryUpdated"): expiry_updated,
    (_M, "Collected"): collected,
    (_M, "FeeSet"): fee_set,
    (_M, "SalesPaused"): sales_paused,
}
