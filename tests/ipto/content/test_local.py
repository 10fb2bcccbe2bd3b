# SPDX-License-Identifier: Apache-2.0
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ipto.content import Cid, ContentStore, LocalStore, MissingContentError, describe, save
from ipto.content.store import MAX_DOCUMENT
from ipto.errors import InputError, IntegrityError

from .conftest import stream_bytes

BIG = 700_000  # three blocks and a node


def block_files(store: LocalStore) -> list[Path]:
    return sorted(path for path in (store.folder / "blocks").rglob("*") if path.is_file())


@pytest.mark.parametrize("size", [0, 1, 262_144, 262_145, BIG])
def test_put_and_get(store: LocalStore, tmp_path: Path, size: int) -> None:
    data = stream_bytes("local", size)
    path = tmp_path / "file"
    path.write_bytes(data)
    cid = store.put(path)
    assert cid == store.put(data) == describe(data).cid
    assert store.get(cid, BIG) == data
    assert store.size(cid) == size
    assert store.has(cid)
    assert save(store, cid, tmp_path / "out") == size
    assert (tmp_path / "out").read_bytes() == data


def test_it_is_a_content_store(store: LocalStore) -> None:
    assert isinstance(store, ContentStore)


def test_a_document_is_found_by_its_digest(store: LocalStore) -> None:
    data = stream_bytes("document", 400_000)  # larger than a chunk, still one block
    cid = store.put_document(data)
    assert cid.is_raw
    assert store.get_document(cid.digest) == data
    for wrong in (b"", bytes(MAX_DOCUMENT + 1)):
        with pytest.raises(InputError):
            store.put_document(wrong)


def test_more_than_allowed_is_not_read(store: LocalStore) -> None:
    cid = store.put(bytes(BIG))
    with pytest.raises(InputError, match="larger"):
        store.get(cid, BIG - 1)
    assert len(store.get(cid, BIG)) == BIG


def test_missing_content_is_said_to_be_missing(store: LocalStore) -> None:
    absent = Cid.of_block(b"absent")
    assert not store.has(absent)
    with pytest.raises(MissingContentError, match=str(absent)):
        store.get(absent)
    with pytest.raises(LookupError):
        store.get(absent)


def test_has_needs_every_block(store: LocalStore) -> None:
    cid = store.put(stream_bytes("whole", BIG))
    for path in block_files(store):
        kept = path.read_bytes()
        path.unlink()
        assert not store.has(cid)
        path.write_bytes(kept)
    assert store.has(cid)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_corrupted_byte_is_always_found(store: LocalStore, data: st.DataObject) -> None:
    content = stream_bytes("corrupt", BIG)
    cid = store.put(content)
    path = data.draw(st.sampled_from(block_files(store)))
    block = bytearray(path.read_bytes())
    how = data.draw(st.sampled_from(["flip", "cut", "grow", "empty"]))
    if how == "flip":
        block[data.draw(st.integers(0, len(block) - 1))] ^= data.draw(st.integers(1, 255))
    elif how == "grow":
        block += b"x"
    else:
        del block[-1 if how == "cut" else 0 :]
    path.write_bytes(block)
    with pytest.raises(IntegrityError, match="damaged") as caught:
        store.get(cid, BIG)
    named = Cid.parse(next(word for word in str(caught.value).split() if word.startswith("baf")))
    assert named.digest.hex() == path.name
    assert store.put(content) == cid  # putting it again repairs it
    assert store.get(cid, BIG) == content


def test_links_and_pipes_in_the_folder_are_not_followed(store: LocalStore, tmp_path: Path) -> None:
    cid = store.put(b"secret")
    path = block_files(store)[0]
    path.unlink()
    (tmp_path / "elsewhere").write_bytes(b"secret")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(IntegrityError):
        store.get(cid)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(IntegrityError):
        store.get(cid)


def test_nothing_is_written_outside_the_folder(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "store")
    store.put(stream_bytes("inside", BIG))
    assert [path.name for path in tmp_path.iterdir()] == ["store"]
    assert all(len(path.name) == 64 for path in block_files(store))


def test_threads_share_a_store(store: LocalStore) -> None:
    contents = [stream_bytes(f"thread{index % 4}", BIG) for index in range(16)]
    with ThreadPoolExecutor(8) as pool:
        cids = list(pool.map(store.put, contents))
    for cid, content in zip(cids, contents, strict=True):
        assert store.get(cid, BIG) == content
    assert not list(store.folder.rglob("*.part"))


WRITER = """
import sys
from pathlib import Path
from ipto.content import LocalStore
store = LocalStore(Path(sys.argv[1]))
print("ready", flush=True)
while True:
    for index in range(8):
        store.put(bytes([index]) * 700_000)
"""


def test_two_processes_write_and_one_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path / "store")]
    writers = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
    try:
        for writer in writers:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"ready\n"
        store = LocalStore(tmp_path / "store")
        for _ in range(3):
            for index in range(8):
                content = bytes([index]) * 700_000
                assert store.get(store.put(content), BIG) == content
            writers[0].kill()
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
            assert writer.stdout is not None
            writer.stdout.close()
    # Whatever was interrupted, each block that has its name is whole.
    for path in (tmp_path / "store" / "blocks").rglob("?" * 64):
        store.get_block(Cid.raw(bytes.fromhex(path.name)))


def test_a_folder_that_cannot_be_a_store(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="cannot be used"):
        LocalStore(tmp_path / "file")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "format").write_text("ipto blocks 9\n")
    with pytest.raises(InputError, match="another version"):
        LocalStore(tmp_path / "other")
    LocalStore(tmp_path / "mine").put(b"x")
    assert LocalStore(tmp_path / "mine").has(Cid.of_block(b"x"))


def test_an_interrupted_save_leaves_what_was_there(store: LocalStore, tmp_path: Path) -> None:
    cid = store.put(stream_bytes("save", BIG))
    target = tmp_path / "film"
    target.write_bytes(b"before")
    max(block_files(store), key=lambda path: path.stat().st_size).unlink()
    with pytest.raises(MissingContentError):
        save(store, cid, target)
    assert target.read_bytes() == b"before"
    assert not list(tmp_path.glob("*.part"))
