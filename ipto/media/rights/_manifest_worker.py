# SPDX-License-Identifier: Apache-2.0
"""Reads the C2PA manifest of one hostile file, in a process of its own whose limits `_launch.py` set.

    python -I _manifest_worker.py DESCRIPTOR MIME-TYPE SETTINGS-JSON

Writes one JSON object to standard output, at most a megabyte of manifest in it. Opens no address: remote manifests are
named, not fetched.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

MAX_MANIFEST = 1024 * 1024


def main(arguments: list[str]) -> None:
    """Read and report."""
    from c2pa import Context, Reader, Settings

    result: dict[str, Any]
    try:
        context = Context(Settings.from_json(arguments[2]))
        with os.fdopen(int(arguments[0]), "rb", closefd=False) as file:
            reader = Reader.try_create(arguments[1], file, context=context)
            if reader is None:
                result = {"state": None}
            else:
                text = reader.json()
                if len(text) > MAX_MANIFEST:
                    result = {"refused": "large"}
                else:
                    result = {"state": str(reader.get_validation_state()), "manifest": json.loads(text)}
    except Exception as error:
        result = {"refused": "unreadable", "why": str(error)[:300]}
    sys.stdout.write(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1:])
