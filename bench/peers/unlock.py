# SPDX-License-Identifier: Apache-2.0
"""Unlock's PublicLock: buying a timed access key, an ERC-721 token, in ETH and in an ERC-20."""

from __future__ import annotations

from bench import usd
from bench.harness import Chain, Contract, only_log
from bench.peers import npm
from ipto.accounts import LocalSigner
from ipto.structs import ZERO_ADDRESS

FACTORY = "@unlock-protocol/contracts/dist/abis/Unlock/UnlockV14.json"
LOCK = "@unlock-protocol/contracts/dist/abis/PublicLock/PublicLockV15.json"
PROXY = "@openzeppelin/contracts/build/contracts/TransparentUpgradeableProxy.json"
VERSION = 15
YEAR = 365 * 86_400
UNLIMITED = 2**256 - 1
PURCHASE = "purchase(uint256[],address[],address[],address[],bytes[])"


def _factory(chain: Chain, owner: LocalSigner) -> Contract:
    """Unlock behind a proxy, as it stands on every chain it serves: its code alone refuses to be initialised."""
    code, proxy, lock = npm.shipped(FACTORY), npm.shipped(PROXY), npm.shipped(LOCK)
    implementation = chain.deploy(owner, code.abi, code.bytecode)
    start = implementation.abi.function("initialize").encode(owner.address)
    address = chain.deploy(owner, proxy.abi, proxy.bytecode, implementation.address, owner.address, start).address
    factory = Contract(chain, address, code.abi)
    template = chain.deploy(owner, lock.abi, lock.bytecode)
    factory.send(owner, "addLockTemplate", template.address, VERSION)
    factory.send(owner, "setLockTemplate", template.address)
    return factory


def _lock(factory: Contract, creator: LocalSigner, currency: str) -> Contract:
    abi = npm.shipped(LOCK).abi
    start = abi.function("initialize").encode(creator.address, YEAR, currency, usd.PRICE, UNLIMITED, "Bench")
    made = factory.send(creator, "createUpgradeableLockAtVersion(bytes,uint16)", start, VERSION)
    lock = Contract(factory.chain, only_log(made, factory.abi, "NewLock")["newLockAddress"], abi)
    # One key each is the default; the same buyer comes again here.
    lock.send(creator, "updateLockConfig", YEAR, UNLIMITED, 100)
    return lock


def measure(chain: Chain) -> dict[str, int]:
    """First: nobody ever bought. Repeat: the same buyer's next key."""
    owner, creator, buyer = (chain.account(role) for role in ("owner", "creator", "licensee"))
    factory, token = _factory(chain, owner), usd.deploy(chain, owner, buyer.address)
    gas = {}
    for name, currency in (("eth", ZERO_ADDRESS), ("erc20", token.address)):
        lock = _lock(factory, creator, currency)
        token.send(buyer, "approve", lock.address, usd.PLENTY)
        value = usd.PRICE if currency == ZERO_ADDRESS else 0
        order = ([usd.PRICE], [buyer.address], [ZERO_ADDRESS], [ZERO_ADDRESS], [b""])
        gas[f"purchase_{name}_first"] = lock.gas(buyer, PURCHASE, *order, value=value)
        gas[f"purchase_{name}_repeat"] = lock.gas(buyer, PURCHASE, *order, value=value)
    return gas
