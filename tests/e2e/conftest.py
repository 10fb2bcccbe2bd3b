# SPDX-License-Identifier: Apache-2.0
"""One running stack for each worker; whoever kills a part of it starts it again."""

from collections.abc import Iterator

import pytest

from ipto.stack import Stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("stack") / "home") as running:
        yield running
