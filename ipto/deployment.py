# SPDX-License-Identifier: Apache-2.0
"""The deployment file: where the contracts are on one chain, since when, and how they were made."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import orjson

from ipto._contract import Contract, EventLog
from ipto.errors import InputError, IntegrityError, NotFoundError
from ipto.rpc import Rpc
from ipto.structs import checksum_address

__all__ = ["DIRECTORY", "Deployment", "Token"]

DIRECTORY = Path("deployments")
FORMAT = 2


@dataclass(frozen=True, slots=True)
class Token:
    """A currency of this chain besides ETH."""

    symbol: str
    name: str
    address: str
    decimals: int
    version: str = ""  # EIP-712 domain version, for gasless payments; empty: not supported


@dataclass(frozen=True)
class Deployment:
    """One deployment of the protocol."""

    chain_id: int
    contracts: dict[str, str]  # name → address
    block_number: int  # no event of these contracts is older
    block_hash: str  # tells one development chain from the next
    tokens: dict[str, Token] = field(default_factory=dict)  # symbol → token
    parameters: dict[str, Any] = field(default_factory=dict)  # of `ipto.deploy.Parameters`
    compiler: str = ""
    evm_version: str = ""

    def address(self, name: str) -> str:
        """A contract's address. Raises NotFoundError."""
        try:
            return self.contracts[name]
        except KeyError:
            raise NotFoundError(f"chain {self.chain_id} has no {name}; it has {', '.join(self.contracts)}") from None

    def token(self, symbol: str) -> Token:
        """A currency by its symbol. Raises NotFoundError."""
        try:
            return self.tokens[symbol]
        except KeyError:
            known = ", ".join(self.tokens) or "none"
            raise NotFoundError(f"chain {self.chain_id} has no token {symbol}; it has {known}") from None

    def contract(self, name: str, rpc: Rpc | None = None) -> Contract:
        """A deployed contract. Raises NotFoundError when the deployment does not have it."""
        return Contract(name, self.address(name), rpc)

    def decode_log(self, log: Mapping[str, Any]) -> EventLog | None:
        """A raw log of any contract of this deployment; None when it is somebody else's."""
        address = checksum_address(log["address"])
        for name, deployed in self.contracts.items():
            if deployed == address:
                return Contract(name, address).decode_log(log)
        return None

    def to_json(self) -> dict[str, Any]:
        """The file's content."""
        return {"format": FORMAT, **asdict(self)}

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any]) -> Self:
        """Read the file's content. Raises InputError when it is not a deployment of a known format."""
        if not isinstance(data, Mapping) or data.get("format") != FORMAT:
            raise InputError(f"this is not a deployment file of format {FORMAT}; deploy again with this version")
        try:
            return cls(
                chain_id=int(data["chain_id"]),
                contracts={name: checksum_address(value, name) for name, value in data["contracts"].items()},
                block_number=int(data["block_number"]),
                block_hash=str(data["block_hash"]),
                tokens={
                    symbol: Token(**{**token, "address": checksum_address(token["address"], symbol)})
                    for symbol, token in data.get("tokens", {}).items()
                },
                parameters=dict(data.get("parameters", {})),
                compiler=str(data.get("compiler", "")),
                evm_version=str(data.get("evm_version", "")),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise InputError(f"the deployment file is incomplete ({error}); deploy again") from None

    @classmethod
    def load(cls, source: Path | int, directory: Path = DIRECTORY) -> Self:
        """Read a file, or the one of a chain id in `directory`. Raises NotFoundError, InputError."""
        path = directory / f"{source}.json" if isinstance(source, int) else source
        try:
            data = orjson.loads(path.read_bytes())
        except FileNotFoundError:
            raise NotFoundError(f"{path} does not exist; deploy first (`ipto up`, or `ape run deploy`)") from None
        except orjson.JSONDecodeError:
            raise InputError(f"{path} is not JSON; deploy again") from None
        return cls.from_mapping(data)

    def save(self, directory: Path = DIRECTORY) -> Path:
        """Write `<chain id>.json`, complete or not at all; its path."""
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / f"{self.chain_id}.json"
        with tempfile.NamedTemporaryFile("wb", dir=directory, prefix=path.name, delete=False) as file:
            file.write(orjson.dumps(self.to_json(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
        scratch = Path(file.name)
        scratch.chmod(0o644)  # addresses are public; services of other users read them
        scratch.replace(path)
        return path

    def check(self, rpc: Rpc) -> None:
        """Make sure a node is on this deployment's chain.

        Raises IntegrityError for another chain id, or for the same id with another history: a development chain that
        was started anew.
        """
        if (actual := rpc.chain_id()) != self.chain_id:
            raise IntegrityError(f"the node is on chain {actual}, the deployment on {self.chain_id}; check the RPC URL")
        block = rpc.call("eth_getBlockByNumber", hex(self.block_number), False)
        if block is None or block["hash"] != self.block_hash:
            raise IntegrityError(f"chain {self.chain_id} does not have the deployment's block; deploy again")
