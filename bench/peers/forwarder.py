# SPDX-License-Identifier: Apache-2.0
"""OpenZeppelin's ERC-2771 forwarder: what a signed, relayed call costs more than the same call made directly."""

from __future__ import annotations

from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak

from bench.harness import GENESIS, Chain
from bench.peers import npm

FORWARDER = "@openzeppelin/contracts/build/contracts/ERC2771Forwarder.json"
REQUEST = [
    {"name": "from", "type": "address"},
    {"name": "to", "type": "address"},
    {"name": "value", "type": "uint256"},
    {"name": "gas", "type": "uint256"},
    {"name": "nonce", "type": "uint256"},
    {"name": "deadline", "type": "uint48"},
    {"name": "data", "type": "bytes"},
]
CALL_GAS = 100_000
DEADLINE = GENESIS + 7 * 86_400


def measure(chain: Chain) -> dict[str, int]:
    """Both calls are repeated ones: the actor's counter and its nonce are not zero any more."""
    relayer, actor = chain.account("relayer"), chain.account("actor")
    code = npm.shipped(FORWARDER)
    forwarder = chain.deploy(relayer, code.abi, code.bytecode, "Bench")
    code = npm.compiled("ForwardedCounter", 200)
    target = chain.deploy(relayer, code.abi, code.bytecode, forwarder.address)
    data = target.abi.function("count").encode()
    domain = {"name": "Bench", "version": "1", "chainId": chain.chain_id, "verifyingContract": forwarder.address}

    def relayed(nonce: int) -> int:
        message = {"from": actor.address, "to": target.address, "value": 0, "gas": CALL_GAS, "nonce": nonce}
        message |= {"deadline": DEADLINE, "data": data}
        signable = encode_typed_data(domain, {"ForwardRequest": REQUEST}, message)
        proof = actor.sign_digest(keccak(b"\x19" + signable.version + signable.header + signable.body))
        request = (actor.address, target.address, 0, CALL_GAS, DEADLINE, data, proof)
        return forwarder.gas(relayer, "execute", request)

    relayed(0)
    through, direct = relayed(1), target.gas(actor, "count")
    return {"call_direct": direct, "call_relayed": through, "overhead": through - direct}
