# SPDX-License-Identifier: Apache-2.0
"""What we measure of our own: each operation in the state that is stated, on a chain of its own until it ends.

"Repeat" means that nothing an operation writes starts from zero: the state of a protocol in use, and the one peers
publish. What a first use costs more stands beside it.
"""

from __future__ import annotations

from bench import datasets, disputes, usage
from bench.harness import Chain
from bench.operation import Operation
from bench.protocol import Protocol, Split
from ipto import ids
from ipto.structs import ETH, Offer

CODE_LIMIT = 24_576
"""EIP-170: bytes of code a contract may have."""


def _register(protocol: Protocol) -> int:
    creator = protocol["creator"]
    return protocol.registry.gas(creator, "register", creator.address, protocol.work())


def _register_repeat(protocol: Protocol) -> int:
    _register(protocol)
    return _register(protocol)


def _declare_split(protocol: Protocol) -> int:
    split = protocol.split(5)
    return protocol.vault.gas(protocol["creator"], "declare_split", split.shares, split.controller)


def _post_offer(protocol: Protocol) -> int:
    offer = protocol.offer(protocol.register(), protocol.usd.address)
    return protocol.market.gas(protocol["creator"], "post", offer)


def _post_offer_signed(protocol: Protocol) -> int:
    work = protocol.register()
    protocol.post_signed(protocol.offer(work, protocol.usd.address), 1)
    return protocol.post_signed(protocol.offer(work, protocol.usd.address), 2)


def _withdraw_offer(protocol: Protocol) -> int:
    offer = protocol.post(protocol.register(), protocol.usd.address)
    return protocol.market.gas(protocol["creator"], "withdraw_offer", offer)


def _for_sale(protocol: Protocol, currency: str) -> Offer:
    """An offer of a work that pays three people."""
    return protocol.post(protocol.register(payee=protocol.declare(3).account), currency)


def _mint(protocol: Protocol, currency: str, *, repeat: bool = True, fee: bool = False) -> int:
    if fee:
        protocol.set_fee()
    offer = _for_sale(protocol, currency)
    if repeat:
        protocol.mint(offer)
    return protocol.mint(offer)


def _mint_stewarded(protocol: Protocol) -> int:
    """A work in a community's care: steward accepted, cultural notice acknowledged, consent given."""
    steward, account = protocol["steward"], protocol.declare(3).account
    notice = protocol.work().metadata
    work = protocol.register(payee=account, steward=steward.address, cultural=notice)
    protocol.registry.send(steward, "accept_stewardship", steward.address, work)
    offer = protocol.post(work, protocol.usd.address)
    protocol.market.send(steward, "consent", steward.address, ids.offer_id(offer))
    protocol.mint(offer)
    return protocol.mint(offer)


def _mint_many(protocol: Protocol) -> int:
    offers = protocol.licensors(10, protocol.usd.address)
    protocol.mint_many(offers)
    return protocol.mint_many(offers)


def _mint_authorized(protocol: Protocol, *, fee: bool = False) -> int:
    if fee:
        protocol.set_fee()
    offer = _for_sale(protocol, protocol.usd.address)
    protocol.mint(offer)
    return protocol.mint_authorized(offer)


def _paid(protocol: Protocol, recipients: int, function: str) -> int:
    """The second payment of a split, every recipient having got the first."""
    split = protocol.declare(recipients)
    offer = protocol.post(protocol.register(payee=split.account), protocol.usd.address)
    # Others' money lies in the vault as well: it is never empty.
    protocol.mint(protocol.post(protocol.register(), protocol.usd.address))
    protocol.mint(offer)
    _settle(protocol, split, function)
    protocol.mint(offer)
    return _settle(protocol, split, function)


def _settle(protocol: Protocol, split: Split, function: str) -> int:
    return protocol.vault.gas(protocol["keeper"], function, split.shares, split.controller, protocol.usd.address)


def _withdraw(protocol: Protocol, currency: str) -> int:
    """The second withdrawal of a creator who is paid alone."""
    creator = protocol["creator"]
    offer = protocol.post(protocol.register(), currency)
    others = _for_sale(protocol, currency)
    protocol.mint(others)
    for _ in range(2):
        protocol.mint(offer)
        gas = protocol.vault.gas(protocol["keeper"], "withdraw", creator.address, currency)
    return gas


def _onboard_many_repeat(protocol: Protocol) -> int:
    protocol.onboard_many(20, 1)
    return protocol.onboard_many(20, 2) // 20


def _onboard_repeat(protocol: Protocol) -> int:
    protocol.onboard(1)
    return protocol.onboard(2)


SALE = "price to a split of three, fee 0, non-exclusive; licensee and split have bought and been paid before"
PAID = "pushed to the recipients in an ERC-20 they hold already, second time"

OPERATIONS = {
    "register": Operation("register a work", "creator has one; owner is the sole payee", _register_repeat, 120_000),
    "register_first": Operation("register a work", "creator's first", _register),
    "declare_split_5": Operation("declare a 5-way split", "new split", _declare_split),
    "post_offer": Operation("post an offer", "new offer of one's own work", _post_offer, 68_000),
    "post_offer_signed": Operation(
        "post an offer by signature", "submitted by a relayer; the creator's second signed action", _post_offer_signed
    ),
    "withdraw_offer": Operation("withdraw an offer", "live offer", _withdraw_offer),
    "mint_eth": Operation("license, paid in ETH", SALE, lambda p: _mint(p, ETH), 135_000),
    "mint_eth_first": Operation(
        "license, paid in ETH", "licensee's first and split's first", lambda p: _mint(p, ETH, repeat=False)
    ),
    "mint_eth_fee": Operation("license, paid in ETH", "the same at a fee of 2.5 %", lambda p: _mint(p, ETH, fee=True)),
    "mint_erc20": Operation("license, paid in an ERC-20", SALE, lambda p: _mint(p, p.usd.address), 148_000),
    "mint_erc20_first": Operation(
        "license, paid in an ERC-20",
        "licensee's first, split's first and the vault's first of this coin",
        lambda p: _mint(p, p.usd.address, repeat=False),
    ),
    "mint_erc20_fee": Operation(
        "license, paid in an ERC-20", "the same at a fee of 2.5 %", lambda p: _mint(p, p.usd.address, fee=True)
    ),
    "mint_erc20_stewarded": Operation(
        "license, paid in an ERC-20", "the same with steward's consent and cultural notice", _mint_stewarded
    ),
    "mint_many_10": Operation(
        "license ten works at once, paid in an ERC-20",
        "ten licensors, ten splits, fee 0; licensee and splits have bought and been paid before",
        _mint_many,
        900_000,
    ),
    "mint_authorization": Operation(
        "license, paid by a signed EIP-3009 authorization", "submitted by a relayer; else as above", _mint_authorized
    ),
    "mint_authorization_fee": Operation(
        "license, paid by a signed EIP-3009 authorization",
        "the same at a fee of 2.5 %",
        lambda p: _mint_authorized(p, fee=True),
    ),
    "pay_out_5": Operation("pay out a 5-way split", PAID, lambda p: _paid(p, 5, "pay_out"), 95_000),
    "pay_out_10": Operation("pay out a 10-way split", PAID, lambda p: _paid(p, 10, "pay_out")),
    "pay_out_64": Operation("pay out a 64-way split", PAID, lambda p: _paid(p, 64, "pay_out")),
    "distribute_5": Operation(
        "book a 5-way split to its recipients", "inside the vault, second time", lambda p: _paid(p, 5, "distribute")
    ),
    "withdraw": Operation(
        "withdraw, ERC-20", "to an account that holds the coin, second time", lambda p: _withdraw(p, p.usd.address)
    ),
    "withdraw_eth": Operation("withdraw, ETH", "second time", lambda p: _withdraw(p, ETH)),
    "onboard": Operation(
        "onboard: split of three, work, two offers",
        "one signature, one transaction by a relayer; the creator's first",
        lambda p: p.onboard(1),
        300_000,
    ),
    "onboard_repeat": Operation(
        "onboard: split of three, work, two offers", "the same creator and split again, next nonce", _onboard_repeat
    ),
    "execute_many_20_onboard": Operation(
        "onboard in a batch of 20: split of three, work, two offers",
        "20 creators who have onboarded before; one transaction by a relayer, gas for each",
        _onboard_many_repeat,
        260_000,
    ),
    "execute_many_20_onboard_first": Operation(
        "onboard in a batch of 20: split of three, work, two offers",
        "20 creators, the first of each; one transaction by a relayer, gas for each",
        lambda p: p.onboard_many(20, 1) // 20,
    ),
}

OPERATIONS |= datasets.OPERATIONS | usage.OPERATIONS | disputes.OPERATIONS


def measure(chain: Chain) -> tuple[dict[str, int], dict[str, int]]:
    """Deploy once, measure every operation in a state of its own; gas by operation, bytes of code by contract."""
    protocol = Protocol(chain)
    rpc = chain.dev.rpc
    sizes = {name: len(rpc.code(part.address)) for name, part in protocol.contracts.items() if name != "TestUSD"}
    gas = {}
    for name, operation in OPERATIONS.items():
        with protocol.aside():
            gas[name] = operation.measure(protocol)
    return gas, sizes
