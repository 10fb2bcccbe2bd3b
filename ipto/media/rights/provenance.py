# SPDX-License-Identifier: Apache-2.0
"""C2PA: rights and identity bound to a film by signature, and a soft binding that outlives the signature.

What is signed: CAWG's training and mining assertion, the terms' digest and address, the cultural notice's digest, and
the film's ISCC as soft binding. A signature shows who signed and that nothing changed since; not who owns the film.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import util
from pathlib import Path
from typing import Any

from ipto.errors import InputError, IptoError
from ipto.media.errors import MediaError
from ipto.media.rights.statement import Statement, merge
from ipto.media.rights.web import read_cawg, write_cawg
from ipto.media.rights.words import address, digest, line

SOFT_BINDING = "io.iscc.v0"  # in C2PA's list of soft binding algorithms
_TERMS = "org.ipto.terms"
_WORKER = Path(__file__).with_name("_manifest_worker.py")
_LAUNCHER = Path(__file__).parent.parent / "_launch.py"
_SECONDS = 60
_MEMORY = 2 * 1024**3
_MIME = {"mp4": "video/mp4", "mov": "video/quicktime", "m4v": "video/mp4", "avi": "video/avi"}


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signs: a certificate chain (PEM, own certificate first) and its key (PEM), ES256."""

    certificates: bytes
    private_key: bytes
    timestamp_url: str | None = None  # RFC 3161


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a file's active manifest says, and what that is worth."""

    state: str  # `Trusted`, `Valid` (intact, but the signer is not in the trust list), `Invalid`
    signer: str | None  # as the certificate names it
    issuer: str | None
    signed_at: str | None
    problems: tuple[str, ...]  # codes of C2PA
    soft_bindings: tuple[str, ...]  # ISCCs
    statement: Statement


def sign(
    path: Path, target: Path, identity: Identity, statement: Statement, *, title: str, iscc: str | None = None
) -> None:
    """Write a signed copy of an MP4, MOV or AVI. Raises InputError for other files and for keys that do not fit."""
    from c2pa import Builder, C2paBuilderIntent, C2paError, C2paSignerInfo, C2paSigningAlg, Signer

    kind = _kind(path)
    builder = None
    try:
        info = C2paSignerInfo(
            alg=C2paSigningAlg.ES256,
            sign_cert=identity.certificates,
            private_key=identity.private_key,
            ta_url=identity.timestamp_url.encode() if identity.timestamp_url else None,
        )
        with Signer.from_info(info) as signer:
            builder = Builder(json.dumps(_definition(statement, title, iscc)))
            # What was signed before stays in the file, as the parent of this version.
            builder.set_intent(C2paBuilderIntent.EDIT)
            with path.open("rb") as source, target.open("w+b") as out:
                builder.sign(signer, kind, source, out)
    except C2paError as error:
        target.unlink(missing_ok=True)
        raise InputError(f"{path} cannot be signed: {str(error)[:300]}") from error
    finally:
        if builder is not None:
            builder.close()


def read(path: Path, trust_anchors: bytes | None = None) -> Provenance | None:
    """The active manifest of a file, checked; None without one. trust_anchors: PEM of the authorities you trust.

    Raises MediaError when a manifest is there but cannot be read within the limits.
    """
    if util.find_spec("c2pa") is None:
        raise IptoError("reading content credentials needs c2pa-python; install ipto[media]")
    settings: dict[str, Any] = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}}
    if trust_anchors:
        settings["trust"] = {"trust_anchors": trust_anchors.decode()}
        settings["verify"]["verify_trust"] = True
    limits = json.dumps({"cpu_seconds": _SECONDS, "memory_bytes": _MEMORY})
    with path.open("rb") as file:
        command = [sys.executable, "-I", str(_LAUNCHER), limits, sys.executable, "-I", str(_WORKER)]
        command += [str(file.fileno()), _kind(path), json.dumps(settings)]
        try:
            done = subprocess.run(  # noqa: S603  # our own worker, no shell
                command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, env={}, check=False,
                pass_fds=[file.fileno()],
            )  # fmt: skip
            found = json.loads(done.stdout)
        except (subprocess.TimeoutExpired, ValueError) as error:
            raise MediaError(f"{path} has content credentials that cannot be read; they may be damaged") from error
    if "refused" in found:
        raise MediaError(
            f"{path} has content credentials that cannot be read: {found.get('why', 'they are too large')}"
        )
    return _understand(found) if found["state"] is not None else None


def _kind(path: Path) -> str:
    with path.open("rb") as file:
        data = file.read(12)
    if data[4:8] in (b"ftyp", b"moov", b"wide", b"free", b"mdat"):
        return _MIME["mov"] if data[8:12] == b"qt  " else _MIME["mp4"]
    if data[:4] == b"RIFF" and data[8:12] == b"AVI ":
        return _MIME["avi"]
    raise InputError(f"{path} is neither MP4, MOV nor AVI, the films that carry content credentials")


def _definition(statement: Statement, title: str, iscc: str | None) -> dict[str, Any]:
    said = statement.strict()
    terms = {
        "url": said.terms_url,
        "digest": said.terms_digest,
        "credit": said.credit,
        "copyright": said.copyright,
        "cultural": said.cultural,
    }
    assertions: list[dict[str, Any]] = [
        {"label": "cawg.training-mining", "data": write_cawg(said)},
        {"label": _TERMS, "data": {name: value for name, value in terms.items() if value}},
    ]
    if iscc is not None:
        block = {"scope": {}, "value": iscc}
        assertions.append({"label": "c2pa.soft-binding", "data": {"alg": SOFT_BINDING, "blocks": [block]}})
    return {"claim_generator_info": [{"name": "ipto"}], "title": title, "assertions": assertions}


def _understand(found: Mapping[str, Any]) -> Provenance:
    store = found["manifest"]
    active = store.get("manifests", {}).get(store.get("active_manifest"), {})
    statements, bindings = [], []
    for assertion in _list(active.get("assertions")):
        label, data = str(assertion.get("label", "")), assertion.get("data")
        if not isinstance(data, Mapping):
            continue
        if label.startswith(("cawg.training-mining", "c2pa.training-mining")):
            statements.append(read_cawg(data))
        elif label.startswith(_TERMS):
            statements.append(_terms(data))
        elif label.startswith("c2pa.soft-binding") and data.get("alg") == SOFT_BINDING:
            bindings += [str(block.get("value"))[:80] for block in _list(data.get("blocks"))]
    signature = active.get("signature_info")
    signature = signature if isinstance(signature, Mapping) else {}
    problems = [str(item.get("code"))[:100] for item in _list(store.get("validation_status"))]
    return Provenance(
        state=str(found["state"]).rpartition(".")[2],
        signer=line(signature.get("common_name")),
        issuer=line(signature.get("issuer")),
        signed_at=line(signature.get("time")),
        problems=tuple(problems[:50]),
        soft_bindings=tuple(bindings[:10]),
        statement=merge(statements),
    )


def _terms(data: Mapping[str, Any]) -> Statement:
    return Statement(
        {},
        address(data.get("url")),
        digest(data.get("digest")),
        line(data.get("credit")),
        line(data.get("copyright")),
        digest(data.get("cultural")),
    )


def _list(value: object) -> Sequence[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []
