# SPDX-License-Identifier: Apache-2.0
"""Whether a usage report is what its manifest says: from the chain and documents that match their digests alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ipto import ids
from ipto._reporter import LicenseTerms, StoredReport, find_license, find_report, members_of
from ipto.chain import Deployment
from ipto.content import ContentStore
from ipto.errors import IptoError
from ipto.rpc import Rpc
from ipto.structs import ZERO32
from ipto.sum_tree import Share
from ipto.usage import Manifest, read_manifest
from ipto.verification import Check, utc

__all__ = ["Audit", "audit_report"]

FLAGS = ("final", "late", "supplement", "held", "void", "corrected", "restated")


@dataclass(slots=True)
class Audit:
    """All that was found out about a report."""

    report: StoredReport
    license: LicenseTerms
    shares: list[Share] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether every check holds. One that fails is ground for a challenge while the window is open."""
        return all(check.holds for check in self.checks)

    @property
    def flags(self) -> list[str]:
        """The report's flags in words."""
        return [name for bit, name in enumerate(FLAGS) if self.report.flags >> bit & 1]


def audit_report(deployment: Deployment, rpc: Rpc, report: bytes, store: ContentStore) -> Audit:
    """Check a report: its manifest is there, says what the chain says, and gives the root; every share is covered.

    Raises NotFoundError when no such report was made.
    """
    found = find_report(deployment, rpc, report)
    license = find_license(deployment, rpc, found.made.args["license"])
    audit = Audit(found, license)
    try:
        manifest = read_manifest(found.manifest, store.get_document)
        audit.shares = manifest.shares()
    except IptoError as error:
        audit.checks.append(Check("the manifest is published", False, str(error)))
        return audit
    counted = manifest.document["entries"]["count"]
    audit.checks.append(Check("the manifest is published", True, f"{counted} entries, each part by its digest"))
    _compare(audit, manifest, deployment)
    tree = manifest.tree()
    root = tree.root if tree else ZERO32
    audit.checks.append(
        Check(
            "the shares follow from the manifest",
            root == found.root,
            f"{len(audit.shares)} shares, root 0x{found.root.hex()}"
            if root == found.root
            else f"the manifest gives the root 0x{root.hex()}, the chain has 0x{found.root.hex()}",
        )
    )
    _check_cover(audit, manifest, deployment, rpc)
    return audit


def _compare(audit: Audit, manifest: Manifest, deployment: Deployment) -> None:
    made, document = audit.report.made.args, manifest.document
    said = {
        "chain": (document["chain_id"], deployment.chain_id),
        "market": (document["market"], audit.license.address),
        "license": (document["license"], str(made["license"])),
        "model": (document["model"], "0x" + made["model"].hex()),
        "begin": (document["since"], made["since"]),
        "end": (document["through"], made["through"]),
        "currency": (document["currency"], audit.license.terms.currency),
        "total": (document["total"], str(made["total"])),
    }
    wrong = [f"{name}: {one}, on chain {other}" for name, (one, other) in said.items() if one != other]
    period = f"{utc(made['since'])} to {utc(made['through'])}"
    audit.checks.append(Check("the manifest says what the chain says", not wrong, "; ".join(wrong) or period))


def _check_cover(audit: Audit, manifest: Manifest, deployment: Deployment, rpc: Rpc) -> None:
    number = ids.offer_of_license(audit.license.license)
    if audit.license.market == "LicenseMarket":
        works = {(number, 0): getattr(audit.license.terms, "work", 0)}
    else:
        covered = members_of(deployment, rpc, audit.license)
        works = {(member.offer, spell): member.work for member, spell in covered}
    _tell(audit, "the license covers every share", audit.shares, lambda share: (share.offer_id, share.spell) in works)
    entries = [entry for entry in manifest.entries() if works.get((entry.offer, entry.spell)) != entry.work]
    detail = "offer, spell and work belong together in each" if not entries else f"{len(entries)} do not fit"
    audit.checks.append(Check("every entry names its work", not entries, detail))


def _tell(audit: Audit, name: str, shares: Iterable[Share], is_fine: Callable[[Share], bool]) -> None:
    wrong = [share for share in shares if not is_fine(share)]
    lost = sum(share.amount for share in wrong)
    detail = f"{len(wrong)} shares of {lost} units can never be claimed" if wrong else "checked against the market"
    audit.checks.append(Check(name, not wrong, detail))
