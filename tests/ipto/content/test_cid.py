# SPDX-License-Identifier: Apache-2.0
import contextlib
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipto.content import DAG_PB, RAW, Cid
from ipto.errors import InputError

EMPTY = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"
cids = st.one_of(
    st.builds(Cid, st.just(1), st.sampled_from([RAW, DAG_PB]), st.binary(min_size=32, max_size=32)),
    st.builds(Cid, st.just(0), st.just(DAG_PB), st.binary(min_size=32, max_size=32)),
)


@given(cids)
def test_every_spelling_reads_back(cid: Cid) -> None:
    assert Cid.parse(str(cid)) == cid
    assert Cid.parse(cid.base16()) == cid
    assert Cid.from_bytes(cid.to_bytes()) == cid
    assert Cid.parse_uri(cid.uri) == cid


def test_digest_on_chain_is_a_raw_cid() -> None:
    digest = hashlib.sha256(b"").digest()
    assert str(Cid.raw(digest)) == EMPTY == str(Cid.of_block(b""))
    assert Cid.parse(EMPTY).digest == digest
    assert Cid.raw(digest).base16() == "f01551220" + digest.hex()
    assert len(Cid.raw(digest).base16()) == 73  # what the registry's event has room for


@given(cids, st.data())
def test_another_character_is_never_the_same_cid(cid: Cid, data: st.DataObject) -> None:
    text = str(cid)
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters(min_codepoint=33, max_codepoint=126).filter(lambda c: c != text[at]))
    with contextlib.suppress(InputError):
        assert Cid.parse(text[:at] + other + text[at + 1 :]) != cid


@pytest.mark.parametrize(
    "text",
    [
        "",
        "b",
        EMPTY.upper(),
        "B" + EMPTY[1:].upper(),
        EMPTY + "=",
        EMPTY + "\n",
        " " + EMPTY,
        EMPTY[:-1],
        EMPTY[:-1] + "v",  # spare bits that are not zero
        "F01551220" + "00" * 32,
        "f01551220" + "0A" * 32,
        "f01701220" + "00" * 31,
        "f01711220" + "00" * 32,  # dag-cbor
        "f01551320" + "00" * 32,  # another hash function
        "f02551220" + "00" * 32,
        "QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQ0",
        "QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1Aw",
        "Qm" + "z" * 44,
        "../../etc/passwd",
        "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvykü",
        "z" * 49,
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="CID"):
        Cid.parse(text)


@pytest.mark.parametrize("uri", ["", EMPTY, f"ipfs://{EMPTY}/x", f"http://{EMPTY}", "ipfs://"])
def test_uri_is_scheme_and_cid(uri: str) -> None:
    with pytest.raises(InputError):
        Cid.parse_uri(uri)


def test_impossible_cids_are_not_made() -> None:
    for version, codec, digest in [(2, RAW, bytes(32)), (0, RAW, bytes(32)), (1, 0x71, bytes(32)), (1, RAW, b"")]:
        with pytest.raises(InputError):
            Cid(version, codec, digest)
