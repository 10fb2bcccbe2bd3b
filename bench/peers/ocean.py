# SPDX-License-Identifier: Apache-2.0
"""Ocean Protocol: buying a datatoken at a fixed rate and ordering the service with it, in one transaction."""

from __future__ import annotations

from typing import Any

from eth_utils.crypto import keccak

from bench import usd
from bench.harness import Chain, Contract, only_log
from bench.peers import npm
from ipto.structs import ZERO_ADDRESS

FOLDER = "@oceanprotocol/contracts/artifacts/contracts"
UNIT = 10**18  # one datatoken
SERVICE = 1
PROVIDER_DATA = b'{"timeout":0}'


def _provider_fee(chain: Chain) -> tuple[Any, ...]:
    """A fee of zero, signed by the provider as the template demands (EIP-191 over the packed fields)."""
    provider = chain.account("provider")
    packed = PROVIDER_DATA + bytes.fromhex(provider.address[2:]) + bytes(20) + bytes(32) + bytes(32)
    proof = provider.sign_digest(keccak(b"\x19Ethereum Signed Message:\n32" + keccak(packed)))
    return (provider.address, ZERO_ADDRESS, 0, proof[64], proof[:32], proof[32:64], 0, PROVIDER_DATA)


def measure(chain: Chain) -> dict[str, int]:
    """First: the buyer's first order and the creator's first income. Repeat: the same again."""
    owner, creator, buyer = (chain.account(role) for role in ("owner", "creator", "licensee"))
    collector = chain.account("collector").address
    token = usd.deploy(chain, owner, buyer.address)

    def deploy(path: str, *args: Any) -> Contract:
        code = npm.shipped(f"{FOLDER}/{path}")
        return chain.deploy(owner, code.abi, code.bytecode, *args)

    pool = deploy("pools/balancer/BPool.sol/BPool.json")
    router = deploy(
        "pools/FactoryRouter.sol/FactoryRouter.json", owner.address, token.address, pool.address, collector, []
    )
    exchange = deploy("pools/fixedRate/FixedRateExchange.sol/FixedRateExchange.json", router.address)
    template = deploy("templates/ERC20TemplateEnterprise.sol/ERC20TemplateEnterprise.json")
    nft = deploy("templates/ERC721Template.sol/ERC721Template.json")
    factory = deploy("ERC721Factory.sol/ERC721Factory.json", nft.address, template.address, router.address)
    router.send(owner, "addFactory", factory.address)
    router.send(owner, "addFixedRateContract", exchange.address)
    # Our figures beside these are at fee zero too.
    router.send(owner, "updateOPCFee", 0, 0, 0, 0)

    maker = creator.address
    made = factory.send(
        creator,
        "createNftWithErc20WithFixedRate",
        ("Bench", "BENCH", 1, "https://example.org/nft", True, maker),
        (1, ["Bench token", "BT"], [maker, maker, ZERO_ADDRESS, ZERO_ADDRESS], [100_000 * UNIT, 0], []),
        (exchange.address, [token.address, maker, maker, ZERO_ADDRESS], [usd.DECIMALS, 18, usd.PRICE * 10**12, 0, 1]),
    )
    datatoken = Contract(chain, only_log(made, factory.abi, "TokenCreated")["newTokenAddress"], template.abi)
    exchange_id = only_log(made, datatoken.abi, "NewFixedRate")["exchangeId"]

    # A market in use: nothing that a sale touches starts from zero, which would cost the peer 17,100 gas each time.
    datatoken.send(creator, "mint", maker, UNIT)
    datatoken.send(creator, "mint", datatoken.address, UNIT)
    token.send(owner, "mint", exchange.address, 1)
    token.send(owner, "mint", datatoken.address, 1)

    token.send(buyer, "approve", datatoken.address, usd.PLENTY)
    order = (buyer.address, SERVICE, _provider_fee(chain), (ZERO_ADDRESS, ZERO_ADDRESS, 0))
    rate = (exchange.address, exchange_id, 2 * usd.PRICE, 0, ZERO_ADDRESS)
    first = datatoken.gas(buyer, "buyFromFreAndOrder", order, rate)
    return {
        "buy_and_order_first": first,
        "buy_and_order_repeat": datatoken.gas(buyer, "buyFromFreAndOrder", order, rate),
    }
