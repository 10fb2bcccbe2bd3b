# SPDX-License-Identifier: Apache-2.0
"""Fills a development chain with a deterministic catalog: works, splits, offers, sales, payouts.

Many accounts act at once and their transactions go out in batches. On a chain that has a part of the catalog already,
only the rest is added. Everything in it is invented and every key public: for development chains only.
"""

from __future__ import annotations

import hashlib
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from ipto import ids
from ipto._catalog import CatalogWork, account, catalog
from ipto.accounts import LocalSigner, Signer
from ipto.chain import Deployment, RevertedError, TransactionTimeoutError, abi, call_data, send
from ipto.content import ContentStore
from ipto.errors import InputError
from ipto.quantities import ETHER, Currency
from ipto.rpc import Call, Rpc, RpcError, quantity
from ipto.structs import ETH, NEVER, Offer
from ipto.typed_data import Onboard, TypedData, signed_actions_domain

__all__ = ["Seeded", "seed"]

_SUBMITTERS = 8
_BUYERS = 8
_BATCH = 50  # transactions in one request
_RECEIPT_SECONDS = 120.0
_STALL_SECONDS = 3.0  # without one being mined
# Gas limits, generous; what is not used is not paid.
_ONBOARD_GAS = 300_000
_OFFER_GAS = 90_000
_SHARE_GAS = 30_000
_MINT_GAS = 400_000
_PAY_OUT_GAS = 200_000
_PERSON_GAS = 120_000
_TOKEN_GAS = 120_000
# The highest fee a license may carry on top, in basis points.
_MAX_FEE_BPS = 250

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Seeded:
    """What was added."""

    works: int
    offers: int
    licenses: int
    payouts: int
    transactions: int
    skipped: int  # works that were there already


@dataclass(frozen=True, slots=True)
class _Transaction:
    sender: LocalSigner
    to: str
    data: bytes
    gas: int
    value: int = 0


@dataclass(frozen=True, slots=True)
class _Sent:
    """A transaction on its way, under each hash it went out with."""

    item: _Transaction
    nonce: int
    hashes: list[str]


def seed(
    rpc: Rpc,
    deployment: Deployment,
    funder: Signer,
    *,
    works: int,
    number: int = 1,
    store: ContentStore | None = None,
    report: Callable[[str], None] = lambda _: None,
) -> Seeded:
    """Add a catalog of `works` works to a development chain.

    funder: pays for everything. number: which catalog. store: gets the documents, so that digests can be resolved.
    report: called with one line of progress at a time. Raises InputError without the test stablecoin: no other chain
    is to be filled with invented works.
    """
    if works < 0:
        raise InputError("the number of works must not be negative")
    if "TestUSD" not in deployment.contracts:
        raise InputError("a catalog needs the test stablecoin; deploy with --test-token, on a development chain")
    token = next(item for item in deployment.tokens.values() if item.address == deployment.address("TestUSD"))
    currencies = (Currency(token.symbol, token.address, token.decimals), ETHER)
    seeding = _Seeding(rpc, deployment, funder, number)
    everything = list(catalog(number, works, currencies, _BUYERS))
    missing = seeding.missing(everything)
    seeding.fund(missing)
    report(f"registering {len(missing)} works")
    for part in _parts(missing, _BATCH):
        if store is not None:
            for item in part:
                store.put(item.film)
                for document in item.documents:
                    store.put_document(document)
        seeding.onboard(part)
    licenses = seeding.buy(missing)
    report(f"{licenses} licenses sold")
    payouts = seeding.pay_out(missing)
    report(f"{payouts} accounts paid out")
    offers = sum(len(item.offers) for item in missing)
    return Seeded(len(missing), offers, licenses, payouts, seeding.sent, works - len(missing))


class _Seeding:
    """The accounts that act, and their nonces."""

    def __init__(self, rpc: Rpc, deployment: Deployment, funder: Signer, number: int) -> None:
        self.rpc, self.deployment, self.funder, self.number = rpc, deployment, funder, number
        self.submitters = [account(number, "submitter", n) for n in range(_SUBMITTERS)]
        self.buyers = [account(number, "buyer", n) for n in range(_BUYERS)]
        self.sent = 0
        everyone = [*self.submitters, *self.buyers]
        counts = rpc.batch([("eth_getTransactionCount", [signer.address, "latest"]) for signer in everyone])
        self._nonces = {signer.address: quantity(count) for signer, count in zip(everyone, counts, strict=True)}

    def missing(self, works: Sequence[CatalogWork]) -> list[CatalogWork]:
        """The works that are not registered yet."""
        found: list[CatalogWork] = []
        for part in _parts(works, _BATCH):
            calls = [self._call("WorkRegistry", "work_of", item.id) for item in part]
            answers = self.rpc.try_batch(calls)
            found += [item for item, answer in zip(part, answers, strict=True) if isinstance(answer, RpcError)]
        return found

    def fund(self, works: Sequence[CatalogWork]) -> None:
        """Give everyone what they will need, stablecoins included."""
        if not works:
            return
        price, _ = self._fees()
        # The base fee may rise while we work.
        price *= 2
        gas = sum(_onboard_gas(item) + _pay_out_gas(item) for item in works) // _SUBMITTERS + 5_000_000
        wanted = {signer.address: gas * price for signer in self.submitters}
        dollars: dict[int, int] = defaultdict(int)
        for n, buyer in enumerate(self.buyers):
            bought = [item.offers[sale.offer] for item in works for sale in item.sales if sale.buyer == n]
            ether = sum(_with_fee(offer.price) for offer in bought if offer.currency == ETH)
            dollars[n] = sum(_with_fee(offer.price) for offer in bought if offer.currency != ETH)
            wanted[buyer.address] = ether + (len(bought) * _MINT_GAS + 10 * _TOKEN_GAS) * price
        for address, amount in wanted.items():
            if (lacking := amount - self.rpc.balance(address)) > 0:
                send(self.rpc, self.funder, address, value=lacking, what="funding the catalog's accounts")
        usd, market = self.deployment.address("TestUSD"), self.deployment.address("LicenseMarket")
        self._send(
            [
                _Transaction(buyer, usd, call_data("TestUSD", function, *arguments), _TOKEN_GAS)
                for n, buyer in enumerate(self.buyers)
                for function, arguments in (
                    ("mint", (buyer.address, dollars[n])),
                    ("approve", (market, 2**256 - 1)),
                )
            ]
        )

    def onboard(self, works: Sequence[CatalogWork]) -> None:
        """Register works with their splits and offers, as a relayer would."""
        address = self.deployment.address
        domain = signed_actions_domain(self.deployment.chain_id, address("SignedActions"))
        transactions = []
        for item in works:
            message = Onboard(
                actor=item.creator.address,
                registry=address("WorkRegistry"),
                vault=address("RoyaltyVault"),
                market=address("LicenseMarket"),
                split=item.split,
                controller=item.controller,
                work=item.work,
                offers=item.offers,
                nonce=item.nonce,
                deadline=NEVER,
            )
            signature = item.creator.sign_typed_data(TypedData(domain, message))
            data = call_data("SignedActions", "onboard", message, signature)
            sender = self.submitters[item.number % _SUBMITTERS]
            transactions.append(_Transaction(sender, address("SignedActions"), data, _onboard_gas(item)))
        self._send(transactions)

    def buy(self, works: Sequence[CatalogWork]) -> int:
        """Sell the licenses of the catalog; how many."""
        sales = [(item.offers[sale.offer], sale.buyer) for item in works for sale in item.sales]
        market = self.deployment.address("LicenseMarket")
        for part in _parts(sales, _BATCH):
            quotes = self.rpc.batch([self._call("LicenseMarket", "quote", offer) for offer, _ in part])
            self._send([self._purchase(market, *sale, quote) for sale, quote in zip(part, quotes, strict=True)])
        return len(sales)

    def _purchase(self, market: str, offer: Offer, buyer: int, quote: str) -> _Transaction:
        total, _, acknowledged = abi("LicenseMarket").function("quote").decode_output(bytes.fromhex(quote[2:]))
        signer = self.buyers[buyer]
        party = hashlib.sha256(f"ipto seed {self.number} party {buyer}".encode()).digest()
        data = call_data("LicenseMarket", "mint", offer, signer.address, party, total, acknowledged)
        return _Transaction(signer, market, data, _MINT_GAS, total if offer.currency == ETH else 0)

    def pay_out(self, works: Sequence[CatalogWork]) -> int:
        """Pay out the proceeds of every third work; how many payouts. The others' wait in the vault."""
        vault = self.deployment.address("RoyaltyVault")
        calls: dict[tuple[bytes, str], tuple[bytes, int]] = {}
        for item in works:
            if item.number % 3:
                continue
            payee = item.work.payee if item.split else ids.address_account(item.creator.address)
            for currency in sorted({item.offers[sale.offer].currency for sale in item.sales}):
                if item.split:
                    data = call_data("RoyaltyVault", "pay_out", item.split, item.controller, currency)
                else:
                    data = call_data("RoyaltyVault", "withdraw", item.creator.address, currency)
                calls[payee, currency] = data, _pay_out_gas(item)
        transactions = [
            _Transaction(self.submitters[n % _SUBMITTERS], vault, data, gas)
            for n, (data, gas) in enumerate(calls.values())
        ]
        for part in _parts(transactions, _BATCH):
            self._send(part)
        return len(transactions)

    def _call(self, contract: str, function: str, *arguments: Any) -> Call:
        data = "0x" + call_data(contract, function, *arguments).hex()
        return "eth_call", [{"to": self.deployment.address(contract), "data": data}, "latest"]

    def _fees(self) -> tuple[int, int]:
        """The most to be paid for a unit of gas, and how much of it as a tip; wei."""
        block, tip = self.rpc.batch([("eth_getBlockByNumber", ["latest", False]), ("eth_maxPriorityFeePerGas", [])])
        return 2 * quantity(block["baseFeePerGas"]) + quantity(tip), quantity(tip)

    def _send(self, transactions: Sequence[_Transaction]) -> None:
        """Send them all and wait for all. Raises RevertedError for the first that failed."""
        price, tip = self._fees()
        waiting: dict[tuple[str, int], _Sent] = {}
        for item in transactions:
            nonce = self._nonces[item.sender.address]
            self._nonces[item.sender.address] = nonce + 1
            waiting[item.sender.address, nonce] = _Sent(item, nonce, [])
        first = [(entry, self._raw(entry, price, tip)) for entry in waiting.values()]
        answers = self.rpc.batch([("eth_sendRawTransaction", [raw]) for _, raw in first])
        for (entry, _), tx_hash in zip(first, answers, strict=True):
            entry.hashes.append(str(tx_hash))
        self.sent += len(answers)
        deadline = time.monotonic() + _RECEIPT_SECONDS
        progress = time.monotonic()
        while waiting:
            watched = [(key, tx_hash) for key, entry in waiting.items() for tx_hash in entry.hashes]
            receipts = self.rpc.batch([("eth_getTransactionReceipt", [tx_hash]) for _, tx_hash in watched])
            for (key, tx_hash), receipt in zip(watched, receipts, strict=True):
                if receipt is None:
                    continue
                if quantity(receipt["status"]) != 1:
                    raise RevertedError(None, "a transaction of the catalog", tx_hash)
                waiting.pop(key, None)
                progress = time.monotonic()
            if not waiting:
                return
            if time.monotonic() > deadline:
                lost = next(iter(waiting.values()))
                raise TransactionTimeoutError(f"{len(waiting)} transactions were not mined in time", lost.hashes[0])
            if time.monotonic() - progress > _STALL_SECONDS:
                price, tip = price * 5 // 4, tip * 5 // 4 + 1
                self._replace(waiting.values(), price, tip)
                progress = time.monotonic()
            time.sleep(0.1)

    def _replace(self, waiting: Iterable[_Sent], price: int, tip: int) -> None:
        """Send each sender's next transaction again at a higher fee: nodes that mine at once sometimes park one."""
        lowest: dict[str, _Sent] = {}
        for entry in waiting:
            lowest.setdefault(entry.item.sender.address, entry)
        calls = [("eth_sendRawTransaction", [self._raw(entry, price, tip)]) for entry in lowest.values()]
        for entry, answer in zip(lowest.values(), self.rpc.try_batch(calls), strict=True):
            if not isinstance(answer, RpcError):  # one that was mined meanwhile is refused
                entry.hashes.append(str(answer))

    def _raw(self, entry: _Sent, price: int, tip: int) -> str:
        item = entry.item
        raw = item.sender.sign_transaction(
            {
                "type": 2,
                "chainId": self.deployment.chain_id,
                "nonce": entry.nonce,
                "to": item.to,
                "value": item.value,
                "gas": item.gas,
                "maxFeePerGas": price,
                "maxPriorityFeePerGas": tip,
                "data": "0x" + item.data.hex(),
            }
        )
        return "0x" + raw.hex()


def _onboard_gas(item: CatalogWork) -> int:
    return _ONBOARD_GAS + _OFFER_GAS * len(item.offers) + _SHARE_GAS * len(item.split)


def _pay_out_gas(item: CatalogWork) -> int:
    return _PAY_OUT_GAS + _PERSON_GAS * len(item.split)


def _with_fee(price: int) -> int:
    return price + price * _MAX_FEE_BPS // 10_000 + 1


def _parts(items: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
