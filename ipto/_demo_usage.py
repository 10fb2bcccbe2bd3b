# SPDX-License-Identifier: Apache-2.0
"""The demo's last step: a dataset license has been used, and everybody in it is paid for that by one digest."""

from __future__ import annotations

import hashlib

from ipto import ids
from ipto._audit import audit_report
from ipto._demo_stage import Stage
from ipto.chain import Contract
from ipto.client import Reporter, claim_shares, find_license, find_report, members_of
from ipto.quantities import Currency, format_amount
from ipto.sum_tree import Share
from ipto.usage import Entry
from ipto.verification import utc

__all__ = ["report_usage"]

_TOTAL = 12_345_678_901  # smallest unit; does not divide by anything
_DAY = 86_400


def report_usage(stage: Stage, license: int) -> None:
    """Report usage of all works of a dataset license, and hand out every share, to the last unit."""
    rpc, money = stage.rpc, stage.currency
    found = find_license(stage.deployment, rpc, license)
    covered = members_of(stage.deployment, rpc, found)
    _skip(stage, found.terms.report_every, "a reporting period passes")
    entries = [
        Entry(member.offer, member.work, _clip(member.work), _weight(member.work), spell=spell, epochs=3)
        for member, spell in covered
    ]
    faucet = Contract("TestUSD", money.address, rpc)
    faucet.send(stage.chain.signers[0], "mint", stage.licensee.address, _TOTAL)
    reporter = Reporter(stage.licensee, stage.deployment, rpc, stage.store)
    prepared = reporter.prepare(license, entries, _TOTAL, note="seconds of output that drew on each work")
    shares = prepared.manifest.shares()
    stage.line("manifest", f"{len(entries):,} entries, 0x{prepared.manifest.digest.hex()}")
    stage.line("root", f"0x{prepared.report.root.hex()}: {len(shares):,} shares, from {_range(shares, money)}")
    report, receipt = reporter.submit(prepared)
    stage.line("reported", f"{format_amount(_TOTAL, money)} for all of them in one report, gas {receipt.gas_used:,}")
    audit = audit_report(stage.deployment, rpc, report, stage.store)
    for check in audit.checks:
        stage.line("holds" if check.holds else "FAILS", f"{check.name} ({check.detail})")
    stage.expect(audit.holds, "the report is what its manifest says")
    opens_at = find_report(stage.deployment, rpc, report).opens_at
    stage.line("challenge", f"anyone can challenge it until {utc(opens_at)}; nobody does")
    _skip(stage, 7 * _DAY, "the challenge window passes")

    claimed = claim_shares(stage.deployment, rpc, stage.keeper, report, stage.store)
    gas = sum(item.gas_used for item in claimed.receipts)
    stage.line(
        "claimed",
        f"{len(claimed.works):,} works in {len(claimed.receipts)} transactions by a keeper, "
        f"gas {gas // len(claimed.works):,} a work",
    )
    owed = {member.work: 0 for member, _ in covered}
    works = {(member.offer, spell): member.work for member, spell in covered}
    for share in shares:
        owed[works[share.offer_id, share.spell]] += share.amount
    expected = {work: amount for work, amount in owed.items() if amount}
    stage.expect(claimed.works == expected, "every work got exactly its share")
    vault = stage.deployment.contract("RoyaltyVault", rpc)
    left = int(vault.call("balance_of", ids.sub_account(reporter.settlement.address, report), money.address))
    stage.expect(claimed.paid == _TOTAL and left == 0, f"{claimed.paid} claimed and {left} left make {_TOTAL}")
    stage.line(
        "sum",
        f"{format_amount(claimed.paid, money)} to {len(claimed.accounts):,} payees + {format_amount(left, money)} left "
        f"over = {format_amount(_TOTAL, money)}, to the last unit",
    )


def _skip(stage: Stage, seconds: int, what: str) -> None:
    """Let time pass on the development chain; on a real one, everybody waits."""
    stage.chain.travel(seconds)
    stage.line("time", f"{what}: {seconds // _DAY} days, skipped because this chain is a development chain")


def _clip(work: int) -> bytes:
    """Stands for the digest of what was fed in."""
    return hashlib.sha256(f"clip of work {work}".encode()).digest()


def _weight(work: int) -> int:
    """Invented usage: between 1 and 1,000 seconds of output, the same in every run of one work."""
    return 1 + int.from_bytes(_clip(work)[:4], "big") % 1_000


def _range(shares: list[Share], money: Currency) -> str:
    amounts = [share.amount for share in shares]
    return f"{format_amount(min(amounts), money)} to {format_amount(max(amounts), money)}"
