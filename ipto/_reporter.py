# SPDX-License-Identifier: Apache-2.0
"""The ongoing side of `ipto.client`: usage is reported and paid, and reports are shared out to the works' payees."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field

from ipto import ids
from ipto._curator import read_dataset, read_offers
from ipto._logs import Logs, topic, word
from ipto._purse import Purse
from ipto.accounts import Signer
from ipto.chain import Contract, Deployment, EventLog, Receipt
from ipto.content import ContentStore
from ipto.datasets import Member
from ipto.errors import InputError, IntegrityError, NotFoundError
from ipto.rpc import Rpc, quantity
from ipto.structs import ZERO32, Authorization, Dataset, Offer, SumNode, UsageLeaf, UsageReport
from ipto.sum_tree import Share, SumTree
from ipto.usage import Entry, Manifest, read_manifest, write_manifest

__all__ = [
    "Claimed",
    "LicenseTerms",
    "PreparedReport",
    "Reporter",
    "StoredReport",
    "claim_shares",
    "find_license",
    "find_report",
    "members_of",
]

MAX_LEAVES = 100  # in one claim
MAX_PROOF = 1_280  # nodes in one claim
_FINAL = 1
_AT_ONCE = 500  # logs asked for in one request


@dataclass(frozen=True, slots=True)
class LicenseTerms:
    """A license with the whole offer or dataset it was sold from."""

    license: int
    market: str  # LicenseMarket or DatasetMarket
    address: str  # of that market
    terms: Offer | Dataset
    issued_at: int  # UTC seconds


def find_license(deployment: Deployment, rpc: Rpc, license: int) -> LicenseTerms:
    """A license of either market, its terms from a node's logs; their hash is in its number, so they need no trust.

    Raises NotFoundError when neither market has its offer or dataset, or never sold it.
    """
    logs, subject = Logs(rpc, deployment.block_number), ids.offer_of_license(license)
    for market, event, name in (
        ("LicenseMarket", "OfferPosted", "offer"),
        ("DatasetMarket", "DatasetOpened", "dataset"),
    ):
        contract = deployment.contract(market, rpc)
        for log in logs.matching(contract, [topic(contract, event), word(subject)]):
            kind: type[Offer] | type[Dataset] = Offer if name == "offer" else Dataset
            terms = kind.from_mapping(log.args[name])
            if (ids.offer_id(terms) if isinstance(terms, Offer) else ids.dataset_id(terms)) != subject:
                raise IntegrityError(f"the node's log of the {name} is not what its id stands for; ask another node")
            issued_at = int(contract.call("license_of", license)[1])
            return LicenseTerms(license, market, contract.address, terms, issued_at)
    raise NotFoundError(f"no offer and no dataset of license {license} was found; ask a node that keeps all logs")


@dataclass(frozen=True, slots=True)
class PreparedReport:
    """A report, ready to be paid; nothing has been sent yet. Its manifest is in the store."""

    license: LicenseTerms
    since: int  # UTC seconds
    report: UsageReport
    manifest: Manifest


class Reporter:
    """Reports usage and pays for it: the holder of a license, or a developer whom the holder authorised."""

    def __init__(self, signer: Signer, deployment: Deployment, rpc: Rpc, store: ContentStore) -> None:
        """store: where manifests are kept. A withheld manifest is ground for a challenge: keep it, and publish it."""
        self.signer, self.deployment, self.rpc, self.store = signer, deployment, rpc, store
        self.settlement = deployment.contract("UsageSettlement", rpc)
        self._purse = Purse(signer, deployment, rpc)

    def register_model(self, card: bytes) -> bytes:
        """Register a model by the SHA-256 of its card, as its developer; the model's id."""
        self.settlement.send(self.signer, "register_model", self.signer.address, card)
        result: bytes = self.settlement.call("model_id", self.signer.address, card)
        return result

    def commit_manifest(self, model: bytes, manifest: Manifest) -> Receipt:
        """Commit to what a model was trained on, as its developer."""
        return self.settlement.send(self.signer, "commit_manifest", self.signer.address, model, manifest.digest)

    def authorize(self, license: LicenseTerms, developer: str, *, allowed: bool = True) -> Receipt:
        """Allow a developer to report in the holder's name, or no longer."""
        arguments = (self.signer.address, license.address, license.license, developer, allowed)
        return self.settlement.send(self.signer, "authorize", *arguments)

    def prepare(
        self,
        license: int,
        entries: Iterable[Entry],
        total: int,
        *,
        model: bytes = ZERO32,
        through: int | None = None,
        final: bool = False,
        note: str | None = None,
    ) -> PreparedReport:
        """Write the manifest and work out everybody's share.

        total: what the usage earned, in the smallest unit of the license's currency. through: where the period ends,
        UTC seconds; the latest block's time when not given. final: nothing more will be owed. note: what the weights
        count. Raises InputError for a license that owes no reports, and as `usage.shares`.
        """
        found = find_license(self.deployment, self.rpc, license)
        if not found.terms.report_every:
            raise InputError("this license owes no reports: nothing is due by usage")
        reported, number, *_ = self.settlement.call("ledger_of", found.address, license)
        since = reported if number else found.issued_at
        if through is None:
            through = quantity(self.rpc.call("eth_getBlockByNumber", "latest", False)["timestamp"])
        manifest = write_manifest(
            entries,
            put=self.store.put_document,
            get=self.store.get_document,
            chain_id=self.deployment.chain_id,
            market=found.address,
            license=license,
            model=model,
            since=since,
            through=through,
            currency=found.terms.currency,
            total=total,
            note=note,
        )
        tree = manifest.tree()
        report = UsageReport(
            license=license,
            model=model,
            number=number + 1,
            through=through,
            flags=_FINAL if final else 0,
            total=total,
            root=tree.root if tree else ZERO32,
            manifest=manifest.digest,
        )
        return PreparedReport(found, since, report, manifest)

    def submit(self, prepared: PreparedReport) -> tuple[bytes, Receipt]:
        """Report and pay from this account, in ETH or an ERC-20 (allowing exactly the total first); id and receipt.

        Raises InputError when the account cannot pay, RevertedError in the contract's words.
        """
        terms, report = prepared.license.terms, prepared.report
        name = "report" if isinstance(terms, Offer) else "report_dataset"
        receipt = self._purse.pay(self.settlement, terms.currency, report.total, name, terms, report)
        return self._report_in(receipt), receipt

    def sign(self, prepared: PreparedReport, *, seconds: int = 3600) -> Authorization:
        """Sign the payment (EIP-3009) instead: whoever has it can submit this report, and no other. Needs no ETH."""
        terms, report = prepared.license.terms, prepared.report
        order: bytes = self.settlement.call("order_hash", report)
        return self._purse.authorize(self.settlement, terms.currency, report.total, order, seconds)

    def submit_signed(self, prepared: PreparedReport, authorization: Authorization) -> tuple[bytes, Receipt]:
        """Submit a report that somebody else signed and pays; this account pays the gas."""
        terms = prepared.license.terms
        kind = "report" if isinstance(terms, Offer) else "report_dataset"
        arguments = (terms, prepared.report, authorization)
        receipt = self.settlement.send(self.signer, f"{kind}_with_authorization", *arguments)
        return self._report_in(receipt), receipt

    def _report_in(self, receipt: Receipt) -> bytes:
        made = self.settlement.events(receipt, "UsageReported")
        if not made:
            raise IntegrityError("the transaction made no report; ask another node")
        return bytes(made[-1].args["report"])


# ---- reports that were made ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StoredReport:
    """A report as the chain has it now."""

    report: bytes  # its id
    made: EventLog  # UsageReported
    manifest: bytes  # digest of the manifest, the restated one when there is one
    total: int  # what its tree shares out: all it brought, or what was left when a ruling set another root
    paid: int  # of that
    opens_at: int  # UTC seconds; while held: the seconds its window had left
    flags: int
    root: bytes


def find_report(deployment: Deployment, rpc: Rpc, report: bytes) -> StoredReport:
    """A report by its id. Raises NotFoundError."""
    settlement = deployment.contract("UsageSettlement", rpc)
    logs = Logs(rpc, deployment.block_number)
    kinds = [topic(settlement, name) for name in ("UsageReported", "ReportRestated")]
    found = logs.matching(settlement, [kinds, word(report)])
    if not found or found[0].event != "UsageReported":
        raise NotFoundError(f"no report 0x{report.hex()} was made on chain {deployment.chain_id}")
    shared, paid, opens_at, flags, root = settlement.call("report_of", report)
    return StoredReport(report, found[0], found[-1].args["manifest"], shared, paid, opens_at, flags, root)


@dataclass(slots=True)
class Claimed:
    """What claiming did."""

    paid: int = 0  # smallest unit
    accounts: dict[bytes, int] = field(default_factory=dict)  # vault account → smallest unit
    works: dict[int, int] = field(default_factory=dict)  # work → smallest unit
    waiting: int = 0  # unpaid, because a work is on hold
    receipts: list[Receipt] = field(default_factory=list)


def claim_shares(
    deployment: Deployment,
    rpc: Rpc,
    payer: Signer,
    report: bytes,
    store: ContentStore,
    *,
    only: Collection[bytes] | None = None,
    shares: Sequence[Share] | None = None,
    batch: int = MAX_LEAVES,
    watch: Callable[[int, int], object] | None = None,
) -> Claimed:
    """Pay a report's shares to the payees of their works, those of `only` (offer ids) when given. Anyone may.

    shares: those of the tree, when a ruling set another root than the manifest gives. batch: leaves in one
    transaction, at most 100. watch: called with the shares done and all there are to do. Raises IntegrityError when
    manifest and chain disagree on the root, RevertedError when the report cannot be claimed yet.
    """
    found = find_report(deployment, rpc, report)
    if not found.total:
        return Claimed()
    tree, leaves = _tree_of(found, store, shares)
    settlement = deployment.contract("UsageSettlement", rpc)
    made = found.made.args
    paid_before = _paid(deployment, rpc, settlement, report)
    todo = [
        place
        for place, share in enumerate(leaves)
        if share.amount and place not in paid_before and (only is None or share.offer_id in only)
    ]
    offers = read_offers(deployment, rpc, (leaves[place].offer_id for place in todo))
    done, finished = Claimed(), 0
    while finished < len(todo):
        places = todo[finished : finished + min(batch, MAX_LEAVES)]
        proof = _fitting(tree, places)
        chosen = [(place, leaves[place]) for place in places]
        named = [UsageLeaf(place, share.spell, share.amount, offers[share.offer_id]) for place, share in chosen]
        arguments = (made["market"], made["license"], made["number"], tree.count, named, proof)
        receipt = settlement.send(payer, "claim", *arguments)
        done.receipts.append(receipt)
        for event in settlement.events(receipt, "UsagePaid"):
            amount, account, work = event.args["amount"], event.args["account"], event.args["work"]
            done.paid += amount
            done.accounts[account] = done.accounts.get(account, 0) + amount
            done.works[work] = done.works.get(work, 0) + amount
        finished += len(places)
        if watch is not None:
            watch(finished, len(todo))
    done.waiting = sum(leaves[place].amount for place in todo) - done.paid
    return done


def _tree_of(found: StoredReport, store: ContentStore, shares: Sequence[Share] | None) -> tuple[SumTree, list[Share]]:
    leaves = list(shares) if shares is not None else read_manifest(found.manifest, store.get_document).shares()
    tree = SumTree(leaves)
    if (tree.root, tree.total) != (found.root, found.total):
        raise IntegrityError(
            "these shares do not make the report's tree: its root is false, or a ruling set another; "
            "see `ipto report verify`, and name the shares of the ruling"
        )
    return tree, leaves


def _paid(deployment: Deployment, rpc: Rpc, settlement: Contract, report: bytes) -> set[int]:
    logs = Logs(rpc, deployment.block_number)
    return {log.args["index"] for log in logs.matching(settlement, [topic(settlement, "UsagePaid"), word(report)])}


def _fitting(tree: SumTree, places: list[int]) -> list[SumNode]:
    """The proof of as many of these leaves as fit one call; the others are dropped from the list."""
    proof = tree.proof(places)
    while len(proof) > MAX_PROOF:
        del places[len(places) // 2 :]
        proof = tree.proof(places)
    return proof


def members_of(deployment: Deployment, rpc: Rpc, license: LicenseTerms) -> list[tuple[Member, int]]:
    """The members a dataset license covers, each with its spell: what entries of its manifests name."""
    sale = ids.sale_of_license(license.license)
    history = read_dataset(deployment, rpc, ids.offer_of_license(license.license))
    covered: list[tuple[Member, int]] = []
    for member in history.members.values():
        spell = member.spell_at(sale)
        if spell is not None:
            covered.append((member, spell.number))
    return covered
