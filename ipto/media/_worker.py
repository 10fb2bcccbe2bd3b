# SPDX-License-Identifier: Apache-2.0
"""Reads one hostile file in a process of its own, under limits it sets before it opens anything.

    python -I _worker.py LIMITS-JSON (probe | poster WIDTH) FILE

Writes one line of JSON to standard output, and the JPEG after it for `poster`. Imports nothing of this library, so that
nothing of it is in reach. The demuxer is chosen here by the file's first bytes and reads through an open file:
playlists and other formats that name further files or addresses are never followed.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
from fractions import Fraction
from typing import Any, BinaryIO, NoReturn

MAX_PIXELS = 16_384 * 16_384
MAX_STREAMS = 64
MAX_TAGS = 64
MAX_SPANS = 1000
MAX_GAP = 120  # seconds between two pictures; longer ones would be filled with copies
MAX_TAG = 4000  # characters
# Names of FFmpeg demuxers by what a file begins with (offset, bytes).
_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (4, b"ftyp", "mov"),
    (4, b"moov", "mov"),
    (4, b"wide", "mov"),
    (4, b"free", "mov"),
    (4, b"mdat", "mov"),
    (0, b"\x1a\x45\xdf\xa3", "matroska"),
    (8, b"AVI ", "avi"),
    (0, b"OggS", "ogg"),
    (0, b"FLV\x01", "flv"),
    (0, b"\x00\x00\x01\xba", "mpeg"),
)


class RefusedError(Exception):
    """The file cannot be used; the text is a reason that `ipto.media` knows."""


def main(arguments: list[str]) -> None:
    """Run one command; the result or the reason goes to standard output."""
    _limit(json.loads(arguments[0]))
    command, name = arguments[1], arguments[-1]
    result: dict[str, Any]
    data = b""
    try:
        with open(name, "rb") as file:  # noqa: PTH123  # no more imports than needed
            if command == "probe":
                result = _probe(file)
            else:
                result, data = _poster(file, int(arguments[2]))
    except RefusedError as error:
        result = {"refused": str(error)}
    except MemoryError:
        result = {"refused": "memory"}
    sys.stdout.buffer.write(json.dumps(result).encode() + b"\n" + data)


def _limit(limits: dict[str, int]) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (limits["cpu_seconds"], limits["cpu_seconds"] + 1))
    resource.setrlimit(resource.RLIMIT_AS, (limits["memory_bytes"], limits["memory_bytes"]))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)


def _demuxer(file: BinaryIO) -> str:
    head = file.read(400)
    file.seek(0)
    if not head:
        raise RefusedError("empty")
    for offset, magic, name in _MAGIC:
        if head[offset : offset + len(magic)] == magic:
            return name
    if len(head) > 376 and head[0] == head[188] == head[376] == 0x47:
        return "mpegts"
    raise RefusedError("not_video")


def _check_boxes(file: BinaryIO) -> None:
    """An MP4 or MOV is a row of boxes that state their size (ISO 14496-12): the last must end where the file does."""
    end = file.seek(0, 2)
    position = 0
    while position + 8 <= end:
        file.seek(position)
        head = file.read(16)
        size = int.from_bytes(head[:4], "big")
        if size == 1 and len(head) == 16:
            size = int.from_bytes(head[8:], "big")
        if size == 0:  # to the end of the file
            break
        if size < 8:  # not a box: the rest is something else, and not needed
            break
        position += size
    if position > end:
        raise RefusedError("truncated")
    file.seek(0)


def _open(file: BinaryIO) -> Any:
    import av  # after the limits are set

    name = _demuxer(file)
    if name == "mov":
        _check_boxes(file)
    av.logging.set_level(None)
    try:
        container = av.open(file, format=name, options={"protocol_whitelist": "none", "enable_drefs": "0"})
    except (av.error.FFmpegError, ValueError, OSError) as error:
        raise RefusedError("broken") from error
    if len(container.streams) > MAX_STREAMS:
        raise RefusedError("broken")
    # Album art in a sound file is not a video.
    pictures = av.stream.Disposition.attached_pic
    videos = [stream for stream in container.streams.video if not stream.disposition & pictures]
    if not videos:
        raise RefusedError("audio_only" if container.streams.audio else "not_video")
    return container, videos[0]


def _probe(file: BinaryIO) -> dict[str, Any]:
    import av

    container, stream = _open(file)
    context = stream.codec_context
    if context.name is None or not 0 < context.width * context.height <= MAX_PIXELS:
        raise RefusedError("broken")
    frame = _first_frame(container, stream)
    width, height = frame.width, frame.height
    if frame.rotation % 180:
        width, height = height, width
    rate = stream.average_rate or stream.guessed_rate or stream.base_rate
    stated = _seconds(stream.duration, stream.time_base) or _seconds(container.duration, Fraction(1, av.time_base))
    container.seek(0)
    seen, count, is_corrupt = Fraction(0), 0, False
    spans: set[int] = set()
    begin: Fraction | None = None
    try:
        for packet in container.demux(stream):
            if packet.size == 0:  # the end is marked by an empty packet
                continue
            count += 1
            is_corrupt = is_corrupt or packet.is_corrupt
            if packet.duration and len(spans) < MAX_SPANS:
                spans.add(packet.duration)
            if packet.pts is not None:
                time = packet.pts * stream.time_base
                if begin is not None and time - max(seen, begin) > MAX_GAP:
                    raise RefusedError("jump")
                begin = time if begin is None else min(begin, time)
                seen = max(seen, time + (packet.duration or 0) * stream.time_base)
    except av.error.FFmpegError as error:
        raise RefusedError("truncated") from error
    seen -= begin or 0
    if is_corrupt or (stream.frames and count < stream.frames) or (stated and seen < stated * Fraction(9, 10)):
        raise RefusedError("truncated")
    duration_ms = round((stated or seen) * 1000)
    if duration_ms <= 0 or count < 2:
        raise RefusedError("no_duration")
    if rate is None or rate <= 0:
        rate = Fraction(count) / (Fraction(duration_ms) / 1000)
    rate = Fraction(rate).limit_denominator(100_000)
    audio = container.streams.audio[0] if container.streams.audio else None
    file.seek(0)
    transfer = getattr(frame, "color_trc", None)
    return {
        "demuxer": _demuxer(file),
        "tags": _tags(container, stream),
        "is_hdr": transfer in (16, 18),  # SMPTE ST 2084 and HLG (ITU-T H.273)
        "bit_depth": max((component.bits for component in frame.format.components), default=8),
        "rotation": frame.rotation % 360,
        "is_variable": len(spans) > 1 and max(spans) > 1.5 * min(spans),
        "duration_ms": duration_ms,
        "width": width,
        "height": height,
        "frame_rate": f"{rate.numerator}/{rate.denominator}",
        "codec": context.name,
        "container": _container_name(container, context.name),
        "audio": audio
        and {
            "codec": audio.codec_context.name,
            "channels": audio.codec_context.channels,
            "sample_rate": audio.codec_context.sample_rate,
        },
    }


def _tags(container: Any, stream: Any) -> dict[str, str]:
    """What the container says in words, cut to a size that harms nobody."""
    found: dict[str, str] = {}
    for source in (container.metadata, stream.metadata):
        for key, value in source.items():
            if len(found) < MAX_TAGS:
                found.setdefault(str(key).lower()[:64], str(value)[:MAX_TAG])
    return found


def _first_frame(container: Any, stream: Any) -> Any:
    import av

    stream.thread_count = 1
    try:
        for frame in container.decode(stream):
            return frame
    except (av.error.FFmpegError, EOFError) as error:
        raise RefusedError("broken") from error
    raise RefusedError("truncated")


def _container_name(container: Any, codec: str) -> str:
    names = str(container.format.name).split(",")
    if "mov" in names:
        return "mov" if container.metadata.get("major_brand", "").strip() == "qt" else "mp4"
    if "matroska" in names:
        return "webm" if codec in ("vp8", "vp9", "av1") else "mkv"
    return names[0]


def _seconds(ticks: int | None, base: Fraction | None) -> Fraction:
    return Fraction(0) if ticks is None or base is None or ticks < 0 else ticks * base


def _poster(file: BinaryIO, width: int) -> tuple[dict[str, Any], bytes]:
    import av

    container, stream = _open(file)
    stream.thread_count = 1
    # A third of the way in: beyond titles and black beginnings.
    if container.duration:
        container.seek(container.duration // 3)
    try:
        frame = _first_frame(container, stream)
    except RefusedError:
        container.seek(0)
        frame = _first_frame(container, stream)
    if not 0 < frame.width * frame.height <= MAX_PIXELS:
        raise RefusedError("broken")
    try:
        return {}, _jpeg(frame, width)
    except (av.error.FFmpegError, ValueError) as error:
        raise RefusedError("broken") from error


def _jpeg(frame: Any, max_width: int) -> bytes:
    import av

    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base or Fraction(1, 25)
    )
    # The display matrix says how far to turn counter-clockwise.
    turns = (
        {90: ["cclock"], 180: ["clock", "clock"], 270: ["clock"]}[frame.rotation % 360] if frame.rotation % 360 else []
    )
    last: Any = source
    for direction in turns:
        step = graph.add("transpose", direction)
        last.link_to(step)
        last = step
    # Even sizes, never enlarged.
    for name, value in (
        ("scale", f"trunc(min(iw\\,{max_width})/2)*2:-2:out_range=pc"),
        ("format", "yuvj420p"),
        ("buffersink", None),
    ):
        step = graph.add(name, value) if value else graph.add(name)
        last.link_to(step)
        last = step
    graph.configure()
    source.push(frame)
    scaled: Any = last.pull()
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt = scaled.width, scaled.height, "yuvj420p"
    encoder.time_base = Fraction(1, 25)
    encoder.options = {"flags": "+bitexact+qscale", "global_quality": str(3 * 118)}  # quality 3 of 2 (best) to 31
    scaled.pts = 0
    return b"".join(bytes(packet) for packet in [*encoder.encode(scaled), *encoder.encode(None)])


def _end() -> NoReturn:
    sys.stdout.flush()
    raise SystemExit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
    _end()
