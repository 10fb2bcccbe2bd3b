# SPDX-License-Identifier: Apache-2.0
"""Typed data: agrees with the compiled contracts, with eth-account, and with the committed vectors."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from ipto import typed_data
from ipto._struct import ChainStruct
from ipto.accounts import LocalSigner
from ipto.chain import abi
from ipto.errors import InputError, IntegrityError
from ipto.typed_data import (
    AcceptInvitation,
    Action,
    Domain,
    Onboard,
    Permit,
    PostOffers,
    ReceiveWithAuthorization,
    Redirect,
    TypedData,
)
from scripts import typed_data_vectors as vectors
from tests.ipto.strategies import addresses, structures, uints

MESSAGES: list[type[ChainStruct]] = [*typed_data.ACTIONS, ReceiveWithAuthorization, Permit, Redirect, AcceptInvitation]
INTERFACE = (Path(__file__).parents[2] / "contracts" / "interfaces" / "ISignedActions.vyi").read_text()
domains = st.builds(
    Domain, st.sampled_from(["IPTO", "Test USD"]), st.sampled_from(["1", "2"]), uints(53).filter(bool), addresses
)
data = st.builds(TypedData, domains, st.sampled_from(MESSAGES).flatmap(structures))
VECTORS = json.loads(vectors.OUTPUT.read_text())["vectors"]


def test_the_table_is_the_contract_s() -> None:
    """Every function that takes a message and a signature has its row, and no other."""
    functions = {item.name: item for item in abi("SignedActions").functions if "signature" in map(_name, item.inputs)}
    assert {kind.FUNCTION for kind in typed_data.ACTIONS} == set(functions)
    assert [kind.__name__ for kind in typed_data.ACTIONS] == re.findall(r"^struct (\w+):", INTERFACE, re.MULTILINE)
    for kind in typed_data.ACTIONS:
        assert next(spec.name for spec in kind.fields()) == "actor"
        assert [spec.name for spec in kind.fields()][-2:] == ["nonce", "deadline"]


def _name(param: Any) -> str:
    return str(param.name)


@pytest.mark.parametrize("kind", typed_data.ACTIONS)
def test_fields_are_the_contracts(kind: type[Action]) -> None:
    message = abi("SignedActions").function(kind.FUNCTION).inputs[0]
    assert kind.abi_type() == message.type
    for spec, part in zip(kind.fields(), message.components, strict=True):
        assert spec.chain_name == part.name
        if spec.struct is not None:
            assert [item.chain_name for item in spec.struct.fields()] == [item.name for item in part.components]


@pytest.mark.parametrize("kind", typed_data.ACTIONS)
def test_array_limits_are_the_interface_s(kind: type[Action]) -> None:
    """Vyper's bounds are not in the ABI; they are in the interface."""
    struct = INTERFACE.partition(f"struct {kind.__name__}:")[2].partition("\n\n")[0]
    bounds = {name: int(limit) for name, limit in re.findall(r"(\w+): DynArray\[types\.\w+, (\d+)\]", struct)}
    assert {spec.name: spec.max_items for spec in kind.fields() if spec.is_array} == bounds


def test_batch_limits_are_the_interface_s() -> None:
    bounds = re.search(r"calls: DynArray\[Bytes\[(\d+)\], (\d+)\], gas_limits: DynArray\[uint256, (\d+)\]", INTERFACE)
    assert bounds is not None
    assert [int(number) for number in bounds.groups()] == [
        typed_data.MAX_BATCH_CALL_BYTES,
        typed_data.MAX_BATCH_CALLS,
        typed_data.MAX_BATCH_CALLS,
    ]


@pytest.mark.parametrize("kind", typed_data.ACTIONS)
def test_targets_are_address_fields_and_contracts(kind: type[Action]) -> None:
    addresses_in = {spec.name for spec in kind.fields() if spec.abi == "address"}
    assert set(kind.TARGETS) <= addresses_in - {"actor"}
    assert all(name.isidentifier() and name[0].isupper() for name in kind.TARGETS.values())
    assert 100_000 <= kind.GAS < 2**24  # one transaction (EIP-7825)


def test_type_hashes_of_the_token_are_the_contract_s() -> None:
    """The hashes that USDC and others publish for EIP-3009 and EIP-2612."""
    assert typed_data.type_hash(ReceiveWithAuthorization).hex() == (
        "d099cc98ef71107a616c4f0f941f04c322d8e254fe26b3c6668db87aae413de8"
    )
    assert typed_data.type_hash(Permit).hex() == "6e71edae12b1b97f4d1f60370fef10105fa2faae0126114a169c64845d6126c9"


@given(data)
@settings(max_examples=60, deadline=None)
def test_eth_account_agrees(value: TypedData) -> None:
    """An independent implementation, fed with the JSON a wallet gets."""
    payload = json.loads(json.dumps(value.to_json()))
    signable = encode_typed_data(full_message=payload)
    assert signable.header == value.domain.separator
    assert signable.body == value.struct_hash
    assert keccak(b"\x19\x01" + signable.header + signable.body) == value.digest


@given(data, st.binary(min_size=32, max_size=32).filter(any))
@settings(max_examples=30, deadline=None)
def test_signatures_are_eth_account_s(value: TypedData, key: bytes) -> None:
    try:
        signer = LocalSigner(key)
    except InputError:  # above the curve's order
        return
    signature = signer.sign_typed_data(value)
    assert Account.sign_typed_data(key, full_message=value.to_json()).signature == signature
    assert typed_data.recover(value, signature) == signer.address == Account.from_key(key).address
    typed_data.verify(value, signature, signer.address.lower())


@given(data)
@settings(max_examples=40, deadline=None)
def test_json_loses_nothing(value: TypedData) -> None:
    payload = json.loads(json.dumps(value.to_json()))
    assert TypedData.from_json(payload, type(value.message)) == value


@given(data, st.data())
@settings(max_examples=60, deadline=None)
def test_every_field_counts(value: TypedData, draw: st.DataObject) -> None:
    """Changing any one field of message or domain changes the digest."""
    kind = type(value.message)
    spec = draw.draw(st.sampled_from(kind.fields()))
    other = getattr(draw.draw(structures(kind)), spec.name)
    fields = {item.name: getattr(value.message, item.name) for item in kind.fields()}
    changed = TypedData(value.domain, kind(**{**fields, spec.name: other}))
    assert (changed.digest == value.digest) == (other == fields[spec.name])
    elsewhere = draw.draw(domains)
    assert (TypedData(elsewhere, value.message).digest == value.digest) == (elsewhere == value.domain)


def test_there_are_vectors_of_every_message() -> None:
    seen = [vector["typed_data"]["primaryType"] for vector in VECTORS]
    assert {kind.chain_name() for kind in MESSAGES} == set(seen)
    for kind in typed_data.ACTIONS:
        assert seen.count(kind.chain_name()) >= 2


@pytest.mark.parametrize("bad", [0, 1, None, "true", "", []])
def test_a_consent_is_true_or_false(bad: object) -> None:
    message = vectors.sample(typed_data.SetConsent)
    with pytest.raises(InputError, match="neither true nor false"):
        typed_data.SetConsent.from_mapping({**message.to_json(), "given": bad})


def test_the_committed_vectors_are_what_the_code_makes() -> None:
    assert vectors.OUTPUT.read_text() == vectors.build()


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["name"]))
def test_vectors_in_eth_account(vector: dict[str, Any]) -> None:
    signable = encode_typed_data(full_message=vector["typed_data"])
    assert keccak(b"\x19\x01" + signable.header + signable.body).hex() == vector["digest"][2:]
    assert Account.recover_message(signable, signature=vector["signature"]) == vector["signer"]


def _sample() -> TypedData:
    return vectors.cases()["onboard with a split and two offers"][1]


def test_a_wrong_signature_is_told() -> None:
    value = _sample()
    signer, other = LocalSigner(b"\x01" * 32), LocalSigner(b"\x02" * 32)
    signature = signer.sign_typed_data(value)
    with pytest.raises(IntegrityError, match="sign again"):
        typed_data.verify(value, signature, other.address)
    # One flipped bit is another signer's signature, or nobody's.
    for position in range(0, 64, 7):
        broken = signature[:position] + bytes([signature[position] ^ 1]) + signature[position + 1 :]
        with pytest.raises((IntegrityError, InputError)):
            typed_data.verify(value, broken, signer.address)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (b"", "65 bytes"),
        (bytes(64), "65 bytes"),
        (bytes(66), "65 bytes"),
        (b"\x01" * 64 + b"\x00", "27 or 28"),
        (b"\x01" * 64 + b"\x1d", "27 or 28"),
        (b"\x01" * 32 + b"\xff" * 32 + b"\x1b", "upper half"),
        (bytes(64) + b"\x1b", "nobody"),
        (b"\xff" * 32 + b"\x01" * 32 + b"\x1b", "nobody"),
    ],
)
def test_malformed_signatures(bad: bytes, words: str) -> None:
    with pytest.raises((InputError, IntegrityError), match=words):
        typed_data.recover(_sample(), bad)


def test_the_other_valid_s_is_refused() -> None:
    """secp256k1 signatures are malleable; only the lower s counts."""
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    value = _sample()
    signature = LocalSigner(b"\x01" * 32).sign_typed_data(value)
    twin = signature[:32] + (order - int.from_bytes(signature[32:64], "big")).to_bytes(32, "big")
    with pytest.raises(InputError, match="upper half"):
        typed_data.recover(value, twin + bytes([55 - signature[64]]))


def test_foreign_payloads_are_refused() -> None:
    """A payload with other types could show one thing and mean another."""
    good = _sample().to_json()
    types = json.loads(json.dumps(good["types"]))
    types["Offer"][8]["type"] = "uint256"
    broken: list[dict[str, Any]] = [
        {**good, "types": types},
        {**good, "primaryType": "PostOffers"},
        {**good, "domain": {"name": "IPTO"}},
        {**good, "domain": {**good["domain"], "chainId": "31337"}},
        {**good, "message": {**good["message"], "extra": 1}},
        {**good, "message": []},
        {},
    ]
    for payload in broken:
        with pytest.raises(InputError):
            TypedData.from_json(payload, Onboard)
    with pytest.raises(InputError):
        TypedData.from_json(good, PostOffers)


def test_too_many_offers_are_refused() -> None:
    with pytest.raises(InputError, match="at most 8"):
        vectors.onboard(0, 9)
