# SPDX-License-Identifier: Apache-2.0
"""What the API says of the saga, in both databases."""

from __future__ import annotations

from indexer.api import models, records
from ipto.ids import invited_account
from tests.indexer.sagas import Told
from tests.indexer.story import valid


def test_who_judges_a_case(told: Told) -> None:
    first, last = (valid(records.Case, told.get(f"/v1/disputes/{number}")) for number in (1, told.saga.cases()))
    assert first["panel"] == {"number": 1, "quorum": 1, "members": [told.saga.owner]}
    assert (first["outcome"], first["executed"], len(first["votes"])) == ("FOR_OPENER", True, 1)
    assert first["hold_votes"] == [{"member": told.saga.owner, "held": False}]
    assert {hold["until"] for hold in first["holds"]} == {None}
    assert last["panel"]["quorum"] == 2
    assert [(hold["ordered"], hold["until"] is None) for hold in last["holds"]] == [(False, False)]
    for item in valid(models.Page[records.Case], told.get("/v1/disputes"))["items"]:
        assert (item["panel"], item["votes"]) == (None, [])


def test_an_invitation_that_was_accepted(told: Told) -> None:
    account = invited_account(told.saga.world.people[9])
    found = valid(models.AccountState, told.get(f"/v1/accounts/0x{account.hex()}"))
    assert (found["account"]["kind"], found["accepted_by"]) == ("invitation", told.saga.world.people[6])
    assert [int(balance["paid_out"]["amount"]) for balance in found["balances"]] == [300_000]


def test_reports_after_rulings(told: Told) -> None:
    voided, corrected, last = (
        valid(records.Report, told.get(f"/v1/reports/0x{told.saga.reports[name].hex()}"))
        for name in ("voided", "corrected", "last")
    )
    assert "RESTATED" in voided["flags"]
    assert (voided["shared"]["amount"], voided["shared_paid"]["amount"]) == ("30000", "30000")
    assert "CORRECTED" in corrected["flags"]
    assert (corrected["shared"]["amount"], corrected["paid"]["amount"]) == ("40000", "0")
    assert {"FINAL", "VOID"} <= set(last["flags"])
    duties = {item["license"]: item for item in told.get("/v1/duties")["items"]}
    # A supplement after the final report leaves it final; one that was found false is owed again.
    assert duties[str(told.saga.licenses["metered"])]["due_at"] is None
    assert duties[str(told.saga.licenses["disputed"])]["due_at"] is not None
