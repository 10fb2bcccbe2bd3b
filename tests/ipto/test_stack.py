# SPDX-License-Identifier: Apache-2.0
"""A stack comes up whole or not at all, once in a folder, and its parts can be lost and found."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from ipto.accounts import LocalSigner
from ipto.errors import InputError
from ipto.processes import ChildError
from ipto.stack import FILE, Stack, StackError, read_addresses


def test_before_it_runs(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "home")
    for name in ("addresses", "deployment", "chain"):
        with pytest.raises(StackError, match="not running"):
            getattr(stack, name)
    stack.stop()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for home in (tmp_path / "file", tmp_path / "file" / "home"):
        with pytest.raises(InputError, match=r"cannot be used.*another folder"):
            Stack(home).start()


def test_its_parts(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "keys").mkdir(parents=True)
    (home / "relayer.sqlite").write_text("left over by an earlier one")
    (home / "content").mkdir()
    (home / "content" / "mine").write_text("kept")
    with Stack(home) as stack:
        assert read_addresses(home) == stack.addresses
        with pytest.raises(StackError, match=r"runs in .* already"):
            Stack(home).start()
        assert read_addresses(home) == stack.addresses
        # Keys are nobody else's to read.
        modes = {path.stat().st_mode & 0o777 for path in (home / "keys").iterdir()}
        assert modes == {0o600}
        for name in ("indexer", "relayer"):
            url = getattr(stack.addresses, name) + "/health"
            stack.check()
            stack.crash(name)
            with pytest.raises(ChildError):
                stack.check()
            with pytest.raises(httpx.TransportError):
                httpx.get(url, trust_env=False)
            stack.resume(name)
            assert httpx.get(url, trust_env=False).is_success
        stack.check()
        # The gas money is the relayer's own; nobody else's account was touched.
        assert stack.chain.rpc.balance(LocalSigner.random().address) == 0
    assert not (home / FILE).exists()
    assert (home / "content" / "mine").read_text() == "kept"
    stack.stop()


def test_when_one_part_fails_none_is_left(tmp_path: Path) -> None:
    (tmp_path / "content").mkdir()
    (tmp_path / "content" / "format").write_text("of another version\n")
    stack = Stack(tmp_path)
    with pytest.raises(ChildError, match=r"(indexer|relayer) ended: .*another version"):
        stack.start()
    with pytest.raises(StackError, match="not running"):
        _ = stack.chain
    assert not (tmp_path / FILE).exists()
    (tmp_path / "content" / "format").unlink()
    with stack:
        assert stack.chain.rpc.chain_id() == 31337
