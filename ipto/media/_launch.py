# SPDX-License-Identifier: Apache-2.0
"""Sets limits on itself, then becomes another program: `python -I _launch.py LIMITS-JSON PROGRAM ARGUMENT…`.

Done in a process of its own because limits set between fork and exec are not safe in a parent that has threads.
"""

from __future__ import annotations

import json
import os
import resource
import sys


def main(arguments: list[str]) -> None:
    """Limit this process and replace it. It has no environment and may write to no file, only to pipes it was given."""
    limits = json.loads(arguments[0])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (limits["cpu_seconds"], limits["cpu_seconds"] + 1))
    resource.setrlimit(resource.RLIMIT_AS, (limits["memory_bytes"], limits["memory_bytes"]))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    os.nice(limits.get("nice", 0))
    os.execve(arguments[1], arguments[1:], {})  # noqa: S606  # no shell, no environment


if __name__ == "__main__":
    main(sys.argv[1:])
