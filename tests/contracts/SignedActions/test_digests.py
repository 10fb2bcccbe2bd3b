# SPDX-License-Identifier: Apache-2.0
"""What the contract hashes is what eth-account hashes, for any message; and the domain is what EIP-5267 says."""

import json
import re
from typing import Any

import pytest
from eth_account.messages import _hash_eip191_message, encode_typed_data
from hypothesis import given
from hypothesis import strategies as st

from ipto import typed_data
from ipto.structs import ChainStruct, Dataset, Offer, Share, WorkInput
from tests.contracts.support.build import chain_id
from tests.contracts.support.contract import ROOT, Reverted, deploy, hostile, reverts
from tests.contracts.support.effort import effort
from tests.contracts.support.system import CONTRACTS, System, now

KINDS: list[type[Any]] = list(typed_data.ACTIONS)
VECTORS = ROOT / "tests" / "vectors" / "typed_data.json"


def values(kind: type[ChainStruct], **fixed: Any) -> st.SearchStrategy[Any]:
    """Messages with random fields; edges of every width come often."""

    def one(spec: Any) -> st.SearchStrategy[Any]:
        if spec.name in fixed:
            return st.just(fixed[spec.name])
        if spec.struct is not None and spec.is_array:
            return st.lists(values(spec.struct), max_size=3).map(tuple)
        if spec.struct is not None:
            return values(spec.struct)
        if spec.abi == "address":
            return st.binary(min_size=20, max_size=20).map(lambda raw: "0x" + raw.hex())
        if spec.abi == "bool":
            return st.booleans()
        if spec.abi == "bytes32":
            return st.binary(min_size=32, max_size=32)
        top = 2 ** int(spec.abi[4:]) - 1
        return st.one_of(st.sampled_from([0, 1, top]), st.integers(0, top))

    return st.builds(kind, **{spec.name: one(spec) for spec in kind.fields()})


@pytest.mark.parametrize("kind", KINDS)
@effort(6)
@given(data=st.data())
def test_any_message(system: System, kind: type[Any], data: st.DataObject) -> None:
    """The message fails further on, in random contracts; the signature check before it is what is watched."""
    wallet = hostile("Curious")
    message = data.draw(values(kind, actor=wallet.address, deadline=now()))
    domain = typed_data.signed_actions_domain(chain_id(), system.signed.address)
    payload = typed_data.TypedData(domain, message).to_json()
    expected = bytes(_hash_eip191_message(encode_typed_data(full_message=payload)))
    assert reason_of(system, kind.FUNCTION, message) == "signed: bad signature"
    wallet.expect(expected)
    assert reason_of(system, kind.FUNCTION, message) != "signed: bad signature"


def reason_of(system: System, name: str, message: Any) -> str:
    try:
        getattr(system.signed, name)(message, b"")
    except Reverted as error:
        return error.reason
    return "went through"


def test_domain(system: System) -> None:
    fields, name, version, chain, contract, salt, extensions = system.signed.eip712Domain()
    assert (fields, name, version) == (b"\x0f", "IPTO", "1")
    assert (chain, contract) == (chain_id(), system.signed.address)
    assert (salt, tuple(extensions)) == (bytes(32), ())


def test_type_strings_are_in_the_contract() -> None:
    source = (ROOT / "contracts" / "modules" / "message_types.vy").read_text()
    for kind in KINDS:
        name = re.sub("(?<=[a-z])(?=[A-Z])", "_", kind.__name__).upper()
        assert f'{name}: constant(bytes32) = keccak256(\n    "{typed_data.encode_type(kind)}"\n)' in source
    assert source.count("keccak256(") == len(KINDS)
    structs = (ROOT / "contracts" / "modules" / "typed_structs.vy").read_text()
    for text in (typed_data.encode_type(kind) for kind in (Dataset, Offer, WorkInput, Share)):
        assert f'"{text}"' in structs


def test_committed_vectors() -> None:
    """eth-account agrees with every committed vector."""
    for vector in json.loads(VECTORS.read_text())["vectors"]:
        digest = _hash_eip191_message(encode_typed_data(full_message=vector["typed_data"]))
        assert "0x" + bytes(digest).hex() == vector["digest"]


def test_bad_wiring() -> None:
    with reverts("signed: bad wiring"):
        deploy(CONTRACTS / "SignedActions.vy", "0x" + "0" * 40)
