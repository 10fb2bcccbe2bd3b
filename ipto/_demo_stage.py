# SPDX-License-Identifier: Apache-2.0
"""What the later steps of the demo work with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ipto.accounts import Signer
from ipto.chain import Deployment
from ipto.content import ContentStore
from ipto.devchain import DevChain
from ipto.quantities import Currency
from ipto.rpc import Rpc

__all__ = ["Stage"]


@dataclass(frozen=True, slots=True)
class Stage:
    """One stack and a few people. line: prints a named line; expect: fails the demo when something is not true."""

    chain: DevChain
    deployment: Deployment
    rpc: Rpc
    store: ContentStore
    currency: Currency  # the test stablecoin
    licensee: Signer
    keeper: Signer  # anyone who pays the gas
    line: Callable[[str, str], None]
    expect: Callable[[bool, str], None]
