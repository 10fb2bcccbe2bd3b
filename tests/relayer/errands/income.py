# SPDX-License-Identifier: Apache-2.0
"""What a keeper collects and claims, for its drills: a dataset whose members are owed for each sale, reports whose
shares are proven, works that are held for a while; as the contracts have it, with the real proofs and manifests."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from ipto import ids
from ipto.chain import Deployment, abi
from ipto.codec import encode
from ipto.content import LocalStore
from ipto.rpc import RpcError
from ipto.services import NotFoundError
from ipto.structs import ETH, NEVER, UNLIMITED, WHOLE_END_MS, ZERO_ADDRESS, Aspect, Offer, Usage, checksum_address
from ipto.sum_tree import SumTree
from ipto.usage import Entry, write_manifest
from tests.relayer.errands.drill import PEOPLE, VAULT, ErrandDrill, LaggingIndexer, VaultChain, VaultNode
from tests.relayer.model_node import SIGNED, Block, Sent

MARKET, DATASETS, SETTLEMENT = (checksum_address("0x" + digits * 20) for digits in ("a2", "a3", "a4"))
DEPLOYMENT = Deployment(
    31337,
    {"RoyaltyVault": VAULT, "SignedActions": SIGNED, "DatasetMarket": DATASETS, "UsageSettlement": SETTLEMENT},
    0,
    "0x",
)
DATASET = "0x" + hashlib.sha256(b"dataset").hexdigest()
PRICE = 10**16
OFFERS = [
    Offer(
        work, who, int(Usage.TRAIN), int(Aspect.FOOTAGE), 0, 0, WHOLE_END_MS, ETH, PRICE, 365 * 86400, 0, 0, 0, 0, 1,
        UNLIMITED, ZERO_ADDRESS, 0, NEVER, 0, b"\x07" * 32,
    )
    for work, who in enumerate(PEOPLE, 1)
]  # fmt: skip
IDS = ["0x" + ids.offer_id(offer).hex() for offer in OFFERS]
REPORTS = 3
_COLLECT, _MEMBER = (abi("DatasetMarket").function(name) for name in ("collect", "member_of"))
_CLAIM, _CLAIMED, _REPORT = (abi("UsageSettlement").function(name) for name in ("claim", "is_claimed", "report_of"))


@dataclass(frozen=True)
class Report:
    """One report, claimable from `opens_at` on."""

    number: int
    manifest: bytes
    tree: SumTree
    shares: list[Any]
    opens_at: int

    @property
    def id(self) -> str:
        return "0x" + hashlib.sha256(b"report %d" % self.number).hexdigest()

    @property
    def total(self) -> int:
        return self.tree.total


class IncomeChain(VaultChain):
    """Collects and claims beside what the vault does."""

    def __init__(self, dice: Random) -> None:
        super().__init__(dice)
        self.sales = 0
        self.reports: list[Report] = []
        self.held: set[int] = set()  # members whose work is on hold

    def _uses(self, kind: str, block: str) -> list[tuple[Any, int]]:
        return [(use[0][1:], use[1]) for item in self.until(block) for use in item.used if use[0][0] == kind]

    def owed(self, member: int, block: str = "latest") -> int:
        """Sales that a member has not been paid for."""
        return self.sales - sum(count for who, count in self._uses("member", block) if who == (member,))

    def claimed(self, block: str = "latest") -> list[tuple[int, int]]:
        """Reports' numbers and places of leaves, in the order in which they were paid."""
        return [leaf for leaf, _ in self._uses("leaf", block)]

    def income(self, account: str, block: str) -> int:
        member = PEOPLE.index(account)
        collected = sum(count for who, count in self._uses("member", block) if who == (member,)) * PRICE
        offer = bytes.fromhex(IDS[member][2:])
        return collected + sum(
            amount
            for (number, place), amount in self._uses("leaf", block)
            if self.reports[number].shares[place].offer_id == offer
        )

    def booked(self, account: str, block: str = "latest") -> int:
        return super().booked(account, block) + self.income(account, block)

    def _act(self, block: Block, tx: Sent, data: bytes) -> bool:
        if data[:4] == _COLLECT.selector:
            return self._collect(block, tx, data)
        if data[:4] == _CLAIM.selector:
            return self._claim(block, tx, data)
        return super()._act(block, tx, data)

    def collectable(self, data: bytes) -> list[tuple[int, int]] | None:
        """Members that a call settles and for how many sales; None when it is refused."""
        offers = _COLLECT.decode_input(data)["offers"]
        members = [IDS.index("0x" + ids.offer_id(Offer(**offer)).hex()) for offer in offers]
        due = [(member, self.owed(member)) for member in members if self.owed(member)]
        return None if any(member in self.held for member, _ in due) else due

    def _collect(self, block: Block, tx: Sent, data: bytes) -> bool:
        due = self.collectable(data)
        if due is None:
            return False
        self.idle += not due
        for member, sales in due:
            block.used.append((("member", member), sales, None, tx.hash))  # type: ignore[arg-type]
        return True

    def claimable(self, data: bytes) -> list[tuple[int, int, int]] | None:
        """Report, place and amount of the leaves that a call pays; None when its proof is wrong or it is too early."""
        call = _CLAIM.decode_input(data)
        report = self.reports[call["number"]]
        places = [leaf["index"] for leaf in call["leaves"]]
        proof = [(bytes(node.digest), node.amount) for node in report.tree.proof(places)]
        leaves = [(leaf["spell"], leaf["amount"]) for leaf in call["leaves"]]
        if (
            self.now < report.opens_at
            or call["count"] != report.tree.count
            or leaves != [(report.shares[place].spell, report.shares[place].amount) for place in places]
            or [(bytes(node["digest"]), node["amount"]) for node in call["proof"]] != proof
        ):
            return None
        paid = self.claimed()
        return [
            (report.number, place, report.shares[place].amount)
            for place in places
            if (report.number, place) not in paid and report.shares[place].amount
        ]

    def _claim(self, block: Block, tx: Sent, data: bytes) -> bool:
        due = self.claimable(data)
        if due is None:
            return False
        self.idle += not due
        for number, place, amount in due:
            block.used.append((("leaf", number, place), amount, None, tx.hash))  # type: ignore[arg-type]
        return True


class IncomeNode(VaultNode):
    """JSON-RPC of it."""

    chain: IncomeChain

    def _eth_simulateV1(self, plan: dict[str, Any], block: str) -> list[Any]:
        data = bytes.fromhex(plan["blockStateCalls"][0]["calls"][0]["data"][2:])
        if data[:4] == _COLLECT.selector:
            due = self.chain.collectable(data)
            return _simulated(due is not None, "")
        if data[:4] == _CLAIM.selector:
            leaves = self.chain.claimable(data)
            paid = sum(amount for _, _, amount in leaves or ())
            return _simulated(leaves is not None, f"{paid:064x}")
        return super()._eth_simulateV1(plan, block)

    def _eth_call(self, call: dict[str, str], block: str) -> str:
        data = bytes.fromhex(call["data"][2:])
        if data[:4] == _MEMBER.selector:
            member = IDS.index("0x" + list(_MEMBER.decode_input(data).values())[1].hex())
            return "0x" + encode(["bool", "uint32", "uint32"], [True, 0, self.chain.owed(member, block)]).hex()
        if data[:4] == _CLAIMED.selector:
            key, place = _CLAIMED.decode_input(data).values()
            is_claimed = (self._report(key).number, place) in self.chain.claimed(block)
            return "0x" + encode(["bool"], [is_claimed]).hex()
        if data[:4] == _REPORT.selector:
            report = self._report(*_REPORT.decode_input(data).values())
            paid = _paid(self.chain, report, block)
            kinds = [part.type for part in _REPORT.outputs]
            return "0x" + encode(kinds, [report.total, paid, report.opens_at, 0, report.tree.root]).hex()
        if data[:4] in (_COLLECT.selector, _CLAIM.selector):
            raise RpcError(3, "execution reverted")
        return super()._eth_call(call, block)

    def _report(self, key: bytes) -> Report:
        return next(report for report in self.chain.reports if report.id == "0x" + key.hex())

    def _eth_getBlockByNumber(self, number: str, full: bool) -> dict[str, str] | None:
        if number == "latest":
            number = hex(len(self.chain.blocks) - 1)
        return super()._eth_getBlockByNumber(number, full)


def _simulated(succeeds: bool, returned: str) -> list[Any]:
    outcome = {"status": hex(succeeds), "gasUsed": hex(71_000), "returnData": "0x" + returned}
    return [{"calls": [outcome | {"error": {"message": "execution reverted"}}]}]


def _paid(chain: IncomeChain, report: Report, block: str) -> int:
    return sum(report.shares[place].amount for number, place in chain.claimed(block) if number == report.number)


class IncomeIndexer(LaggingIndexer):
    """Shows datasets, reports, offers and works too."""

    _chain: IncomeChain

    def get(self, path: str, **parameters: Any) -> Any:
        if path == "balances":
            return super().get(path, **parameters)
        chain, block = self._chain, self.height()
        if path == "datasets":
            left = sum(chain.owed(member, block) for member in range(len(PEOPLE)))
            earned = chain.sales * len(PEOPLE)
            items = [
                {
                    "id": DATASET, "sales": chain.sales, "earned": {"amount": str(earned * PRICE), "currency": ETH},
                    "collected": {"amount": str((earned - left) * PRICE)},
                }
            ]  # fmt: skip
        elif path == f"datasets/{DATASET}/members":
            items = [{"offer": name, "work_hex": f"{place}"} for place, name in enumerate(IDS)]
        elif path == "reports":
            items = [self._report(report, block) for report in chain.reports if chain.now >= report.opens_at]
        elif path.startswith("works/"):
            return {"held": int(path.removeprefix("works/")) in chain.held}
        elif path.removeprefix("offers/") in IDS:
            return {"chain": OFFERS[IDS.index(path.removeprefix("offers/"))].to_json()}
        else:
            raise NotFoundError(path)
        return {"items": items, "next": None}

    def _report(self, report: Report, block: str) -> dict[str, Any]:
        return {
            "id": report.id, "market": MARKET, "license": "7", "number": report.number,
            "manifest": "0x" + report.manifest.hex(), "total": {"amount": str(report.total), "currency": ETH},
            "paid": {"amount": str(_paid(self._chain, report, block))},
        }  # fmt: skip


class IncomeDrill(ErrandDrill):
    """A keeper that collects, claims and pays out."""

    deployment = DEPLOYMENT
    chain: IncomeChain

    def __init__(self, seed: int) -> None:
        super().__init__(seed, "keeper")

    def make_chain(self) -> VaultChain:
        return IncomeChain(self.dice)

    def make_node(self) -> VaultNode:
        return IncomeNode(self.chain, self.fault)

    def make_indexer(self) -> LaggingIndexer:
        return IncomeIndexer(self.chain, self)

    def keeper_settings(self) -> dict[str, Any]:
        return {"content_folder": self.content}

    @property
    def content(self) -> Path:
        folder = self.path.parent / "content"
        folder.mkdir(exist_ok=True)
        return folder

    def people(self) -> None:
        """A sale, a report, or somebody pays in."""
        what = self.dice.choice(["sale", "sale", "report", "credit"])
        self.counts[what] += 1
        if what == "sale":
            self.chain.sales += 1
        elif what == "report" and len(self.chain.reports) < REPORTS:
            self.chain.reports.append(self._new_report())
        else:
            super().people()

    def _new_report(self) -> Report:
        store, number, dice = LocalStore(self.content), len(self.chain.reports), self.dice
        # Each share is worth its gas when it is quiet, so that all have to be claimed.
        entries = [
            Entry(bytes.fromhex(IDS[place % len(IDS)][2:]), OFFERS[place % len(IDS)].work, dice.randbytes(32),
                  dice.randrange(50, 100), spell=place)
            for place in range(dice.randrange(1, 8))
        ]  # fmt: skip
        manifest = write_manifest(
            entries, put=store.put_document, get=store.get_document, chain_id=31337, market=MARKET, license=7,
            model=b"\x05" * 32, since=1, through=2 + number, currency=ETH, total=dice.randrange(10**16, 10**17),
        )  # fmt: skip
        shares = manifest.shares()
        opens_at = self.chain.now + dice.choice([0, 100, 300])
        return Report(number, manifest.digest, SumTree(shares), shares, opens_at)

    def mood(self) -> None:
        """A work is held, or no longer; or somebody refuses what is sent."""
        if self.dice.random() < 0.5:
            super().mood()
        elif self.chain.held:
            self.chain.held.clear()
        else:
            self.chain.held.add(self.dice.randrange(len(PEOPLE)))

    def quieten(self) -> None:
        super().quieten()
        self.chain.held.clear()

    def owed(self) -> list[str]:
        chain = self.chain
        members = [f"member {member}" for member in range(len(PEOPLE)) if chain.owed(member)]
        leaves = [
            f"leaf {place} of report {report.number}"
            for report in chain.reports
            for place, share in enumerate(report.shares)
            if share.amount and (report.number, place) not in chain.claimed()
        ]
        return [*super().owed(), *members, *leaves]

    def judge_end(self) -> None:
        super().judge_end()
        chain = self.chain
        assert len(chain.claimed()) == len(set(chain.claimed())), "a leaf was paid twice"
        promised = chain.sales * PRICE * len(PEOPLE) + sum(report.total for report in chain.reports)
        promised += sum(chain.credits.values())
        assert sum(chain.withdrawn(account) for account in PEOPLE) == promised
        kinds = self.database.read("SELECT kind, count(*) AS n FROM actions WHERE state = 'final' GROUP BY kind")
        for row in kinds:
            self.counts[row["kind"]] += int(row["n"])


__all__ = ["IncomeDrill"]
