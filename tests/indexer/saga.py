# SPDX-License-Identifier: Apache-2.0
"""A saga in which every event that the index understands happens on a chain with the real contracts.

Each act is one part of the protocol; the people are named by what they do. Random people (`World.random_step`) reach a
part of all this only; here nothing is left to chance.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from ipto.attestations import schema_digest
from ipto.disputes import Effect, Outcome, remedy
from ipto.documents import canonical
from ipto.ids import (
    address_account,
    dataset_id,
    invited_account,
    license_id,
    offer_id,
    split_account,
    work_id,
)
from ipto.structs import (
    ETH,
    NEVER,
    ZERO32,
    ZERO_ADDRESS,
    Dataset,
    Offer,
    OfferFlag,
    Share,
    Unit,
    Usage,
    UsageLeaf,
    UsageReport,
    WorkInput,
)
from ipto.sum_tree import Share as Part
from ipto.sum_tree import SumTree
from ipto.typed_data import AcceptInvitation, RegisterWorks, TypedData, signed_actions_domain, vault_domain
from ipto.works import CulturalNotice
from tests.indexer.world import World

DAY = 86_400
COMMUNITY = "People of the River"
MONTH = 30 * DAY
GAS_LIMIT = 1_000_000


@dataclass
class Saga:
    """What happened, by name."""

    world: World
    works: dict[str, int] = field(default_factory=dict)
    offers: dict[str, Offer] = field(default_factory=dict)
    licenses: dict[str, int] = field(default_factory=dict)
    reports: dict[str, bytes] = field(default_factory=dict)
    dataset: Dataset | None = None
    model: bytes = ZERO32
    notice: bytes = canonical(CulturalNotice("a steward", "community", COMMUNITY, "a dance of spring").document())

    def __post_init__(self) -> None:
        people = self.world.people
        self.owner, self.creator, self.licensee, self.steward, self.challenger = people[:5]
        self.curator, self.developer, self.collector, self.attester = people[5:9]

    # ---- words ------------------------------------------------------------------------------------------

    def must(self, who: str, contract: str, function: str, *args: Any, value: int = 0) -> None:
        self.world.must(who, contract, function, *args, value=value)

    def ask(self, contract: str, function: str, *args: Any) -> Any:
        return self.world.contract(contract).call(function, *args)

    def address(self, contract: str) -> str:
        return self.world.deployment.address(contract)

    def register(self, name: str, **changes: Any) -> int:
        self.works[name] = work = self.world.register(self.creator, **changes)
        return work

    def post(self, name: str, work: str, **changes: Any) -> Offer:
        self.offers[name] = offer = self.world.post(self.creator, self.works[work], **changes)
        return offer

    def buy(self, name: str, offer: str, sale: int = 1, who: str | None = None) -> int:
        assert self.world.succeeded(self.world.mint(who or self.licensee, self.offers[offer])), offer
        self.licenses[name] = license_id(offer_id(self.offers[offer]), sale)
        return self.licenses[name]

    # ---- acts -------------------------------------------------------------------------------------------

    def catalog(self) -> None:
        """Works, their payees and stewards; offers, sales, transfers."""
        must, rng = self.must, self.world.rng
        split = self.world.split(self.creator)
        self.register("film", payee=split, steward=self.steward, cultural=rng.randbytes(32))
        self.register("clip")
        self.register("song")
        must(self.steward, "WorkRegistry", "accept_stewardship", self.steward, self.works["film"])
        digest = hashlib.sha256(self.notice).digest()
        must(self.steward, "WorkRegistry", "set_cultural", self.steward, self.works["film"], digest)
        must(self.creator, "WorkRegistry", "set_metadata", self.creator, self.works["film"], rng.randbytes(32))
        must(self.creator, "WorkRegistry", "approve_payee", self.creator, self.works["clip"], split)
        must(self.creator, "WorkRegistry", "set_payee", self.works["clip"], split)
        for paused in (True, False):
            must(self.owner, "WorkRegistry", "set_paused", paused)
            must(self.owner, "LicenseMarket", "set_paused", paused)
            must(self.owner, "DatasetMarket", "set_paused", paused)
        must(self.owner, "LicenseMarket", "set_fee", 125, self.collector)
        must(self.owner, "DatasetMarket", "set_fee", 75, self.collector)
        offer = self.post("plain", "film", price=1_000_003)
        must(self.steward, "LicenseMarket", "consent", self.steward, offer_id(offer))
        must(self.steward, "LicenseMarket", "revoke_consent", self.steward, offer_id(offer))
        must(self.steward, "LicenseMarket", "consent", self.steward, offer_id(offer))
        self.buy("plain", "plain")
        must(self.creator, "LicenseMarket", "withdraw_offer", offer)
        must(self.creator, "LicenseMarket", "post", offer)
        self.post("movable", "clip", flags=int(OfferFlag.TRANSFERABLE), usages=3, price=10**9, start_ms=5, end_ms=4_005)
        number = self.buy("moved", "movable")
        must(self.licensee, "LicenseMarket", "transferFrom", self.licensee, self.developer, number)
        self.post("sole", "song", flags=int(OfferFlag.EXCLUSIVE), usages=int(Usage.TRAIN | Usage.ADAPT), price=77)
        self.buy("sole", "sole")
        self.post("forever", "song", term=NEVER, price=5)
        must(self.steward, "WorkRegistry", "hand_over_stewardship", self.steward, self.works["film"], self.attester)

    def money(self) -> None:
        """Splits, withdrawals, redirections, an invitation, a receiving address."""
        must, world = self.must, self.world
        guest = world.chain.signers[9]
        invited = invited_account(guest.address)
        shares = sorted(
            [
                Share(address_account(self.creator), 500_000),
                Share(address_account(world.refuser), 200_000),
                Share(invited, 300_000),
            ],
            key=lambda share: share.account,
        )
        must(self.creator, "RoyaltyVault", "declare_split", shares, self.creator)
        split = split_account(shares, self.creator)
        must(self.creator, "RoyaltyVault", "credit", [split], [1_000_001], ETH, value=1_000_001)
        must(self.creator, "RoyaltyVault", "pay_out", shares, self.creator, ETH)
        must(self.creator, "RoyaltyVault", "withdraw", world.refuser, ETH)
        must(self.creator, "RoyaltyVault", "redirect", self.collector)
        domain = vault_domain(world.deployment.chain_id, self.address("RoyaltyVault"))
        message = AcceptInvitation(guest.address, self.developer, 2**40)
        signed = guest.sign_typed_data(TypedData(domain, message))
        must(self.challenger, "RoyaltyVault", "accept_invitation", guest.address, self.developer, 2**40, signed)
        must(self.challenger, "RoyaltyVault", "withdraw_invited", guest.address, ETH)
        receiver = self.ask("Receivers", "receiver_of", split)
        payment = {"from": self.creator, "to": receiver, "value": hex(5_000_001), "gas": hex(100_000)}
        world.receipt(str(world.chain.rpc.call("eth_sendTransaction", payment)))
        must(self.challenger, "Receivers", "flush", split, ETH)

    def bundle(self) -> None:
        """A dataset whose members come, go, come back and are thrown out; three sales, two collections."""
        must, rng = self.must, self.world.rng
        terms = rng.randbytes(32)
        common = {"flags": int(OfferFlag.BUNDLE), "usages": 3, "currency": ETH, "term": 365 * DAY, "terms": terms}
        for number in (1, 2, 3):
            self.register(f"part {number}")
            self.post(f"part {number}", f"part {number}", price=1_000 * number + 1, **common, **SHARED)
        self.dataset = Dataset(
            curator=self.curator, currency=ETH, usages=1, aspects=1, forbids=0, term=365 * DAY, curator_fee_bps=300,
            licensee=ZERO_ADDRESS, terms=terms, salt=rng.randbytes(32), **SHARED,
        )  # fmt: skip
        one, two, three = (self.offers[f"part {number}"] for number in (1, 2, 3))
        number = dataset_id(self.dataset)
        must(self.curator, "DatasetMarket", "open", self.dataset)
        must(self.curator, "DatasetMarket", "add", self.dataset, [one, two, three])
        self.buy_dataset("first", 1)
        must(self.creator, "DatasetMarket", "take_out", self.creator, number, two)
        self.buy_dataset("second", 2)
        must(self.challenger, "DatasetMarket", "collect", number, [one, two])
        must(self.curator, "DatasetMarket", "add", self.dataset, [two])
        must(self.creator, "LicenseMarket", "withdraw_offer", three)
        must(self.challenger, "DatasetMarket", "expel", number, three)
        self.buy_dataset("third", 3)
        must(self.challenger, "DatasetMarket", "collect", number, [two, three])

    def buy_dataset(self, name: str, sale: int) -> None:
        assert self.dataset is not None
        total, *_, state = self.ask("DatasetMarket", "quote", self.dataset)
        args = (self.dataset, self.licensee, self.world.bytes32(), total, state)
        self.must(self.licensee, "DatasetMarket", "mint", *args, value=total)
        self.licenses[name] = license_id(dataset_id(self.dataset), sale)

    def usage(self) -> None:
        """Models; reports that are paid, late, supplemented, final; shares that are claimed."""
        must, rng, settlement = self.must, self.world.rng, "UsageSettlement"
        market = self.address("LicenseMarket")
        card = rng.randbytes(32)
        must(self.developer, settlement, "register_model", self.developer, card)
        self.model = self.ask(settlement, "model_id", self.developer, card)
        must(self.developer, settlement, "commit_manifest", self.developer, self.model, rng.randbytes(32))
        offer = self.post("metered", "clip", flags=int(OfferFlag.ONE_MODEL), **SHARED)
        number = self.buy("metered", "metered")
        must(self.licensee, settlement, "authorize", self.licensee, market, number, self.developer, True)
        must(self.licensee, settlement, "bind_model", self.licensee, number, offer, self.model)
        self.report("first", "metered", 1, 90_001, wait=MONTH)
        self.report("late", "metered", 2, 70_000, wait=3 * MONTH)
        self.claim("first", "metered", 1, 90_001)
        self.report("final", "metered", 3, 0, wait=DAY, flags=1)
        # More money for what was reported: the final report still stands.
        self.report("supplement", "metered", 4, 5_000, wait=0)

    def report(self, name: str, license: str, number: int, total: int, *, wait: int, flags: int = 0) -> None:
        world, settlement = self.world, "UsageSettlement"
        through = self.ask(settlement, "ledger_of", self.address("LicenseMarket"), self.licenses[license])[0]
        if wait:
            through = world.chain.travel(wait)
        offer = self.offers[license]
        tree = SumTree([Part(offer_id(offer), 0, total)]) if total else None
        report = UsageReport(
            license=self.licenses[license], model=self.model, number=number, through=through, flags=flags,
            total=total, root=tree.root if tree else ZERO32, manifest=world.bytes32(),
        )  # fmt: skip
        self.must(self.developer, settlement, "report", offer, report, value=total)
        market = self.address("LicenseMarket")
        self.reports[name] = self.ask(settlement, "report_id", market, self.licenses[license], number)

    def claim(self, name: str, license: str, number: int, total: int) -> None:
        opens_at = self.ask("UsageSettlement", "report_of", self.reports[name])[2]
        self.world.chain.travel(max(1, opens_at - self.world.chain.now() + 1))
        leaf = UsageLeaf(index=0, spell=0, amount=total, offer=self.offers[license])
        args = (self.address("LicenseMarket"), self.licenses[license], number, 1, [leaf], [])
        self.must(self.challenger, "UsageSettlement", "claim", *args)

    # ---- disputes ---------------------------------------------------------------------------------------

    def open_case(
        self, effect: Effect, target: str, subject: int, number: int = 0, *, days: int = 0, market: str = ""
    ) -> int:
        bond = self.ask("DisputeResolver", "BOND") + days * self.ask("DisputeResolver", "RENT_PER_DAY")
        where = self.address(market) if market else ZERO_ADDRESS
        args = (int(effect), self.address(target), where, subject, number, days, self.world.bytes32())
        self.must(self.challenger, "DisputeResolver", "open_case", *args, value=bond)
        return self.cases()

    def cases(self) -> int:
        return int(self.ask("DisputeResolver", "cases"))

    def rule(self, case: int, outcome: Outcome, what: bytes = ZERO32) -> None:
        resolver = self.address("DisputeResolver")
        _, members, quorum = self.ask("PanelArbiter", "panel_of", resolver, case)
        for member in members[:quorum]:
            self.must(member, "PanelArbiter", "vote", resolver, case, int(outcome), what, self.world.bytes32())

    def execute(self, case: int) -> None:
        self.world.chain.travel(7 * DAY + 1)
        self.must(self.challenger, "DisputeResolver", "execute", case)

    def answer(self, case: int, who: str) -> None:
        bond = self.ask("DisputeResolver", "BOND")
        self.must(who, "DisputeResolver", "answer", case, self.world.bytes32(), value=bond)
        self.must(self.challenger, "DisputeResolver", "refer", case)

    def disputes(self) -> None:
        """A claim that moves, a steward that is named, licenses that end, a case withdrawn."""
        resolver = self.address("DisputeResolver")
        moved = self.open_case(Effect.MOVE_CLAIM, "WorkRegistry", self.works["song"], days=10, market="LicenseMarket")
        self.must(self.attester, "DisputeResolver", "submit_evidence", self.attester, moved, self.world.bytes32())
        self.answer(moved, self.creator)
        self.must(self.owner, "PanelArbiter", "vote_hold", resolver, moved, True)
        self.must(self.owner, "PanelArbiter", "vote_hold", resolver, moved, False)
        self.rule(moved, Outcome.FOR_OPENER, remedy(self.world.chain.now()))
        self.must(self.owner, "PanelArbiter", "share_fee", resolver, moved)
        self.execute(moved)
        named = self.open_case(Effect.NAME_STEWARD, "WorkRegistry", self.works["clip"])
        self.answer(named, self.creator)
        self.rule(named, Outcome.FOR_OPENER)
        self.execute(named)
        for market, name in (("LicenseMarket", "moved"), ("DatasetMarket", "second")):
            holder = self.ask(market, "ownerOf", self.licenses[name])
            ended = self.open_case(Effect.END_LICENSE, market, self.licenses[name])
            self.answer(ended, holder)
            self.rule(ended, Outcome.FOR_OPENER)
            self.execute(ended)
        withdrawn = self.open_case(Effect.MOVE_CLAIM, "WorkRegistry", self.works["part 1"], days=5)
        self.world.chain.travel(DAY)
        self.must(self.challenger, "DisputeResolver", "withdraw_case", withdrawn)
        self.must(
            self.owner, "PanelArbiter", "set_panel", sorted([self.owner, self.attester], key=lambda a: int(a, 16)), 2
        )

    def challenged_reports(self) -> None:
        """Reports held, voided, corrected and restated; the final one too."""
        self.register("reel")
        offer = self.post("disputed", "reel", **SHARED)
        number = self.buy("disputed", "disputed")
        self.licenses["disputed"], self.model = number, ZERO32
        self.developer = self.licensee
        self.report("voided", "disputed", 1, 30_000, wait=MONTH)
        self.void(1, days=3)
        market, root = self.address("LicenseMarket"), SumTree([Part(offer_id(offer), 0, 30_000)]).root
        args = (self.licensee, market, number, 1, root, self.world.bytes32())
        self.must(self.licensee, "UsageSettlement", "restate", *args)
        self.claim("voided", "disputed", 1, 30_000)
        self.report("corrected", "disputed", 2, 40_000, wait=MONTH)
        self.void(2, SumTree([Part(offer_id(offer), 0, 40_000)]).root)
        self.report("last", "disputed", 3, 1_000, wait=DAY, flags=1)
        self.void(3)

    def void(self, number: int, root: bytes = ZERO32, *, days: int = 0) -> None:
        case = self.open_case(
            Effect.VOID_REPORT, "UsageSettlement", self.licenses["disputed"], number, days=days, market="LicenseMarket"
        )
        self.answer(case, self.licensee)
        self.rule(case, Outcome.FOR_OPENER, root)
        self.execute(case)

    # ---- words given and signed -------------------------------------------------------------------------

    def statements(self) -> None:
        """Attestations, one taken back; signed actions, one that fails in a batch; the gate is closed."""
        subject = self.works["film"].to_bytes(32)
        for name in ("rights-checked", "community-claim"):
            args = (self.attester, subject, schema_digest(name), self.world.bytes32())
            self.must(self.attester, "Attestations", "attest", *args)
        taken_back = self.ask("Attestations", "attestation_id", self.attester, *args[1:])
        self.must(self.attester, "Attestations", "revoke", self.attester, taken_back)
        signer = self.world.chain.signers[1]
        work = WorkInput(self.world.bytes32(), self.world.bytes32(), ZERO32, ZERO32, ZERO_ADDRESS, 1_000, 1)
        message = RegisterWorks(
            actor=self.creator,
            registry=self.address("WorkRegistry"),
            vault=self.address("RoyaltyVault"),
            split=(),
            controller=ZERO_ADDRESS,
            works=(work,),
            nonce=5,
            deadline=2**40,
        )
        domain = signed_actions_domain(self.world.deployment.chain_id, self.address("SignedActions"))
        signed = signer.sign_typed_data(TypedData(domain, message))
        call = self.world.contract("SignedActions").encode("register_works", message, signed)
        self.must(self.challenger, "SignedActions", "execute_many", [call, call], [GAS_LIMIT] * 2)
        self.works["signed"] = work_id(self.creator, work.content)
        self.must(self.creator, "SignedActions", "cancel_nonce", 6)
        self.must(self.owner, "SignedActions", "close_gate")

    def unfinished(self) -> None:
        """Cases that run, their subjects on hold; of two orders the later one counts, and ends."""
        for held in (True, False, True):
            case = self.open_case(Effect.MOVE_CLAIM, "WorkRegistry", self.works["part 3"])
            self.answer(case, self.creator)
            for member in (self.owner, self.attester):
                self.must(member, "PanelArbiter", "vote_hold", self.address("DisputeResolver"), case, True)
            if not held:
                for member in (self.owner, self.attester):
                    self.must(member, "PanelArbiter", "vote_hold", self.address("DisputeResolver"), case, False)
        running = self.open_case(Effect.MOVE_CLAIM, "WorkRegistry", self.works["part 2"])
        rent = 20 * self.ask("DisputeResolver", "RENT_PER_DAY")
        self.must(self.challenger, "DisputeResolver", "ask_hold", running, 20, value=rent)


# Income that is shared as it comes; the same for members of a dataset as for the dataset.
SHARED: dict[str, Any] = {
    "revenue_share_bps": 500,
    "unit": int(Unit.NONE),
    "unit_price": 0,
    "report_every": MONTH,
    "after_term": 1,
}


def tell(world: World) -> Saga:
    """The whole saga, on a chain that nobody used yet."""
    saga = Saga(world)
    for act in (
        saga.catalog, saga.money, saga.bundle, saga.usage, saga.disputes, saga.challenged_reports, saga.statements,
        saga.unfinished,
    ):  # fmt: skip
        act()
    return saga
