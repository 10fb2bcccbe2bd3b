# SPDX-License-Identifier: Apache-2.0
"""A valid message of each kind, meant for a contract that agrees to everything and says what it was asked."""

from __future__ import annotations

import itertools
from typing import Any

import boa
from eth_utils import keccak, to_checksum_address

from ipto.structs import Dataset, Offer, Share, WorkInput
from ipto.typed_data import ACTIONS, Action
from tests.contracts.support.build import digest, even_split, offer_for, work_input
from tests.contracts.support.contract import Contract
from tests.contracts.support.system import System, now

AGREED = (32).to_bytes(32, "big")  # the recorder's answer to every question; after it an empty word
_EVENT = {"type": "event", "name": "Called", "inputs": [{"name": "data", "type": "bytes", "indexed": False}]}
_CODE = (
    "60205f52"  # MSTORE(0, 32)
    "36602052"  # MSTORE(32, CALLDATASIZE)
    "365f604037"  # CALLDATACOPY(64, 0, CALLDATASIZE)
    f"7f{keccak(text='Called(bytes)').hex()}3660600"
    "15fa1"  # LOG1(0, CALLDATASIZE + 96, Called)
    "60205f52"  # MSTORE(0, 32)
    "5f602052"  # MSTORE(32, 0)
    "60405ff3"  # RETURN(0, 64)
)
_nonces = itertools.count(1)


def recorder() -> Contract:
    """A contract that logs `Called(calldata)` and answers anything with the word 32 and the word 0."""
    address = boa.env.generate_address()
    boa.env.set_code(address, bytes.fromhex(_CODE))
    return Contract(to_checksum_address(str(address)), [_EVENT])


def message_for(system: System, kind: type[Action], target: str, actor: str | None = None, **changes: Any) -> Action:
    """A message of the actor's, the creator's by default, that names `target` as every contract it is meant for."""
    actor = str(actor or system.creator)
    offer = offer_for(1, actor)
    shared = {spec.name for spec in Dataset.fields()} & {spec.name for spec in Offer.fields()}
    terms = {name: getattr(offer, name) for name in shared}
    structs: dict[type, list[Any]] = {
        Share: even_split(actor, system.dancer, system.editor),
        WorkInput: [work_input(payee=AGREED), work_input(payee=AGREED)],
        Offer: [offer_for(1, actor, terms=digest()), offer_for(2, actor, terms=digest())],
        Dataset: [Dataset(**terms, curator=actor, curator_fee_bps=100, salt=digest())],
    }
    values: dict[str, Any] = {}
    for spec in kind.fields():
        if spec.struct is not None:
            values[spec.name] = tuple(structs[spec.struct]) if spec.is_array else structs[spec.struct][0]
        elif spec.abi == "address":
            values[spec.name] = target if spec.name in kind.TARGETS else str(system.heir)
        elif spec.abi == "bytes32":
            values[spec.name] = digest()
        else:
            values[spec.name] = True if spec.abi == "bool" else next(_nonces)
    values |= {"actor": actor, "deadline": now() + 3600}
    return kind(**(values | changes))


def kinds() -> list[type[Action]]:
    """Every message there is."""
    return list(ACTIONS)
