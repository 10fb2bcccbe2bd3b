# SPDX-License-Identifier: Apache-2.0
"""What every program of the relayer does around its work: it logs, and says in words why it cannot go on."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import click
from pydantic import ValidationError

from ipto.errors import IptoError


@contextmanager
def told(settings: str) -> Iterator[None]:
    """Log to stderr; wrong settings, refusals and errors of the system end the program with a message.

    settings: what the settings are called in it.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # httpx logs URLs, and RPC URLs carry API keys.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        yield
    except ValidationError as error:
        # Not its own text: that repeats the values.
        wrong = "; ".join(f"{'.'.join(map(str, item['loc'])) or 'settings'}: {item['msg']}" for item in error.errors())
        raise click.ClickException(f"{settings}: {wrong}") from None
    except (IptoError, OSError) as error:
        raise click.ClickException(str(error)) from None
