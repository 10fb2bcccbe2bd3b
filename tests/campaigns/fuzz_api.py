# SPDX-License-Identifier: Apache-2.0
"""The indexer's whole OpenAPI description, at length, on both databases; writes bench/results/api-fuzz.json.

    python -m tests.campaigns.fuzz_api --examples 200 --chains 300

Each operation is asked so often with good and as often with bad parameters, then chains of operations are walked along
the description's links. The first answer that breaks the description ends the campaign with the request to repeat it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import schemathesis

from ipto.content import LocalStore
from ipto.deploy import Parameters, deploy, install_factory
from ipto.devchain import DevChain
from tests.indexer.fuzzing import along_links, each_operation, loaded
from tests.indexer.saga import tell
from tests.indexer.served import STILL, Served
from tests.indexer.world import World
from tests.support.postgres import PostgresServer

RESULT = Path(__file__).parents[2] / "bench" / "results" / "api-fuzz.json"
_STEPS = 8


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=200, help="of each operation, good and bad each")
    parser.add_argument("--chains", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    found: dict[str, Any] = {"examples": given.examples, "chains": given.chains, "seed": given.seed}
    with DevChain() as chain, PostgresServer() as postgres, tempfile.TemporaryDirectory() as folder:
        owner = chain.signers[0]
        install_factory(chain.rpc, owner)
        world = World(
            chain, deploy(chain.rpc, owner, Parameters(owner.address), test_token=True), random.Random("saga")
        )
        notice = tell(world).notice
        for name in ("sqlite", "postgresql"):
            place = Path(folder) / name
            place.mkdir()
            LocalStore(place / "content").put_document(notice)
            url = postgres.new_database() if name == "postgresql" else f"sqlite:///{place / 'a.db'}"
            found[name] = _round(world, place, url, given)
    versions = {"schemathesis": schemathesis.SCHEMATHESIS_VERSION, "cores": os.cpu_count()}
    RESULT.write_text(json.dumps({**found, **versions}, indent=2, sort_keys=True) + "\n")
    print(f"written to {RESULT.name}")


def _round(world: World, folder: Path, url: str, given: argparse.Namespace) -> dict[str, Any]:
    content = str(folder / "content")
    server = Served(world, folder, DATABASE=url, CONTENT_FOLDER=content, RATE_LIMIT="0", **STILL)
    try:
        server.catch_up()
        start, schema = time.monotonic(), loaded(server.url)
        seen = each_operation(schema, given.examples, given.seed)
        reached = along_links(schema, given.chains, _STEPS)
    finally:
        server.close()
    statuses = sum(seen.values(), Counter())
    return {
        "operations": len(seen),
        "requests": statuses.total() + reached.total(),
        "by_status": {str(status): count for status, count in sorted(statuses.items())},
        "along_links": reached.total(),
        "operations_along_links": len({text.rsplit(" ", 1)[0] for text in reached}),
        "failures": 0,  # the first one would have ended the campaign
        "seconds": round(time.monotonic() - start),
    }


if __name__ == "__main__":
    main()
