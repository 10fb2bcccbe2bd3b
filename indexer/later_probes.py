# SPDX-License-Identifier: Apache-2.0
"""The same of datasets, usage, disputes and attestations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from indexer.datasets import DATASET_FIELDS
from indexer.duties import CORRECTED, HELD, RESTATED, VOID
from indexer.probes import Ground, Maker, Probe, address, number, offer_of
from indexer.project import OFFER_FIELDS
from ipto.structs import Dataset

_MAX = 2**256 - 1
_NOT_LEFT = 2**32 - 1
_USAGE, _DISPUTES, _PANEL = "UsageSettlement", "DisputeResolver", "PanelArbiter"


# ---- datasets -------------------------------------------------------------------------------------------


def _dataset_of(row: Any, prefix: str = "") -> Dataset:
    values = {name: row[prefix + name] for name in DATASET_FIELDS}
    values["unit_price"] = number(values["unit_price"])
    for name in ("curator", "currency", "licensee"):
        values[name] = address(values[name])
    return Dataset(**values)


def _datasets(ground: Ground) -> Iterator[Probe]:
    for row in ground.rows("datasets"):
        dataset, name = row["dataset_id"], row["dataset_id"].hex()
        wanted = (row["state"], row["sales"], row["members"], number(row["price"]))
        yield Probe("datasets", name, "DatasetMarket", "dataset_of", (dataset,), wanted)
        yield Probe("datasets", name, "DatasetMarket", "dataset_id", (_dataset_of(row),), (dataset,))


def _spells(ground: Ground) -> Iterator[Probe]:
    for row in ground.rows("spells"):
        args = (row["dataset_id"], row["offer_id"], row["spell"])
        wanted = (row["joined"], _NOT_LEFT if row["last"] is None else row["last"])
        yield Probe("spells", row["offer_id"].hex(), "DatasetMarket", "spell_of", args, wanted)
    # What a member is still owed: its sales, less those that were settled to whoever it paid then.
    sql = (
        "SELECT s.dataset_id, s.offer_id, count(*) AS spells, "
        "sum(CASE WHEN s.last IS NULL THEN 1 ELSE 0 END) AS present, "
        "sum(coalesce(s.last, d.sales) - s.joined) AS sales, coalesce(max(c.settled), 0) AS settled FROM spells s "
        "JOIN datasets d ON d.dataset_id = s.dataset_id LEFT JOIN (SELECT dataset_id, offer_id, sum(sales) AS settled "
        "FROM collected GROUP BY dataset_id, offer_id) c ON c.dataset_id = s.dataset_id AND c.offer_id = s.offer_id "
        "GROUP BY s.dataset_id, s.offer_id"
    )
    for row in ground.db.each(sql):
        member = (row["dataset_id"], row["offer_id"])
        owed = (bool(row["present"]), row["spells"], int(row["sales"] - row["settled"]))
        yield Probe("collected", row["offer_id"].hex(), "DatasetMarket", "member_of", member, owed)


def _dataset_licenses(ground: Ground) -> Iterator[Probe]:
    for row in ground.rows("dataset_licenses"):
        flags = row["locked"] | row["ended"] << 1
        wanted = (address(row["holder"]), row["issued_at"], row["expires_at"], flags, row["dataset_id"])
        name, args = row["license"].hex(), (number(row["license"]),)
        yield Probe("dataset_licenses", name, "DatasetMarket", "license_of", args, wanted)
    sql = "SELECT holder, count(*) AS held FROM dataset_licenses GROUP BY holder"
    for row in ground.db.each(sql):
        holder = address(row["holder"])
        yield Probe("dataset_licenses", f"number of {holder}", "DatasetMarket", "balanceOf", (holder,), (row["held"],))


# ---- usage ----------------------------------------------------------------------------------------------


def _models(ground: Ground) -> Iterator[Probe]:
    for row in ground.rows("models"):
        model, name, developer = row["model"], row["model"].hex(), address(row["developer"])
        yield Probe("models", name, _USAGE, "developer_of", (model,), (developer,))
        yield Probe("models", name, _USAGE, "model_id", (developer, row["card"]), (model,))
    for row in ground.rows("manifests"):
        args = (row["model"], row["manifest"])
        yield Probe("manifests", row["manifest"].hex(), _USAGE, "committed_at", args, (row["committed_at"],))
    for row in ground.rows("bound_models"):
        yield Probe(
            "bound_models", row["license"].hex(), _USAGE, "bound_model", (number(row["license"]),), (row["model"],)
        )


def _reporters(ground: Ground) -> Iterator[Probe]:
    # Only the present holder's word counts, and only about others than itself.
    sql = (
        "SELECT r.* FROM reporters r LEFT JOIN licenses l ON l.license = r.license LEFT JOIN dataset_licenses k "
        "ON k.license = r.license WHERE coalesce(l.holder, k.holder) = r.holder AND r.holder <> r.developer"
    )
    for row in ground.db.each(sql):
        args = (address(row["market"]), number(row["license"]), address(row["developer"]))
        yield Probe("reporters", row["license"].hex(), _USAGE, "may_report", args, (bool(row["allowed"]),))


def _reports(ground: Ground) -> Iterator[Probe]:
    for row in ground.rows("reports"):
        name, flags = row["report"].hex(), row["flags"]
        # While a report is held its clock is what was left of the window.
        clock = ... if flags & HELD else row["opens_at"]
        wanted = (number(row["pool"]), number(row["pool_paid"]), clock, flags, row["root"])
        yield Probe("reports", name, _USAGE, "report_of", (row["report"],), wanted)
        args = (address(row["market"]), number(row["license"]), row["number"])
        yield Probe("reports", name, _USAGE, "report_id", args, (row["report"],))
    told = "SELECT p.report, p.number FROM usage_paid p JOIN reports r ON r.report = p.report"
    sql = f"{told} WHERE r.flags & {VOID | CORRECTED | RESTATED} = 0"
    # After a ruling the chain tells only of the new tree's leaves.
    for row in ground.db.each(sql):
        leaf = (row["report"], row["number"])
        yield Probe("usage_paid", row["report"].hex(), _USAGE, "is_claimed", leaf, (True,))
    sums = (
        "SELECT r.report, r.claims, count(p.seq) AS lines FROM reports r LEFT JOIN usage_paid p ON p.report = r.report"
    )
    for row in ground.db.each(f"{sums} GROUP BY r.report, r.claims"):
        yield Probe("usage_paid", row["report"].hex(), "", "lines of its report", (row["lines"],), (row["claims"],))


def _duties(ground: Ground) -> Iterator[Probe]:
    for row in ground.rows("duties"):
        license, final = number(row["license"]), row["final"] if row["due_at"] is None else 0
        wanted = (row["through"], row["reports"], row["late"], row["void"], final) if row["reports"] else (0,) * 5
        args = (ground.market(row["kind"]), license)
        yield Probe("duties", row["license"].hex(), _USAGE, "ledger_of", args, wanted)
    for row in _with_terms(ground, "offers", "offer_id", OFFER_FIELDS):
        yield _due(row, "due_at", offer_of(row, "f_"))
    for row in _with_terms(ground, "datasets", "dataset_id", DATASET_FIELDS):
        yield _due(row, "due_at_dataset", _dataset_of(row, "f_"))


def _with_terms(ground: Ground, table: str, key: str, names: tuple[str, ...]) -> Iterator[Any]:
    """Duties with what they were sold under."""
    fields = ", ".join(f"f.{name} AS f_{name}" for name in names)
    yield from ground.db.each(
        f"SELECT o.license, o.due_at, {fields} FROM duties o JOIN {table} f ON f.{key} = o.subject"  # noqa: S608
    )


def _due(row: Any, function: str, terms: object) -> Probe:
    wanted = (_MAX if row["due_at"] is None else row["due_at"], ...)
    return Probe("duties", row["license"].hex(), _USAGE, function, (number(row["license"]), terms), wanted)


# ---- disputes and attestations --------------------------------------------------------------------------


def _cases(ground: Ground) -> Iterator[Probe]:
    count = 0
    for row in ground.rows("cases"):
        count += 1
        case = number(row["case_id"])
        wanted = (
            address(row["opener"]),
            address(row["respondent"]),
            row["effect"],
            row["phase"],
            row["outcome"],
            bool(row["answered"]),
            bool(row["executed"]),
            bool(row["settled"]),
            row["opened_at"],
            row["ruled_at"],
            address(row["target"]),
            address(row["market"]),
            number(row["subject"]),
            row["remedy"],
        )
        yield Probe("cases", str(case), _DISPUTES, "case_of", (case,), wanted)
        due = (..., ..., row["executable_at"])
        yield Probe("cases", str(case), _DISPUTES, "deadlines_of", (case,), due)
    if count:
        yield Probe("cases", "how many there are", _DISPUTES, "cases", (), (count,))


def _holds(ground: Ground) -> Iterator[Probe]:
    running: dict[tuple[bytes, bytes], tuple[int, int, int]] = {}
    for row in ground.rows("holds"):
        case, until = number(row["case_id"]), row["until"] if row["until"] > ground.now else 0
        key = (row["target"], row["subject"])
        asker, asked, ordered = running.get(key, (0, 0, 0))
        if row["ordered"]:
            running[key] = (asker, asked, max(ordered, until))
            continue
        running[key] = (case, until, ordered) if until else (asker, asked, ordered)
        used = ... if row["until"] else number(row["rent_used"])  # while it runs, the chain counts it up
        yield Probe("holds", str(case), _DISPUTES, "rent_of", (case,), (number(row["rent"]), used, ...))
    for (target, subject), (asker, asked, ordered) in running.items():
        args, wanted = (address(target), number(subject)), (asker, asked, ordered, ...)
        yield Probe("holds", f"on {subject.hex()}", _DISPUTES, "hold_of", args, wanted)


def _votes(ground: Ground) -> Iterator[Probe]:
    for row in ground.rows("votes"):
        args = (address(row["resolver"]), number(row["case_id"]), address(row["member"]))
        yield Probe("votes", str(args[1]), _PANEL, "vote_of", args, (row["outcome"], row["remedy"]))
    for row in ground.rows("orders"):
        # Its case's order is the one that counts, so it ends with it.
        held = ground.db.one("SELECT until FROM holds WHERE case_id = ? AND ordered = 1", (row["case_id"],))
        until = held["until"] if held and held["until"] > ground.now else 0
        on = (address(row["target"]), number(row["subject"]))
        yield Probe("orders", row["subject"].hex(), _DISPUTES, "hold_of", on, (..., ..., until, ...))
    seats = {}
    for row in ground.rows("panels"):
        packed = row["members"]
        members = tuple(address(packed[at : at + 20]) for at in range(0, len(packed), 20))
        seats[row["panel"]] = (row["panel"], members, row["quorum"])
    if seats:
        yield Probe("panels", "the newest", _PANEL, "panel", (), seats[max(seats)])
    for row in ground.rows("sittings"):
        case = (address(row["resolver"]), number(row["case_id"]))
        wanted = seats.get(row["panel"], (row["panel"], (), 0))
        yield Probe("sittings", str(case[1]), _PANEL, "panel_of", case, wanted)


def _attestations(ground: Ground) -> Iterator[Probe]:
    for row in ground.rows("attestations"):
        name, attester = row["attestation"].hex(), address(row["attester"])
        wanted = (attester, row["attested_at"], row["revoked_at"])
        yield Probe("attestations", name, "Attestations", "attestation_of", (row["attestation"],), wanted)
        args = (attester, row["subject"], row["topic"], row["evidence"])
        yield Probe("attestations", name, "Attestations", "attestation_id", args, (row["attestation"],))


LATER_MAKERS: tuple[Maker, ...] = (
    _datasets,
    _spells,
    _dataset_licenses,
    _models,
    _reporters,
    _reports,
    _duties,
    _cases,
    _holds,
    _votes,
    _attestations,
)
