# SPDX-License-Identifier: Apache-2.0
"""Finding registered films again, wherever they turn up: `find(fingerprint, catalog)`, the command `ipto trace`."""

from ipto.trace.catalogs import build, load_work, registered
from ipto.trace.index import ExactIndex, FaissIndex, SceneIndex
from ipto.trace.match import Catalog, Match, SceneMatch, Work, trace
from ipto.trace.report import Finding, find, sound_index

__all__ = [
    "Catalog",
    "ExactIndex",
    "FaissIndex",
    "Finding",
    "Match",
    "SceneIndex",
    "SceneMatch",
    "Work",
    "build",
    "find",
    "load_work",
    "registered",
    "sound_index",
    "trace",
]
