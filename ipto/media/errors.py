# SPDX-License-Identifier: Apache-2.0
"""Why a file cannot be used, in words that say what to do."""

from __future__ import annotations

from ipto.errors import InputError, IptoError

_REASONS = {
    "empty": "is empty (0 bytes); choose the finished file",
    "not_video": "is not a video this library can read; choose an mp4, mov, webm, mkv, avi, ogg, flv or MPEG file",
    "broken": "looks like a video but cannot be decoded; export it again",
    "audio_only": "holds sound but no pictures; choose a video",
    "truncated": "is cut off: it holds less than it says; copy or download it again",
    "no_duration": "holds one picture but no moving ones, or has no duration; choose a video",
    "memory": "needs more memory to decode than is allowed; export it at a lower resolution",
    "jump": "has timestamps that jump by minutes; export it again with a constant frame rate",
    "slow": "took longer to read than is allowed; it may be damaged, or raise the limit",
    "output": "decodes to far more than it says it holds; export it again",
    "changed": "changed while it was read; wait until it is finished, then try again",
}


class MediaError(InputError):
    """A file is not a video that can be registered."""


class CancelledError(IptoError):
    """The caller asked to stop; what was done so far can be resumed when a checkpoint was named."""


def reason(code: str) -> str:
    """The rest of a sentence that begins with a file's name."""
    return _REASONS[code]
