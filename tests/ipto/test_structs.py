# SPDX-License-Identifier: Apache-2.0
"""The structures: their table is the compiled contracts', their checks refuse what does not fit."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import decode, encode
from hypothesis import given
from hypothesis import strategies as st

from ipto import structs
from ipto._abi import Param
from ipto._struct import ChainStruct
from ipto.chain import abi
from ipto.errors import InputError
from ipto.structs import Authorization, Dataset, Offer, Share, WorkInput, checksum_address
from tests.ipto.strategies import structures

ALL: list[type[ChainStruct]] = [Share, WorkInput, Offer, Authorization, Dataset]
TYPES = Path(__file__).parents[2] / "contracts" / "interfaces" / "types.vyi"

OFFER = Offer(
    7, "0x" + "11" * 20, 1, 1, 0, 0, 9, structs.ETH, 5, 9, 0, 0, 0, 0, 1, 1, structs.ZERO_ADDRESS, 0, 9, 0, bytes(32)
)


def _compiled(contract: str, function: str, argument: str) -> Param:
    return next(param for param in abi(contract).function(function).inputs if param.name == argument)


@pytest.mark.parametrize(
    ("kind", "where"),
    [
        (Offer, ("LicenseMarket", "post", "offer")),
        (Share, ("RoyaltyVault", "declare_split", "shares")),
        (Dataset, ("DatasetMarket", "open", "dataset")),
        (WorkInput, ("WorkRegistry", "register", "work")),
        (Authorization, ("LicenseMarket", "mint_with_authorization", "authorization")),
    ],
)
def test_fields_are_the_contracts(kind: type[ChainStruct], where: tuple[str, str, str]) -> None:
    components = _compiled(*where).components
    assert [(spec.chain_name, spec.abi) for spec in kind.fields()] == [(part.name, part.type) for part in components]


@pytest.mark.parametrize(
    ("codes", "field"),
    [(structs.Usage, "usages"), (structs.Aspect, "aspects"), (structs.Forbid, "forbids"), (structs.OfferFlag, "flags")],
)
def test_bits_are_in_the_order_of_the_interface(codes: Any, field: str) -> None:
    """Bit i is the i-th name of the comment that defines it."""
    comment = re.search(rf"^ +{field}: uint\d+  # bits: (.+)$", TYPES.read_text(), re.MULTILINE)
    assert comment is not None
    assert [(code.name, code.value) for code in codes] == [
        (name, 1 << bit) for bit, name in enumerate(comment[1].split(", "))
    ]


@pytest.mark.parametrize(("codes", "field"), [(structs.Unit, "unit"), (structs.AfterTerm, "after_term")])
def test_codes_are_those_of_the_interface(codes: Any, field: str) -> None:
    comment = re.search(rf"^ +{field}: uint8  # (.+)$", TYPES.read_text(), re.MULTILINE)
    assert comment is not None
    assert [f"{code.value} {code.name}".lower() for code in codes] == comment[1].lower().split(", ")


@given(st.sampled_from(ALL).flatmap(structures))
def test_json_and_tuple_lose_nothing(value: ChainStruct) -> None:
    kind = type(value)
    # As another program reads it: numbers beyond 53 bits would come back changed.
    foreign = json.loads(json.dumps(value.to_json()), parse_int=lambda text: int(float(text)))
    assert kind.from_mapping(foreign) == value
    assert kind.from_tuple(value.as_tuple()) == value
    (decoded,) = decode([kind.abi_type()], encode([kind.abi_type()], [value.as_tuple()]))
    assert kind.from_tuple(decoded) == value


@given(st.sampled_from(ALL).flatmap(lambda kind: st.tuples(structures(kind), st.sampled_from(kind.fields()))))
def test_one_too_much_is_refused(drawn: tuple[ChainStruct, Any]) -> None:
    value, spec = drawn
    bad = {"address": "0x12", "bytes32": b"short"}.get(spec.abi)
    if bad is None:
        bad = 1 << int(spec.abi.removeprefix("uint"))
    fields = {name: getattr(value, name) for name in (item.name for item in type(value).fields())}
    with pytest.raises(InputError, match=spec.name):
        type(value)(**{**fields, spec.name: bad})


@pytest.mark.parametrize("bad", [-1, 2**96, 2**256, 2**5000, 1.0, "5", True, None, b"5", [5]])
def test_a_price_must_be_a_whole_number_that_fits(bad: Any) -> None:
    with pytest.raises(InputError, match=r"Offer\.price") as caught:
        Offer(**{**{s.name: getattr(OFFER, s.name) for s in Offer.fields()}, "price": bad})
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("bad", ["", "-1", "+1", "1.0", "1e3", " 1", "0x1", "01", "٣", "1_000", "9" * 79, 1.5, None])
def test_decimal_strings_are_read_strictly(bad: Any) -> None:
    with pytest.raises(InputError, match="price"):
        Offer.from_mapping({**OFFER.to_json(), "price": bad})


def test_missing_and_unknown_fields_are_named() -> None:
    data = OFFER.to_json()
    del data["price"]
    with pytest.raises(InputError, match="missing price"):
        Offer.from_mapping(data)
    with pytest.raises(InputError, match="prize"):
        Offer.from_mapping({**OFFER.to_json(), "prize": 1})
    for nothing in (None, [], "offer", 5):
        with pytest.raises(InputError):
            Offer.from_mapping(nothing)  # type: ignore[arg-type]


def test_addresses_are_checksummed() -> None:
    good = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"  # an example of EIP-55
    assert checksum_address(good.lower()) == good
    assert checksum_address("0x" + good[2:].upper()) == good
    for bad in (good.replace("5aA", "5aa"), good[2:], good + "0", "", 5, None, bytes(20), good + "\n"):
        with pytest.raises(InputError):
            checksum_address(bad)


def test_values_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        OFFER.price = 1  # type: ignore[misc]
    assert hash(OFFER) == hash(Offer.from_mapping(OFFER.to_json()))


def test_the_zero_width_ends() -> None:
    assert structs.WHOLE_END_MS == structs.UNLIMITED == 2**32 - 1
    assert structs.PERPETUAL == structs.NEVER == 2**40 - 1
    assert checksum_address(structs.ETH.lower()) == structs.ETH
