# SPDX-License-Identifier: Apache-2.0
import contextlib
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipto.content import Cid, _dagpb, unixfs
from ipto.errors import InputError, IntegrityError

from .conftest import stream_bytes

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "unixfs-cids.json").read_text())["vectors"]
PROFILES = {
    "cidv1_256k_174": unixfs.KUBO_V1,
    "cidv0_256k_174": unixfs.KUBO_V0,
    "cidv1_1m_1024": unixfs.UNIXFS_V1_2025,
}
# The same layout with trees that are deep after a few bytes.
TINY = unixfs.Profile("tiny", 1, 3, 2)
TINY_V0 = unixfs.Profile("tiny-v0", 0, 3, 2)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["size"]))
def test_golden_vectors(vector: dict[str, Any]) -> None:
    data = stream_bytes(vector["seed"], vector["size"])
    for name, profile in PROFILES.items():
        described = unixfs.describe(data, profile)
        assert str(described.cid) == vector[name]
        assert (described.size, described.sha256) == (len(data), hashlib.sha256(data).digest())
        assert described.profile == profile.name


@settings(max_examples=300)
@given(st.binary(max_size=120), st.sampled_from([TINY, TINY_V0]), st.integers(0, 130), st.integers(0, 130))
def test_what_goes_in_comes_out_whole_or_in_part(data: bytes, profile: unixfs.Profile, start: int, length: int) -> None:
    blocks: dict[Cid, bytes] = {}
    cid = unixfs.build(data, blocks.__setitem__, profile).cid
    assert b"".join(unixfs.stream(blocks.__getitem__, cid)) == data
    assert b"".join(unixfs.stream(blocks.__getitem__, cid, start, length)) == data[start : start + length]
    assert unixfs.file_size(blocks.__getitem__, cid) == len(data)
    assert set(unixfs.walk(blocks.__getitem__, cid)) == set(blocks)


@given(st.integers(-2, 2), st.integers(1, 3), st.sampled_from([4, 7]))
def test_chunk_boundaries_do_not_depend_on_how_bytes_arrive(off: int, chunks: int, piece: int) -> None:
    data = stream_bytes("edge", max(0, 3 * chunks + off))

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(piece, size or 0))

    assert unixfs.describe(Slow(data), TINY) == unixfs.describe(data, TINY)


def test_a_range_reads_only_its_blocks() -> None:
    blocks: dict[Cid, bytes] = {}
    data = stream_bytes("range", 2_000_000)
    cid = unixfs.build(data, blocks.__setitem__).cid
    read: list[Cid] = []

    def reader(child: Cid) -> bytes:
        read.append(child)
        return blocks[child]

    assert b"".join(unixfs.stream(reader, cid, 1_000_000, 10)) == data[1_000_000:1_000_010]
    assert len(read) == 2


def test_progress_counts_bytes() -> None:
    seen: list[int] = []
    unixfs.describe(bytes(600_000), progress=seen.append)
    assert seen == [262_144, 524_288, 600_000]


def node(children: list[tuple[Cid, int]]) -> tuple[Cid, bytes]:
    block = _dagpb.encode_file([_dagpb.Link(cid, 1) for cid, _ in children], [size for _, size in children])
    return Cid.of_block(block, 0x70), block


LEAF = Cid.of_block(b"abc")


@pytest.mark.parametrize("stated", [1, 2, 4, 2**63])
def test_sizes_that_lie_are_refused(stated: int) -> None:
    cid, block = node([(LEAF, stated), (LEAF, 3)])
    blocks = {LEAF: b"abc", cid: block}
    with pytest.raises(IntegrityError, match="stated"):
        list(unixfs.stream(blocks.__getitem__, cid))


def test_a_tree_that_multiplies_nothing_is_refused() -> None:
    cid, block = node([(LEAF, 0)] * 100)
    with pytest.raises(IntegrityError, match="empty part"):
        list(unixfs.stream({cid: block}.__getitem__, cid))


def test_a_tree_of_many_levels_is_refused() -> None:
    blocks, cid = {LEAF: b"abc"}, LEAF
    for _ in range(unixfs.MAX_DEPTH + 1):
        cid, block = node([(cid, 3)])
        blocks[cid] = block
    with pytest.raises(IntegrityError, match="deeper"):
        list(unixfs.stream(blocks.__getitem__, cid))
    with pytest.raises(IntegrityError, match="deeper"):
        list(unixfs.walk(blocks.__getitem__, cid))


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(block: bytes) -> None:
    cid = Cid.of_block(block, 0x70)
    with contextlib.suppress(IntegrityError, KeyError):  # KeyError: it links to a block that is not there
        list(unixfs.stream({cid: block}.__getitem__, cid))


@pytest.mark.parametrize("kind", [1, 3, 4, 5])
def test_folders_and_links_are_not_files(kind: int) -> None:
    block = bytes([0x0A, 0x02, 0x08, kind])
    cid = Cid.of_block(block, 0x70)
    with pytest.raises(IntegrityError, match="not a file"):
        list(unixfs.stream({cid: block}.__getitem__, cid))


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="folder"):
        unixfs.describe(tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        unixfs.describe(tmp_path / "nothing")
    with pytest.raises(InputError, match="negative"):
        list(unixfs.stream({}.__getitem__, LEAF, -1))
