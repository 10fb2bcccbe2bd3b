# SPDX-License-Identifier: Apache-2.0
"""kill -9 of relayer and indexer in the middle of the demo: it completes, and everything happened once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from threading import Thread

import pytest

from ipto import media
from ipto.client import Prepared
from ipto.demo import Demo
from ipto.ids import offer_id
from ipto.stack import Stack


class Story:
    """A run of the demo on a stack, and what interrupts it."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.said: list[str] = []
        self.crashes: list[str] = []
        self._watch: list[tuple[str, Callable[[], None]]] = []
        self._resuming: list[Thread] = []
        self.demo = Demo(stack, media.sample_path(), self._hear, own_video=False, works=45)

    def crash_at(self, line: str, service: str, *, down_for: float) -> None:
        """Kill a service when the demo says a line that starts so; it is down while the demo goes on."""

        def crash() -> None:
            for thread in self._resuming:
                thread.join()
            self.stack.crash(service)
            self.crashes.append(service)
            thread = Thread(target=self._resume, args=(service, down_for))
            thread.start()
            self._resuming.append(thread)

        self._watch.append((line, crash))

    def _resume(self, service: str, down_for: float) -> None:
        time.sleep(down_for)
        self.stack.resume(service)

    def _hear(self, text: str) -> None:
        self.said.append(text)
        if self._watch and text.strip().startswith(self._watch[0][0]):
            _, action = self._watch.pop(0)
            action()

    def onboarding(self) -> Prepared:
        """Run the first two steps."""
        prepared = self.demo.describe()
        self.demo.onboard(prepared)
        return prepared

    def rest(self, prepared: Prepared) -> None:
        """Run the others; the demo itself checks the money."""
        self.demo.license_all(prepared)
        self.demo.pay(prepared)
        self.demo.read_back(prepared)
        self.demo.verify()
        assert not self._watch, f"never said: {self._watch[0][0]}"

    def check_one_effect_each(self, prepared: Prepared) -> None:
        """On chain: one registration, each offer posted once, one license for each sale, one signed action."""
        offers = [int.from_bytes(offer_id(offer), "big") for offer in prepared.offers]
        actor = int(prepared.message.actor, 16)
        assert self._count("WorkRegistry", "WorkRegistered", prepared.work) == 1
        assert [self._count("LicenseMarket", "OfferPosted", offer) for offer in offers] == [1, 1]
        assert self._count("SignedActions", "ActionExecuted", actor) == 1
        sold = [self._licenses(offer) for offer in offers]
        assert sold == [2, 1]
        shown = self.demo.indexer.get("licenses", work=str(prepared.work))["items"]
        assert len(shown) == 3
        # What the indexer's database says of the money is what the chain says; the demo has compared the latter.
        earned = self.demo.indexer.get(f"works/{prepared.work}/earnings")["sales"]
        assert sorted(sale["licenses"] for sale in earned) == [1, 2]

    def _licenses(self, offer: int) -> int:
        market = self.stack.deployment.contract("LicenseMarket", self.stack.chain.rpc)
        return int(market.call("offer_status", offer.to_bytes(32, "big"))[1])

    def _count(self, contract: str, event: str, subject: int) -> int:
        found = self.stack.deployment.contract(contract)
        query = {
            "address": found.address,
            "fromBlock": "0x0",
            "topics": ["0x" + found.abi.event(event).topic.hex(), f"0x{subject:064x}"],
        }
        return len(self.stack.chain.rpc.call("eth_getLogs", query))

    def close(self) -> None:
        """Leave every service running."""
        for thread in self._resuming:
            thread.join()
        self.demo.close()


@pytest.fixture
def story(stack: Stack) -> Iterator[Story]:
    running = Story(stack)
    yield running
    running.close()


def test_the_relayer_dies_right_after_it_accepted(stack: Stack, story: Story) -> None:
    prepared = story.demo.describe()
    first = story.demo.creator.hand_in(prepared, story.demo.relayer)
    stack.crash("relayer")
    stack.resume("relayer")
    # Nobody knows whether it was accepted, so it is handed in again.
    again = story.demo.creator.hand_in(prepared, story.demo.relayer)
    assert again == first
    story.demo.onboard(prepared)
    story.rest(prepared)
    story.check_one_effect_each(prepared)


@pytest.mark.parametrize("mined", ["while it is dead", "after it came back"])
def test_the_relayer_dies_with_a_transaction_sent(stack: Stack, story: Story, mined: str) -> None:
    prepared = story.demo.describe()
    stack.chain.set_automine(False)
    try:
        action = story.demo.creator.hand_in(prepared, story.demo.relayer)
        deadline = time.monotonic() + 30
        while story.demo.relayer.action(action)["state"] != "sent":
            assert time.monotonic() < deadline
            time.sleep(0.02)
        stack.crash("relayer")
        if mined == "while it is dead":
            stack.chain.mine()
            stack.resume("relayer")
        else:
            stack.resume("relayer")
            stack.chain.mine()
    finally:
        stack.chain.set_automine(True)
    story.demo.onboard(prepared)
    story.rest(prepared)
    story.check_one_effect_each(prepared)


@pytest.mark.slow
def test_both_die_again_and_again_between_and_in_the_steps(story: Story) -> None:
    story.crash_at("transaction", "indexer", down_for=0.3)  # onboarded; the buyers want to read offers
    story.crash_at("read", "relayer", down_for=0)  # before the sales
    story.crash_at("license", "indexer", down_for=0)  # sold one
    story.crash_at("relayer", "relayer", down_for=0.3)  # the gasless purchase was handed in
    story.crash_at("5. The indexer answers", "indexer", down_for=0.3)  # everyone is paid
    prepared = story.onboarding()
    story.rest(prepared)
    assert story.crashes == ["indexer", "relayer", "indexer", "relayer", "indexer"]
    story.check_one_effect_each(prepared)
