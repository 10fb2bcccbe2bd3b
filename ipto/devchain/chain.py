# SPDX-License-Identifier: Apache-2.0
"""Runs anvil as a child that cannot outlive this process, and speaks its test methods."""

from __future__ import annotations

import contextlib
import re
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from ipto.accounts import LocalSigner
from ipto.devchain.accounts import MNEMONIC, dev_signers
from ipto.devchain.binary import DevChainError, find_anvil
from ipto.processes import ChildError, GuardedProcess, require_free_port
from ipto.rpc import Rpc, RpcError, quantity

__all__ = ["DEV_CHAIN_ID", "DevChain"]

DEV_CHAIN_ID = 31337
_LISTENING = re.compile(r"Listening on [0-9.]+:(\d+)")


class DevChain:
    """One anvil. A context manager, or `start` and `stop`."""

    def __init__(
        self,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        chain_id: int = DEV_CHAIN_ID,
        block_time: int | None = None,
        accounts: int = 10,
        balance: int = 10_000,
        timestamp: int | None = None,
        hardfork: str = "prague",
        state: Path | None = None,
        log: Path | None = None,
        binary: Path | None = None,
        timeout: float = 30.0,
        held: Sequence[int] = (),
    ) -> None:
        """port: 0 takes a free one. block_time: seconds between blocks; None: one block per transaction.
        accounts: how many funded accounts, each with `balance` whole ETH. timestamp: of the genesis, UTC seconds.
        state: file the chain is loaded from and saved to. log: file for anvil's output; a temporary one by default.
        binary: the anvil to run, found by `find_anvil` by default. timeout: seconds until it must answer.
        held: as of `GuardedProcess`. Raises InputError for a port that is not available.
        """
        require_free_port(port, "the chain", host)
        self.host, self.chain_id, self._held = host, chain_id, held
        self._port, self._log, self._binary, self._timeout = port, log, binary, timeout
        self._options = ["--accounts", str(accounts), "--balance", str(balance), "--mnemonic", MNEMONIC]
        self._options += ["--chain-id", str(chain_id), "--hardfork", hardfork, "--host", host]
        if block_time is not None:
            self._options += ["--block-time", str(block_time)]
        if timestamp is not None:
            self._options += ["--timestamp", str(timestamp)]
        if state is not None:
            state.parent.mkdir(parents=True, exist_ok=True)
            self._options += ["--state", str(state)]
        self._accounts = accounts
        self._cleanup = contextlib.ExitStack()
        self._process: GuardedProcess | None = None
        self._rpc: Rpc | None = None

    def start(self) -> Self:
        """Start it and wait until it answers. Raises DevChainError, InputError (occupied port)."""
        if self._process is not None:
            raise DevChainError("this chain runs already")
        binary = self._binary or find_anvil()
        require_free_port(self._port, "the chain", self.host)
        log = self._log or Path(self._cleanup.enter_context(tempfile.TemporaryDirectory(prefix="ipto-"))) / "anvil.log"
        command = [str(binary), "--port", str(self._port), *self._options]
        try:
            self._process = GuardedProcess("anvil", command, log, held=self._held)
            self._process.start()
            self._port = self._await_port(self._process)
            self._rpc = Rpc(self.url)
            if (actual := self._rpc.chain_id()) != self.chain_id:
                raise DevChainError(f"the state belongs to chain {actual}, not {self.chain_id}; remove it or name it")
        except BaseException:
            self.stop()
            raise
        return self

    def _await_port(self, process: GuardedProcess) -> int:
        deadline = time.monotonic() + self._timeout
        while time.monotonic() < deadline:
            if found := _LISTENING.search(process.output()):
                return int(found[1])
            self.check()
            time.sleep(0.02)
        raise DevChainError(f"anvil did not answer within {self._timeout:g} s; see {process.log}")

    def stop(self) -> None:
        """End it; returns when the process is gone and its state file is written. Safe to call twice."""
        if self._rpc is not None:
            self._rpc.close()
            self._rpc = None
        process, self._process = self._process, None
        if process is not None:
            process.stop()
        self._cleanup.close()

    def check(self) -> None:
        """Raise DevChainError when it has ended by itself."""
        if self._process is not None:
            try:
                self._process.check()
            except ChildError as error:
                raise DevChainError(str(error)) from None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """Where it listens, once started."""
        return self._port

    @property
    def url(self) -> str:
        """Its JSON-RPC endpoint, once started."""
        return f"http://{self.host}:{self._port}"

    @property
    def pid(self) -> int:
        """The process that ends the chain when it ends."""
        if self._process is None:
            raise DevChainError("the chain is not running; start it first")
        return self._process.pid

    @property
    def rpc(self) -> Rpc:
        """A client of this chain."""
        if self._rpc is None:
            raise DevChainError("the chain is not running; start it first")
        return self._rpc

    @property
    def signers(self) -> tuple[LocalSigner, ...]:
        """The funded accounts; their keys are known to everybody."""
        return dev_signers(self._accounts)

    # What only a development chain can do.

    def now(self) -> int:
        """The newest block's time, UTC seconds."""
        return quantity(self.rpc.call("eth_getBlockByNumber", "latest", False)["timestamp"])

    def mine(self, blocks: int = 1, *, seconds: int | None = None) -> None:
        """Mine blocks, `seconds` apart (1 by default)."""
        params = [hex(blocks)] if seconds is None else [hex(blocks), hex(seconds)]
        self.rpc.call("anvil_mine", *params)

    def set_next_timestamp(self, timestamp: int) -> None:
        """Fix the next block's time, UTC seconds; it must be later than the newest block's."""
        self.rpc.call("evm_setNextBlockTimestamp", hex(timestamp))

    def travel(self, seconds: int) -> int:
        """Mine one block `seconds` after the newest; its time."""
        target = self.now() + seconds
        self.set_next_timestamp(target)
        self.mine()
        return target

    def set_balance(self, address: str, wei: int) -> None:
        """Give an address exactly so much ETH."""
        self.rpc.call("anvil_setBalance", address, hex(wei))

    def set_block_time(self, seconds: int) -> None:
        """From now on one block every so many seconds, whatever there is to mine."""
        self.rpc.call("evm_setIntervalMining", seconds)

    def set_automine(self, enabled: bool) -> None:
        """Whether every transaction gets a block of its own at once."""
        self.rpc.call("evm_setAutomine", enabled)

    def reorg(self, depth: int, transactions: list[tuple[str, int]] | None = None) -> None:
        """Replace the newest `depth` blocks.

        transactions: (raw signed transaction, 0x hex; in which of the new blocks, from 0); what is not named is lost.
        """
        self.rpc.call("anvil_reorg", depth, [[raw, block] for raw, block in transactions or []])

    def snapshot(self) -> str:
        """Remember the state; the id for `revert`."""
        return str(self.rpc.call("evm_snapshot"))

    def revert(self, snapshot: str) -> None:
        """Return to a snapshot, which is used up. Raises DevChainError when there is none of this id."""
        if not self.rpc.call("evm_revert", snapshot):
            raise DevChainError(f"there is no snapshot {snapshot}; each can be used once")

    @contextlib.contextmanager
    def impersonate(self, address: str) -> Iterator[str]:
        """Within the block, `eth_sendTransaction` works from any address, contracts included."""
        self.rpc.call("anvil_impersonateAccount", address)
        try:
            yield address
        finally:
            with contextlib.suppress(RpcError):
                self.rpc.call("anvil_stopImpersonatingAccount", address)
