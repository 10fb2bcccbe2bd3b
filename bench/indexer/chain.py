# SPDX-License-Identifier: Apache-2.0
"""The chains that everybody indexes: transfers of an ERC-20, dense and sparse, on one anvil."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from bench.harness import BenchError
from ipto.chain import Abi
from ipto.devchain import DevChain
from ipto.rpc import quantity

HOLDERS = 1_000
GAS = hex(16_000_000)
_SOURCE = Path(__file__).parent / "contracts" / "BatchToken.vy"


@dataclass(frozen=True, slots=True)
class Case:
    """One token's transfers: `events` of them in the blocks first..last."""

    name: str
    token: str
    first: int
    last: int
    events: int
    abi: list[dict[str, Any]]

    @classmethod
    def from_mapping(cls, data: dict[str, Any]) -> Self:
        """The reverse of `asdict`."""
        return cls(**data)

    def to_mapping(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


def fill(chain: DevChain, name: str, blocks: int, per_block: int) -> Case:
    """Deploy a token and make `blocks` blocks of `per_block` transfers each."""
    # Here, because whoever only reads a case needs no compiler.
    from vyper.compiler import compile_code

    out = compile_code(_SOURCE.read_text(), output_formats=["abi", "bytecode"])
    spread = Abi("BatchToken", out["abi"]).function("spread")
    sender = chain.signers[0].address
    rpc = chain.rpc
    created = rpc.call("eth_sendTransaction", {"from": sender, "data": out["bytecode"], "gas": GAS})
    receipt = _receipt(chain, created)
    token, first = str(receipt["contractAddress"]), quantity(receipt["blockNumber"])
    chain.set_automine(False)
    for number in range(blocks):
        data = "0x" + spread.encode(number * per_block, per_block, HOLDERS, 10**18 + number).hex()
        last = rpc.call("eth_sendTransaction", {"from": sender, "to": token, "data": data, "gas": GAS})
        rpc.call("evm_mine")
    chain.set_automine(True)
    found = quantity(_receipt(chain, last)["blockNumber"])
    events = blocks * per_block + 1
    if found - first != blocks:
        raise BenchError(f"{blocks} blocks were wanted, {found - first} were made")
    return Case(name, token, first, found, events, list(out["abi"]))


def _receipt(chain: DevChain, transaction: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = chain.rpc.call("eth_getTransactionReceipt", transaction)
        if found:
            if found["status"] != "0x1":
                raise BenchError("a transaction of the bench chain reverted")
            return dict(found)
        time.sleep(0.002)
    raise BenchError("a transaction of the bench chain was not mined")
