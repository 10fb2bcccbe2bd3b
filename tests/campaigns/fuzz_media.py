# SPDX-License-Identifier: Apache-2.0
"""Fuzzing of everything that reads strangers' bytes: `make fuzz-media` (SECONDS=3600).

Two campaigns run beside each other. *Parsers* (XMP, RSL, boxes, fingerprints, MPEG-7 signatures, documents, sidecars,
JSON signals) run in this process under atheris, guided by coverage. *Decoders* (probe, poster, content credentials, the
whole analysis) get real films, damaged, through the sandbox that users get. An error is anything but an IptoError in
words, or a reader that does not come back within its limit. Inputs that fail are kept in `.build/fuzz-media`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from ipto import media
from ipto.errors import IptoError

ROOT = Path(__file__).parent.parent.parent
RESULT = ROOT / "bench" / "results" / "fuzz-media.json"
KEPT = ROOT / ".build" / "fuzz-media"
_MODULE = "tests.campaigns.fuzz_media"
_LONGEST = 60.0  # seconds a decoder may take for one small film, sandbox and all


# ---- parsers, under atheris -----------------------------------------------------------------------------------------


def _readers(folder: Path) -> list[Callable[[bytes], object]]:
    from ipto import works
    from ipto.media import fingerprint, signature, suggestions
    from ipto.media.rights import boxes, rsl, signals, web, xmp

    film, sidecar = folder / "film.mp4", folder / "film.json"

    def as_json(read: Callable[[dict[str, object]], object]) -> Callable[[bytes], object]:
        def parse(data: bytes) -> object:
            try:
                value = json.loads(data) if data.count(b"[") + data.count(b"{") < 200 else None
            except ValueError:
                return None
            return read(value) if isinstance(value, dict) else None

        return parse

    def packet(data: bytes) -> object:
        film.write_bytes(data)
        return boxes.xmp_packet(film)

    def beside(data: bytes) -> object:
        sidecar.write_bytes(data)
        return suggestions.suggest(film, {})

    def mining(data: bytes) -> object:
        film.with_name("tdmrep.json").write_bytes(data)
        film.write_bytes(b"not a film at all")
        return signals.read_signals(film)

    def mpeg7(data: bytes) -> object:
        with contextlib.suppress(signature.SignatureError):
            return signature.parse(data)
        return None

    return [
        xmp.read, rsl.read, packet, beside, mining, mpeg7, fingerprint.decode, works.parse_metadata,
        works.parse_cultural,
        as_json(web.read_cawg), as_json(web.read_croissant), as_json(web.read_erc7517), as_json(web.read_tdmrep),
        lambda data: suggestions.clean(data.decode("utf-8", "replace"), 300),
    ]  # fmt: skip


def _seeds(folder: Path) -> None:
    """What each reader likes, behind the byte that chooses it."""
    from ipto.media.rights import Answer, Statement, Use, rsl, web, xmp

    said = Statement(dict.fromkeys(Use, Answer.CONSTRAINED), "https://a.example/t", "0x" + "1" * 64, "Credit", "(c) A")
    bikes = media.analyse(media.sample_path().with_name("bikes.mp4"), with_pictures=False)
    box = b"\0\0\0\x18ftypisom\0\0\0\0isommp42"
    entry = json.dumps([web.write_tdmrep(said, "/film*")]).encode()
    packet = xmp.write(said)
    samples = {
        0: packet,
        1: rsl.write(said, "https://a.example/f.mp4", ("1", "USD")),
        2: box + (len(packet) + 24).to_bytes(4, "big") + b"uuid" + xmp.UUID + packet,
        3: b'{"name": "A", "keywords": ["b"], "actor": [{"name": "C"}], "upload_date": "20240531"}',
        4: entry,
        6: bikes.fingerprint.encode()[:6000],
        7: b'{"$schema": "urn:ipto:schema:work:2", "fingerprint": {"scenes": []}}',
        9: json.dumps(web.write_cawg(said)).encode(),
        10: json.dumps(web.write_croissant(said, name="A", content_url="https://a.example", sha256="0")).encode(),
        11: json.dumps(web.write_erc7517(said)).encode(),
    }
    for number, data in samples.items():
        (folder / str(number)).write_bytes(bytes([number]) + data)


def parsers(seconds: int) -> None:
    """Runs under atheris and does not return."""
    import atheris

    with tempfile.TemporaryDirectory(prefix="fuzz-media-") as scratch:
        folder = Path(scratch)
        with atheris.instrument_imports(include=["ipto.media", "ipto.works", "ipto.documents"]):
            readers = _readers(folder)
        corpus = folder / "corpus"
        corpus.mkdir()
        _seeds(corpus)

        def one(data: bytes) -> None:
            if data:
                with contextlib.suppress(IptoError):
                    readers[data[0] % len(readers)](bytes(data[1:]))

        options = [f"-max_total_time={seconds}", "-timeout=20", "-rss_limit_mb=3000", "-max_len=20000",
                   "-print_final_stats=1", f"-artifact_prefix={KEPT}/"]  # fmt: skip
        atheris.Setup([sys.argv[0], *options, str(corpus)], one)
        atheris.Fuzz()


# ---- decoders, in the sandbox ---------------------------------------------------------------------------------------


def _films(folder: Path) -> list[bytes]:
    from tests.support.films import cut_film, ffmpeg

    base = cut_film(folder / "base.mp4", (0.6, 0.6))
    found = [base.read_bytes(), media.sample_path().with_name("carphone_distorted.mp4").read_bytes()]
    for suffix in ("mkv", "webm", "avi", "ogv", "flv", "ts", "mpg", "mov"):
        path = folder / f"film.{suffix}"
        with contextlib.suppress(subprocess.CalledProcessError):
            ffmpeg("-i", str(base), "-t", "0.6", str(path))
            found.append(path.read_bytes())
    return found


def damage(data: bytes, chance: random.Random) -> bytes:
    """A film after an accident, or after somebody clever."""
    damaged = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 5, 20))):
        at = chance.randrange(len(damaged) or 1)
        if chance.random() < 0.5:  # where the structure is
            at = chance.choice((at % 600, max(0, len(damaged) - 1 - at % 3000)))
        kind = chance.randrange(7)
        if kind == 0 and damaged:
            damaged[at % len(damaged)] ^= 1 << chance.randrange(8)
        elif kind == 1:
            damaged[at : at + 4] = chance.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\0\0\0\1"))
        elif kind == 2:
            damaged[at : at + chance.randrange(64)] = chance.randbytes(chance.randrange(64))
        elif kind == 3:
            del damaged[at : at + chance.randrange(2000)]
        elif kind == 4:
            damaged[at:at] = damaged[at : at + chance.randrange(2000)]
        elif kind == 5:
            del damaged[at:]
        else:
            other = chance.randrange(len(damaged) or 1)
            size = chance.randrange(200)
            damaged[at : at + size] = damaged[other : other + size]
    return bytes(damaged)


def decoders(seconds: int, seed: int) -> dict[str, object]:
    """Damage films and read them until the time is over."""
    from ipto.media.rights import provenance

    chance, tally, kept = random.Random(seed), Counter[str](), 0
    ends = time.monotonic() + seconds
    slowest = 0.0
    with tempfile.TemporaryDirectory(prefix="fuzz-media-") as scratch:
        folder = Path(scratch)
        films = _films(folder)
        path = folder / "film"
        while time.monotonic() < ends:
            data = damage(chance.choice(films), chance)
            path.write_bytes(data)
            name, read = chance.choice(
                [("probe", media.probe), ("poster", media.poster), ("credentials", provenance.read),
                 ("analyse", lambda film: media.analyse(film, with_pictures=chance.random() < 0.3))]
            )  # fmt: skip
            started = time.monotonic()
            try:
                read(path)
                tally[f"{name} read"] += 1
            except IptoError:
                tally[f"{name} refused"] += 1
            except Exception as error:
                tally[f"{name} failed"] += 1
                kept += 1
                KEPT.mkdir(parents=True, exist_ok=True)
                (KEPT / f"{name}-{kept}").write_bytes(data)
                print(f"{name}: {error!r}", flush=True)
            took = time.monotonic() - started
            slowest = max(slowest, took)
            if took > _LONGEST:
                tally[f"{name} too slow"] += 1
    return {"inputs": dict(sorted(tally.items())), "slowest_ms": round(slowest * 1000), "seed": seed}


def main() -> None:
    """Run both campaigns, record what they found, and fail when they found something."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=3600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--parsers", action="store_true", help="only this campaign, in this process")
    options = parser.parse_args()
    if options.parsers:
        parsers(options.seconds)
        return
    KEPT.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", _MODULE, "--parsers", "--seconds", str(options.seconds)]
    with (KEPT / "parsers.log").open("w+", encoding="utf-8") as log:
        child = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
        found = decoders(options.seconds, options.seed)
        code = child.wait()
        log.seek(0)
        text = log.read()
    executed = re.search(r"stat::number_of_executed_units:\s+(\d+)", text)
    record = {
        "command": f"make fuzz-media SECONDS={options.seconds}",
        "seconds": options.seconds,
        "parsers": {"inputs": int(executed[1]) if executed else 0, "failed": int(code != 0), "by": "atheris"},
        "decoders": found,
    }
    RESULT.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(record, indent=1))
    if code != 0 or any("failed" in name or "slow" in name for name in found["inputs"]):  # type: ignore[attr-defined]
        sys.exit(f"something failed; see {KEPT}")


if __name__ == "__main__":
    main()
