# SPDX-License-Identifier: Apache-2.0
"""What the projections say, as questions to the chain with the answers they should get.

Row for row, by views of the contracts. A view that depends on the clock is asked at the database's own block, so that
both sides mean the same second. Rows that are missing are found by what the chain counts: tokens of each holder, cases,
members and sales of each dataset.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from indexer.database import ReadConnection
from indexer.ledger import is_address, unpack_shares
from indexer.project import HELD, OFFER_FIELDS
from ipto.deployment import Deployment
from ipto.ids import offer_id
from ipto.structs import NEVER, Offer, Share, checksum_address

_MAX = 2**256 - 1


class Probe(NamedTuple):
    """One comparison: the table, which row, whom to ask what, and the answer. `...` stands for any value. Without a
    contract, `wanted` is compared with `args`: what follows from the row itself."""

    table: str
    what: str
    contract: str
    function: str
    args: tuple[Any, ...]
    wanted: tuple[Any, ...]


class Ground(NamedTuple):
    """What probes are made from."""

    db: ReadConnection
    deployment: Deployment
    now: int  # UTC seconds, of the database's last block

    def rows(self, table: str) -> Iterator[Any]:
        """Every row of a table."""
        yield from self.db.each(f"SELECT * FROM {table}")  # noqa: S608  # our own names

    def market(self, kind: str) -> str:
        """Which contract sells a kind of license."""
        return self.deployment.contracts.get("DatasetMarket" if kind == "dataset" else "LicenseMarket", "")


Maker = Callable[[Ground], Iterator[Probe]]


def address(raw: bytes) -> str:
    """As the chain's answers are decoded."""
    return checksum_address("0x" + raw.hex())


def number(raw: bytes) -> int:
    """A 256-bit number."""
    return int.from_bytes(raw)


def _works(ground: Ground) -> Iterator[Probe]:
    for row in ground.rows("works"):
        work, name = number(row["work"]), row["work"].hex()
        held = row["held_until"] > ground.now  # a hold ends by itself
        wanted = (
            address(row["owner"]),
            row["owned_since"],
            row["duration_ms"],
            row["cleared"],
            row["flags"] if held else row["flags"] & ~HELD,
            row["metadata"],
            row["cultural"],
            row["payee"],
            address(row["steward"]),
        )
        yield Probe("works", name, "WorkRegistry", "work_of", (work,), wanted)
        made_from = (address(row["creator"]), row["content"])
        yield Probe("works", name, "WorkRegistry", "work_id", made_from, (work,))
        if row["held_until"]:
            yield Probe("works", name, "WorkRegistry", "held_until", (work,), (row["held_until"],))
        yield Probe("works", name, "WorkRegistry", "clean_since", (work,), (row["clean_since"],))
    yield from _holders(ground, "works", "owner", "WorkRegistry")


def _holders(ground: Ground, table: str, column: str, contract: str) -> Iterator[Probe]:
    """How many tokens each holder has: a row that is missing here is one too many there."""
    sql = f"SELECT {column} AS holder, count(*) AS held FROM {table} GROUP BY {column}"  # noqa: S608
    for row in ground.db.each(sql):
        holder = address(row["holder"])
        yield Probe(table, f"number of {holder}", contract, "balanceOf", (holder,), (row["held"],))


def _offers(ground: Ground) -> Iterator[Probe]:
    names = ["usages", "aspects", "forbids", "revenue_share_bps", "start_ms", "end_ms", "after_term", "flags"]
    for row in ground.rows("offers"):
        wanted = (not row["withdrawn"], row["sold"], row["posted_at"], *[row[name] for name in names])
        name = row["offer_id"].hex()
        yield Probe("offers", name, "LicenseMarket", "offer_status", (row["offer_id"],), wanted)
        if row["posted_at"]:
            yield Probe("offers", name, "", "id of its fields", (offer_id(offer_of(row)),), (row["offer_id"],))


def offer_of(row: Any, prefix: str = "") -> Offer:
    """A row of offers as the chain's struct."""
    values = {name: row[prefix + name] for name in OFFER_FIELDS}
    for name in ("work", "price", "unit_price"):
        values[name] = number(values[name])
    for name in ("licensor", "currency", "licensee"):
        values[name] = address(values[name])
    return Offer(**values)


def _licenses(ground: Ground) -> Iterator[Probe]:
    for row in ground.rows("licenses"):
        flags = row["locked"] | row["ended"] << 1
        wanted = (address(row["holder"]), row["issued_at"], row["expires_at"], flags, row["offer_id"])
        name = row["license"].hex()
        yield Probe("licenses", name, "LicenseMarket", "license_of", (number(row["license"]),), wanted)
    yield from _holders(ground, "licenses", "holder", "LicenseMarket")


def _consents(ground: Ground) -> Iterator[Probe]:
    for row in ground.rows("consents"):
        args = (row["offer_id"], address(row["steward"]))
        name = row["offer_id"].hex()
        yield Probe("consents", name, "LicenseMarket", "has_consent", args, (bool(row["given"]),))


def _exclusivity(ground: Ground) -> Iterator[Probe]:
    for row in ground.rows("exclusivity"):
        wanted = _MAX if row["until"] == NEVER else row["until"]
        args = (number(row["work"]), row["usage"])
        yield Probe("exclusivity", row["work"].hex(), "LicenseMarket", "exclusive_until", args, (wanted,))


def _splits(ground: Ground) -> Iterator[Probe]:
    for row in ground.rows("splits"):
        name, controller = row["split"].hex(), address(row["controller"])
        yield Probe("splits", name, "RoyaltyVault", "controller_of", (row["split"],), (controller,))
        shares = [Share(account, share) for account, share in unpack_shares(row["shares"])]
        yield Probe("splits", name, "RoyaltyVault", "split_of", (shares, controller), (row["split"],))
    sql = (
        "SELECT s.split, s.shares, m.account, m.share FROM splits s LEFT JOIN members m ON m.split = s.split "
        "ORDER BY s.split, m.account"
    )
    told: dict[bytes, tuple[bytes, list[tuple[bytes, int]]]] = {}
    for row in ground.db.each(sql):
        if row["split"] not in told:
            yield from _members(told)
            told = {row["split"]: (row["shares"], [])}
        told[row["split"]][1].append((row["account"], row["share"]))
    yield from _members(told)


def _members(told: dict[bytes, tuple[bytes, list[tuple[bytes, int]]]]) -> Iterator[Probe]:
    for split, (shares, members) in told.items():
        wanted = tuple((recipient.account, recipient.share) for recipient in unpack_shares(shares))
        yield Probe("members", split.hex(), "", "recipients of its split", tuple(members), wanted)


def _balances(ground: Ground) -> Iterator[Probe]:
    for row in ground.rows("balances"):
        name, args = row["account"].hex(), (row["account"], address(row["currency"]))
        balance = number(row["balance"])
        yield Probe("balances", name, "RoyaltyVault", "balance_of", args, (balance,))
        came = [number(row[part]) for part in ("credited", "booked_in", "shared_in")]
        went = [number(row[part]) for part in ("booked_out", "distributed", "withdrawn")]
        if _MAX not in (*came, *went):  # sums over a lifetime stop there
            yield Probe("balances", name, "", "what came less what went", (sum(came) - sum(went),), (balance,))


def _accounts(ground: Ground) -> Iterator[Probe]:
    for row in ground.rows("accounts"):
        account, name = row["account"], row["account"].hex()
        if is_address(account):
            args = (address(account[12:]),)
            yield Probe("accounts", name, "RoyaltyVault", "redirect_of", args, (address(row["redirect"]),))
        if any(row["receiver"]):
            yield Probe("accounts", name, "Receivers", "receiver_of", (account,), (address(row["receiver"]),))
        if any(row["accepted_by"]):
            wanted = (account, address(row["accepted_by"]))
            yield Probe("accounts", name, "RoyaltyVault", "invitation", (address(account[12:]),), wanted)


def _nonces(ground: Ground) -> Iterator[Probe]:
    for row in ground.rows("nonces"):
        args = (address(row["actor"]), number(row["nonce"]))
        yield Probe("nonces", row["actor"].hex(), "SignedActions", "is_nonce_used", args, (True,))


# A fact of the protocol, whom to ask for it, and where it stands in the answer.
_FACTS: dict[str, tuple[str, str, Callable[[str], tuple[Any, ...]]]] = {
    "fee_bps": ("LicenseMarket", "fee", lambda value: (int(value), ...)),
    "fee_recipient": ("LicenseMarket", "fee", lambda value: (..., checksum_address(value))),
    "sales_paused": ("LicenseMarket", "sales_paused", lambda value: (value == "1",)),
    "dataset_market": ("LicenseMarket", "dataset_market", lambda value: (checksum_address(value),)),
    "dataset_fee_bps": ("DatasetMarket", "fee", lambda value: (int(value), ...)),
    "dataset_sales_paused": ("DatasetMarket", "sales_paused", lambda value: (value == "1",)),
    "registrations_paused": ("WorkRegistry", "registrations_paused", lambda value: (value == "1",)),
    "gate_closed": ("SignedActions", "is_gate_closed", lambda value: (value == "1",)),
}


def _protocol(ground: Ground) -> Iterator[Probe]:
    for row in ground.rows("protocol"):
        contract, function, wanted = _FACTS[row["name"]]
        yield Probe("protocol", row["name"], contract, function, (), wanted(row["value"]))


MAKERS: tuple[Maker, ...] = (
    _works,
    _offers,
    _licenses,
    _consents,
    _exclusivity,
    _splits,
    _balances,
    _accounts,
    _nonces,
    _protocol,
)
