# SPDX-License-Identifier: Apache-2.0
"""`ipto up`: a stack for development, its catalog, its ports, and what an earlier one left."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from pathlib import Path

import httpx
import pytest

from ipto.stack import Addresses, read_addresses
from tests.e2e.runs import finish, gone, processes_of, read_until, start

FREE = ("--chain-port", 0, "--indexer-port", 0, "--relayer-port", 0)


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


def items(addresses: Addresses, kind: str) -> list[str]:
    """All ids of a kind, from the indexer."""
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = httpx.get(f"{addresses.indexer}/v1/{kind}", params={"limit": "100", **cursor}, trust_env=False).json()
        found += [item["id"] for item in page["items"]]
        if page["next"] is None:
            return found
        cursor = {"cursor": page["next"]}


def catalog(addresses: Addresses, offers: int) -> list[list[str]]:
    """Everything in the indexer, once it has as many offers."""
    for _ in range(300):
        if len(found := items(addresses, "offers")) >= offers:
            return [sorted(ids) for ids in (found, items(addresses, "works"), items(addresses, "licenses"))]
        time.sleep(0.1)
    raise AssertionError(f"only {len(found)} offers were indexed")


@pytest.mark.slow
def test_its_life(tmp_path: Path) -> None:
    """A catalog; a second stack in the same folder; kill -9; the same ports and the same ids again; an orderly end."""
    home = tmp_path / "home"
    run = start("up", "--seed", 50, "--home", home, *FREE)
    again: subprocess.Popen[str] | None = None
    try:
        read_until(run, "Running; Ctrl-C ends it.")
        first = read_addresses(home)
        on_chain = int(httpx.get(f"{first.relayer}/status", trust_env=False).json()["chain_id"])
        assert on_chain == 31337
        before = catalog(first, 50)
        assert len(before[1]) == 50

        refused = finish(start("up", "--home", home, *FREE), 30)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert "a stack runs in" in refused.stderr
        assert read_addresses(home) == first

        run.kill()
        ports = [port_of(url) for url in (first.rpc, first.indexer, first.relayer)]
        options = zip(("--chain-port", "--indexer-port", "--relayer-port"), ports, strict=True)
        again = start("up", "--seed", 50, "--home", home, *(part for pair in options for part in pair))
        read_until(again, "Running; Ctrl-C ends it.")
        second = read_addresses(home)
        assert second == first
        assert catalog(second, len(before[0])) == before
        again.send_signal(signal.SIGTERM)
        done = finish(again, 60)
        assert done.returncode == 130
        assert processes_of(tmp_path) == []
        assert not (home / "stack.json").exists()
    finally:
        for process in (run, again):
            if process is not None:
                process.kill()
                process.communicate()
    assert gone(tmp_path)


@pytest.mark.parametrize("part", ["chain", "indexer", "relayer"])
def test_an_occupied_port_is_named_before_anything_starts(tmp_path: Path, part: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = finish(start("up", "--home", tmp_path / "home", *FREE, f"--{part}-port", port), 30)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert f"port {port} for the {part} is not available" in done.stderr
    assert "choose another port" in done.stderr
    assert processes_of(tmp_path) == []


def test_blocks_at_intervals(tmp_path: Path) -> None:
    """The contracts are there at once; afterwards blocks come by the clock, with or without transactions."""
    run = start("up", "--home", tmp_path, "--block-time", 1, *FREE)
    try:
        read_until(run, "Running; Ctrl-C ends it.")
        node = read_addresses(tmp_path).rpc
        ask = {"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": []}
        numbers = set()
        while len(numbers) < 3:
            numbers.add(httpx.post(node, json=ask, trust_env=False).json()["result"])
            time.sleep(0.2)
        run.send_signal(signal.SIGINT)
        assert finish(run, 60).returncode == 130
    finally:
        run.kill()
    assert processes_of(tmp_path) == []
