# SPDX-License-Identifier: Apache-2.0
"""A node's logs, in the chain's order. What they say is checked by whoever reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ipto.chain import Contract, EventLog
from ipto.errors import NotFoundError
from ipto.rpc import Rpc, RpcError

Topics = Sequence[str | list[str] | None]


class Logs:
    """Everything since a block, of whatever contract and topics are asked for."""

    def __init__(self, rpc: Rpc, since: int) -> None:
        self._rpc, self._since = rpc, since

    def all(self, contract: Contract, event: str, subject: int) -> list[EventLog]:
        """Every event of a kind whose first indexed argument is `subject`."""
        return self.matching(contract, [topic(contract, event), word(subject)])

    def last(self, contract: Contract, event: str, subject: int) -> EventLog:
        """The latest of them. Raises NotFoundError when the node has none."""
        found = self.all(contract, event, subject)
        if not found:
            raise NotFoundError(f"the node has no {event} log of {subject:#x}; ask one that keeps all logs")
        return found[-1]

    def matching(self, contract: Contract, topics: Topics) -> list[EventLog]:
        """Every event of a contract with these topics: a list admits any of its values, None admits all."""
        raw = self._read(contract.address, topics, self._since, self._rpc.block_number())
        return sorted(contract.events(raw), key=place)

    def _read(self, address: str, topics: Topics, first: int, last: int) -> list[dict[str, Any]]:
        query = {"address": address, "topics": list(topics), "fromBlock": hex(first), "toBlock": hex(last)}
        try:
            return list(self._rpc.call("eth_getLogs", query))
        except RpcError:
            # Many nodes bound the range; halves of it pass sooner or later, or one block alone fails for good.
            if first >= last:
                raise
        middle = (first + last) // 2
        return self._read(address, topics, first, middle) + self._read(address, topics, middle + 1, last)


def topic(contract: Contract, event: str) -> str:
    """The topic of an event."""
    return "0x" + contract.abi.event(event).topic.hex()


def word(value: int | bytes) -> str:
    """A topic that is a value."""
    return f"0x{int.from_bytes(value, 'big') if isinstance(value, bytes) else value:064x}"


def place(log: EventLog) -> tuple[int, int]:
    """Where in the chain a log stands."""
    return log.block_number, log.log_index
