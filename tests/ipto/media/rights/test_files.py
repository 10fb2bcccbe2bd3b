# SPDX-License-Identifier: Apache-2.0
"""Rights inside real films: signed, read again, cut off, and found again by what the film shows."""

from __future__ import annotations

import contextlib
import datetime
import json
import shutil
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ipto import media
from ipto.errors import InputError
from ipto.media import fingerprint
from ipto.media.errors import MediaError
from ipto.media.rights import Answer, Statement, Use, boxes, provenance, read_signals, rsl, web, xmp
from ipto.media.rights.provenance import Identity
from ipto.trace import Catalog, ExactIndex, Work, trace
from tests.support.films import ffmpeg

URL = "https://example.org/films/7/terms"
SAID = Statement(
    {
        Use.DATA_MINING: Answer.ALLOWED,
        Use.AI_INFERENCE: Answer.NOT_ALLOWED,
        Use.AI_TRAINING: Answer.CONSTRAINED,
        Use.AI_GENERATIVE_TRAINING: Answer.CONSTRAINED,
    },
    URL,
    "0x" + "11" * 32,
    "A film by A Person",
    "© 2026 A Person",
    "0x" + "22" * 32,
)


@pytest.fixture(scope="session")
def authority() -> tuple[Identity, bytes]:
    """A signer whose certificate an authority of our own issued, and that authority."""
    now = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)

    def certificate(
        name: str, key: ec.EllipticCurvePrivateKey, issuer: str, by: ec.EllipticCurvePrivateKey
    ) -> x509.Certificate:
        is_ca = name == issuer
        names = [x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "IPTO tests"),
                            x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one in (name, issuer)]  # fmt: skip
        builder = (
            x509.CertificateBuilder().subject_name(names[0]).issuer_name(names[1]).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now)
            .not_valid_after(now + datetime.timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False)
            .add_extension(x509.KeyUsage(not is_ca, *[False] * 4, is_ca, is_ca, False, False), critical=True)
        )  # fmt: skip
        if not is_ca:
            builder = builder.add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False
            )
        return builder.sign(by, hashes.SHA256())

    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = certificate("A test authority", root_key, "A test authority", root_key)
    own = certificate("A Person", key, "A test authority", root_key)
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    chain = own.public_bytes(pem) + root.public_bytes(pem)
    return Identity(chain, private), root.public_bytes(pem)


@pytest.fixture(scope="session")
def signed_once(tmp_path_factory: pytest.TempPathFactory, authority: tuple[Identity, bytes]) -> Path:
    folder = tmp_path_factory.mktemp("signed")
    with_xmp, target = folder / "xmp.mp4", folder / "signed.mp4"
    boxes.write_xmp(media.sample_path(), with_xmp, xmp.write(SAID))
    code = fingerprint.iscc_text(media.analyse(with_xmp, with_pictures=False).fingerprint.iscc)
    provenance.sign(with_xmp, target, authority[0], SAID, title="Bunny", iscc=code)
    return target


@pytest.fixture
def signed(signed_once: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(signed_once, tmp_path / "film.mp4"))


def test_a_signed_film_says_what_its_terms_say(signed: Path, authority: tuple[Identity, bytes]) -> None:
    found = read_signals(signed, authority[1])
    assert found.unreadable == ()
    assert [source for source, _ in found.found] == ["C2PA", "XMP in the file"]
    assert found.together() == SAID
    credentials = found.provenance
    assert credentials is not None
    assert credentials.state == "Trusted"
    assert credentials.issuer == "IPTO tests"
    assert credentials.signer == "A Person"
    assert provenance.read(signed) is not None
    untrusted = provenance.read(signed)
    assert untrusted is not None
    assert untrusted.state == "Valid"  # intact; whose it is nobody vouched for
    assert media.probe(signed).duration_ms == media.probe(media.sample_path()).duration_ms


def test_one_changed_byte_is_seen(signed: Path, authority: tuple[Identity, bytes]) -> None:
    data = bytearray(signed.read_bytes())
    data[data.index(b"mdat") + 5000] ^= 1
    signed.write_bytes(data)
    found = read_signals(signed, authority[1])
    assert found.provenance is not None
    assert found.provenance.state == "Invalid"
    assert any("bmffHash" in problem for problem in found.provenance.problems)


def test_a_stripped_film_is_found_again_by_its_soft_binding(signed: Path, tmp_path: Path) -> None:
    credentials = provenance.read(signed)
    assert credentials is not None
    stripped = tmp_path / "stripped.mp4"
    ffmpeg("-i", str(signed), "-map", "0:v", "-vf", "scale=640:-2", "-c:v", "libx264", "-preset", "ultrafast",
           "-map_metadata", "-1", str(stripped))  # fmt: skip
    assert read_signals(stripped).found == ()
    original = media.analyse(signed, with_pictures=False).fingerprint
    copy = media.analyse(stripped, with_pictures=False).fingerprint
    assert credentials.soft_bindings == (fingerprint.iscc_text(original.iscc),)
    assert fingerprint.hamming(copy.iscc, original.iscc) <= 20
    catalog = Catalog(ExactIndex())
    catalog.add(Work("7", "Bunny", original))
    assert [match.work.name for match in trace(copy, catalog)] == ["7"]


def test_signals_beside_the_film_count_and_restrict(tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    boxes.write_xmp(media.sample_path(), film, xmp.write(SAID))
    film.with_suffix(".xmp").write_bytes(xmp.write(Statement({Use.DATA_MINING: Answer.NOT_ALLOWED})))
    film.with_suffix(".rsl.xml").write_bytes(rsl.write(SAID, "https://example.org/film.mp4"))
    (tmp_path / "tdmrep.json").write_text(json.dumps([web.write_tdmrep(SAID, "/film*"), {"location": "/other.mp4"}]))
    found = read_signals(film)
    assert [source for source, _ in found.found] == ["XMP in the file", "film.xmp", "film.rsl.xml", "tdmrep.json"]
    together = found.together()
    assert together.answers[Use.DATA_MINING] == Answer.NOT_ALLOWED
    assert together.answers[Use.AI_TRAINING] == Answer.CONSTRAINED
    assert together.credit == "A film by A Person"
    (tmp_path / "tdmrep.json").write_text("[" * 100_000)
    film.with_suffix(".rsl.xml").write_bytes(b"<!DOCTYPE x>")
    assert len(read_signals(film).unreadable) == 2


def test_a_second_packet_replaces_the_first(tmp_path: Path) -> None:
    first, second = tmp_path / "1.mp4", tmp_path / "2.mp4"
    boxes.write_xmp(media.sample_path(), first, xmp.write(SAID))
    other = Statement({Use.DATA_MINING: Answer.NOT_ALLOWED})
    boxes.write_xmp(first, second, xmp.write(other))
    assert xmp.read(boxes.xmp_packet(second) or b"") == other
    assert media.probe(second) == media.probe(media.sample_path())
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(first.read_bytes()[:-10])
    with pytest.raises(InputError, match="cut off"):
        boxes.write_xmp(cut, tmp_path / "3.mp4", b"")


def test_what_cannot_be_signed_is_refused(tmp_path: Path, authority: tuple[Identity, bytes]) -> None:
    text = tmp_path / "film.mp4"
    text.write_bytes(b"once upon a time")
    with pytest.raises(InputError, match="neither MP4"):
        provenance.sign(text, tmp_path / "out.mp4", authority[0], SAID, title="x")
    with pytest.raises(InputError, match="cannot be signed"):
        provenance.sign(media.sample_path(), tmp_path / "out.mp4", Identity(b"no", b"no"), SAID, title="x")
    assert not (tmp_path / "out.mp4").exists()


def test_a_damaged_manifest_is_told_and_harms_nobody(signed: Path) -> None:
    data = signed.read_bytes()
    at = data.index(b"jumb")
    for step in range(3):
        broken = bytearray(data)
        for offset in range(40):
            broken[at + 100 + 977 * step + offset] ^= 0x5A
        signed.write_bytes(broken)
        with contextlib.suppress(MediaError):
            found = provenance.read(signed)
            assert found is None or found.state == "Invalid"


def test_an_address_in_a_film_is_never_opened() -> None:
    """The reader's settings name no fetching at all; the worker has no network code of its own."""
    worker = Path(provenance.__file__).with_name("_manifest_worker.py").read_text()
    assert "http" not in worker
    assert "socket" not in worker
