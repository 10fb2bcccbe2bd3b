# SPDX-License-Identifier: Apache-2.0
"""The main job, end to end, on real parts: `ipto demo`.

Everybody in it is made up for the run: their keys are drawn at random and forgotten. The film, the documents, the
signatures, the contracts and the money's way are what they are in production.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ipto import media, works
from ipto._demo_dataset import license_dataset
from ipto._demo_stage import Stage
from ipto._demo_usage import report_usage
from ipto.accounts import LocalSigner
from ipto.chain import Contract, Deployment
from ipto.client import (
    Contribution,
    Creator,
    Licensee,
    OfferPlan,
    Prepared,
    currencies,
    license_in,
    party_digest,
    pay_out,
)
from ipto.content import Cid, LocalStore
from ipto.errors import IptoError
from ipto.indexer_api import Amount
from ipto.indexer_api import Offer as Listed
from ipto.quantities import ETHER, Currency, describe_scene, format_amount
from ipto.rpc import Rpc
from ipto.services import Indexer, Relayer
from ipto.stack import Stack
from ipto.structs import ETH, Offer
from ipto.verification import utc, verify_license

__all__ = ["WORKS", "DemoError", "run"]

Say = Callable[[str], None]
WORKS = 1_000  # in the demo's dataset
_PATIENCE = 30.0  # seconds a service may take to start again
_CREDIT_LINE = "© 2008 Blender Foundation / www.bigbuckbunny.org (CC BY 3.0)"


# Declared by people, never inferred: in a film of your own, by you.
_NOTICE = works.CulturalNotice(
    declared_by="Ada Lindqvist",
    capacity="creator",
    community="Makers of open movies",
    context="Made as an open movie: the film and all that went into it were given to everyone, with credit.",
    attribution=_CREDIT_LINE,
    guidelines=("Keep the credit line wherever a frame is shown.",),
)


class DemoError(IptoError, AssertionError):
    """Something did not come out as it must; the text says what."""


@dataclass(slots=True)
class Cast:
    """The people and companies of the demo, by role."""

    creator: LocalSigner
    animator: LocalSigner
    composer: LocalSigner
    studio: LocalSigner  # pays in a stablecoin, from its own account
    collector: LocalSigner  # a wallet that pays in ETH
    startup: LocalSigner  # has the stablecoin and no ETH at all
    lab: LocalSigner  # licenses a dataset and reports what it earns with it
    keeper: LocalSigner  # anyone who pays the gas of a payout


@dataclass(slots=True)
class Sale:
    """One license of the demo."""

    license: int
    offer: Offer
    how: str


class Demo:
    """One run, step by step. Each step prints what happened and checks that it is true."""

    def __init__(self, stack: Stack, video: Path, say: Say, *, own_video: bool, works: int) -> None:
        self.stack, self.video, self.say, self.own_video, self.works = stack, video, say, own_video, works
        self.deployment: Deployment = stack.deployment
        self.rpc: Rpc = stack.chain.rpc
        self.store = LocalStore(Path(stack.addresses.content))
        self.indexer = Indexer(stack.addresses.indexer, patience=_PATIENCE)
        self.relayer = Relayer(stack.addresses.relayer, patience=_PATIENCE)
        self.usd = next(item for item in currencies(self.deployment) if item.symbol != "ETH")
        self.cast = self._cast()
        self.people: tuple[Contribution, ...] = (
            Contribution("Ada Lindqvist", "director", self.cast.creator.address, 500_000),
            Contribution("Kofi Mensah", "animator", self.cast.animator.address, 300_000),
            Contribution("Mei Tanaka", "composer", self.cast.composer.address, 200_000),
        )
        self.sales: list[Sale] = []

    def run(self) -> None:
        """All steps in order. Raises IptoError when one fails."""
        prepared = self.describe()
        self.onboard(prepared)
        self.license_all(prepared)
        self.pay(prepared)
        self.read_back(prepared)
        self.verify()
        self.many_works()

    def close(self) -> None:
        """End the connections."""
        self.indexer.close()
        self.relayer.close()

    # ---- steps -----------------------------------------------------------------------------------------------------

    def describe(self) -> Prepared:
        """File → properties, poster, digest, documents, CIDs."""
        self._heading("1. The film is read and described")
        creator = Creator(self.cast.creator, self.deployment, self.store)
        film = creator.study(self.video)
        facts = film.properties
        self._line("file", f"{_printable(self.video.name)}, {facts.size:,} bytes")
        self._line(
            "video",
            f"{facts.duration_ms / 1000:.2f} s, {facts.width}×{facts.height}, {facts.codec} in "
            f"{facts.container}, {facts.frame_rate} frames a second",
        )
        self._line("SHA-256", facts.sha256.hex())
        self._line("CID", f"{facts.cid} ({facts.cid_profile})")
        self._line("poster", f"{film.poster_cid} ({len(film.poster):,} bytes)")
        title = _printable(self.video.stem).replace("_", " ") if self.own_video else "Big Buck Bunny (clip)"
        scene = (0, min(2_000, facts.duration_ms))
        prepared = creator.prepare(
            film,
            title=title,
            people=self.people,
            credit_line=None if self.own_video else _CREDIT_LINE,
            rights=works.RightsReservation(statement="Use for AI only with a license from this registry."),
            cultural=None if self.own_video else _NOTICE,
            plans=[
                OfferPlan("train-nonexclusive-1y", 25 * 10**self.usd.decimals, self.usd),
                OfferPlan("inference-scene", 10**16, ETHER, scene),
            ],
        )
        self.creator, self.film = creator, film
        names = ["metadata", *([] if self.own_video else ["cultural notice"]), "terms 1", "terms 2"]
        for name, data in zip(names, prepared.documents, strict=True):
            self._line(name, f"{Cid.of_block(data)} ({len(data):,} bytes, canonical JSON)")
        return prepared

    def onboard(self, prepared: Prepared) -> None:
        """One signature, no gas."""
        self._heading("2. The creator signs once; the relayer pays the gas")
        before = self.rpc.balance(self.cast.creator.address)
        self._line("creator", f"{self.cast.creator.address}, balance {format_amount(before, ETHER)}")
        action = self.relayer.wait(self.creator.hand_in(prepared, self.relayer), self._state)
        self._expect(before == 0 == self.rpc.balance(self.cast.creator.address), "the creator has spent nothing")
        self._line("stored", f"film, poster and {len(prepared.documents)} documents, in {self.stack.addresses.content}")
        receipt = self.rpc.call("eth_getTransactionReceipt", action["transaction"])
        gas, price = int(receipt["gasUsed"], 16), int(receipt["effectiveGasPrice"], 16)
        self._line("signed", "one Onboard message: the work, a split for three people, two offers")
        self._line("gas", f"{gas:,}, paid by the relayer {receipt['from']}: {format_amount(gas * price, ETHER)}")
        self._line("transaction", action["transaction"])
        self._line("work", f"{prepared.work:#x}")
        for person in self.people:
            self._line("split", f"{person.share / 10_000:g} % {person.name} ({person.role}), {person.address}")
        for offer in prepared.offers:
            self._line(
                "offer",
                f"{format_amount(offer.price, self._currency(offer))}, {describe_scene(offer.start_ms, offer.end_ms)}",
            )

    def license_all(self, prepared: Prepared) -> None:
        """Three companies buy: in a stablecoin, in ETH, and without gas."""
        self._heading("3. Three companies license it")
        training, inference = self._read_offers(prepared)
        for buyer, name, answer, how in (
            (self.cast.studio, "Example Studio Ltd", training, "in the stablecoin, directly on chain"),
            (self.cast.collector, "Example Lab SA", inference, "in ETH, by a wallet"),
        ):
            licensee = Licensee(buyer, self.deployment, self.rpc)
            agreement = licensee.agree(answer)
            license, receipt = licensee.mint(agreement, party_digest(name)[0])
            gas = f"gas {receipt.gas_used:,}, paid by the buyer {buyer.address}"
            self._sold(license, agreement.offer, f"{name}, {how}", gas)
        startup = Licensee(self.cast.startup, self.deployment, self.rpc)
        agreement = startup.agree(training)
        order = startup.authorize(agreement, party_digest("Example Startup GmbH")[0])
        action = self.relayer.wait(self.relayer.purchase(order), self._state)
        self._expect(self.rpc.balance(self.cast.startup.address) == 0, "the startup has never held ETH")
        logs = self.rpc.call("eth_getTransactionReceipt", action["transaction"])["logs"]
        how = "Example Startup GmbH, by a payment authorization (EIP-3009)"
        self._sold(license_in(startup.market, logs), agreement.offer, how, "gas paid by the relayer")

    def pay(self, prepared: Prepared) -> None:
        """The split is paid out, to the last unit."""
        self._heading("4. Everyone is paid")
        vault = self.deployment.contract("RoyaltyVault", self.rpc)
        for currency in (self.usd, ETHER):
            income = sum(sale.offer.price for sale in self.sales if sale.offer.currency == currency.address)
            booked = vault.call("balance_of", prepared.payee, currency.address)
            self._expect(booked == income, f"the vault has booked {booked}, the licenses brought {income}")
            before = [self._balance(person.address, currency) for person in self.people]
            receipt = pay_out(
                self.rpc, self.deployment, self.cast.keeper, prepared.split, prepared.controller, currency.address
            )
            self._line(
                "payout", f"{format_amount(income, currency)} of licenses, gas {receipt.gas_used:,} paid by a keeper"
            )
            paid = 0
            for person, had in zip(self.people, before, strict=True):
                has = self._balance(person.address, currency)
                paid += has - had
                self._line(person.name, f"{format_amount(had, currency)} → {format_amount(has, currency)}")
            left = vault.call("balance_of", prepared.payee, currency.address)
            self._expect(paid + left == income, f"{paid} paid and {left} left make {income}")
            self._line(
                "sum",
                f"{format_amount(paid, currency)} paid + {format_amount(left, currency)} left over = "
                f"{format_amount(income, currency)}, to the last unit",
            )

    def read_back(self, prepared: Prepared) -> None:
        """What the indexer's API says of all this."""
        self._heading("5. The indexer answers")
        base = self.stack.addresses.indexer
        path = f"works/{prepared.work}"
        work = self.indexer.wait_for(path, lambda answer: answer["metadata"]["state"] == "resolved")
        self._line("work", f"“{work['metadata']['title']}”, metadata {work['metadata']['state']}: {base}/v1/{path}")
        offers = self.indexer.list_offers(work=str(prepared.work))["items"]
        self._line("offers", f"{len(offers)}, of them {sum(item['live'] for item in offers)} live")
        licenses = self.indexer.wait_for(
            f"licenses?work={prepared.work}", lambda answer: len(answer["items"]) == len(self.sales)
        )["items"]
        self._line("licenses", ", ".join(item["id_hex"][:12] + "…" for item in licenses))
        split = f"splits/0x{prepared.payee.hex()}"
        shown = self.indexer.wait_for(split, lambda answer: all(len(r["received"]) == 2 for r in answer["recipients"]))
        names = {person.address: person.name for person in self.people}
        for recipient in shown["recipients"]:
            sums = [self._amount(item["amount"]) for item in recipient["received"]]
            self._line("earned", f"{names[recipient['account']['address']]}: {' and '.join(sums)}")

    def verify(self) -> None:
        """Proof for an auditor: chain, documents by digest, and the file itself."""
        self._heading("6. An auditor verifies the first license")
        sale = self.sales[0]
        report = verify_license(
            sale.license,
            self.deployment,
            self.rpc,
            self.store,
            currencies=currencies(self.deployment),
            file=self.video,
        )
        for check in report.checks:
            self._line("holds" if check.holds else "FAILS", f"{check.name} ({check.detail})")
        self._expect(report.holds, "every check holds")
        self.say("")
        for line in report.summary.splitlines():
            self.say(f"   {line}")
        until = "for ever" if report.expires_at is None else f"until {utc(report.expires_at)}"
        self._line("therefore", f"{report.holder} may use this very file as said, {until}")

    def many_works(self) -> None:
        """A dataset licensed in one transaction; then its use reported, and everybody in it paid, by one digest."""
        stage = Stage(
            chain=self.stack.chain,
            deployment=self.deployment,
            rpc=self.rpc,
            store=self.store,
            currency=self.usd,
            licensee=self.cast.lab,
            keeper=self.cast.keeper,
            line=self._line,
            expect=self._expect,
        )
        self._heading(f"7. {self.works:,} works are licensed in one transaction")
        license = license_dataset(stage, self.works)
        # Last, because it lets months pass on the chain.
        self._heading("8. Their use is reported, and every one of them is paid")
        report_usage(stage, license)

    # ---- helpers ---------------------------------------------------------------------------------------------------

    def _cast(self) -> Cast:
        keys = [LocalSigner.random() for _ in range(8)]
        cast = Cast(*keys)
        for role in (cast.studio, cast.collector, cast.lab, cast.keeper):
            self.stack.chain.set_balance(role.address, 10**19)
        token = Contract("TestUSD", self.usd.address, self.rpc)
        faucet = self.stack.chain.signers[0]
        for buyer in (cast.studio, cast.startup):
            token.send(faucet, "mint", buyer.address, 100 * 10**self.usd.decimals)
        return cast

    def _read_offers(self, prepared: Prepared) -> tuple[Listed, Listed]:
        """The two offers as the indexer's API shows them, in the order they were posted."""
        answer = self.indexer.wait_for(
            f"offers?work={prepared.work}&live=true", lambda answer: len(answer["items"]) == len(prepared.offers)
        )
        by_id = {item["id"]: self.indexer.get_offer(item["id"]) for item in answer["items"]}
        for item in by_id.values():
            self._line(
                "read", f"{self.stack.addresses.indexer}/v1/offers/{item['id'][:18]}…: {self._amount(item['price'])}"
            )
        training = next(item for item in by_id.values() if item["price"]["currency"] != ETH)
        inference = next(item for item in by_id.values() if item["price"]["currency"] == ETH)
        return training, inference

    def _sold(self, license: int, offer: Offer, how: str, gas: str) -> None:
        self.sales.append(Sale(license, offer, how))
        self._line("license", f"{license:#x}")
        self._line("paid", f"{format_amount(offer.price, self._currency(offer))} by {how}; {gas}")

    def _currency(self, offer: Offer) -> Currency:
        return ETHER if offer.currency == ETH else self.usd

    def _balance(self, address: str, currency: Currency) -> int:
        if currency is ETHER:
            return self.rpc.balance(address)
        return int(Contract("TestUSD", currency.address, self.rpc).call("balanceOf", address))

    def _amount(self, shown: Amount) -> str:
        currency = ETHER if shown["currency"] == ETH else self.usd
        return format_amount(int(shown["amount"]), currency)

    def _state(self, state: str) -> None:
        self._line("relayer", state)

    def _heading(self, text: str) -> None:
        self.say("")
        self.say(text)

    def _line(self, name: str, text: str) -> None:
        self.say(f"   {name:<16} {text}")

    @staticmethod
    def _expect(holds: bool, what: str) -> None:
        if not holds:
            raise DemoError(f"this should be true and is not: {what}")


def run(
    video: Path | None,
    home: Path,
    say: Say,
    *,
    works: int = WORKS,
    hold: Callable[[Stack], None] | None = None,
) -> None:
    """Bring a stack up in `home`, run every step, take it down again. hold: called before that, to keep it up.

    works: in the dataset.

    Raises IptoError, and what was started is ended, whatever happens.
    """
    started = time.monotonic()
    source = video or media.sample_path()
    media.probe(source)  # a file that is no video is refused before anything starts
    with Stack(home, say=lambda text: say(f"   {text} …")) as stack:
        say("")
        demo = Demo(stack, source, say, own_video=video is not None, works=works)
        try:
            demo.run()
        finally:
            demo.close()
        say("")
        say(f"All of it is true and took {time.monotonic() - started:.0f} s.")
        if hold is not None:
            hold(stack)


def _printable(name: str) -> str:
    """A file's name without what no document or terminal should hold: control characters, undecodable bytes."""
    return "".join(character if character.isprintable() else "_" for character in name)
