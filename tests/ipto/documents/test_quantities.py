# SPDX-License-Identifier: Apache-2.0
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipto.errors import InputError
from ipto.quantities import (
    ETHER,
    MAX_PRICE,
    Currency,
    describe_scene,
    describe_term,
    format_amount,
    format_time,
    parse_price,
    parse_scene,
    parse_term,
)
from ipto.structs import PERPETUAL, WHOLE_END_MS

from .conftest import USDC

currencies = st.integers(0, 24).map(lambda decimals: Currency("TOK", "0x" + "33" * 20, decimals))


@given(st.integers(0, MAX_PRICE), currencies)
def test_prices_read_back_exactly(amount: int, currency: Currency) -> None:
    text = format_amount(amount, currency)
    assert parse_price(text, [currency]) == (amount, currency)
    with localcontext() as context:
        context.prec = 60
        assert Decimal(text.split()[0]).scaleb(currency.decimals) == amount


def test_prices_as_people_write_them() -> None:
    known = [ETHER, USDC]
    for text, amount, currency in [
        ("25 USDC", 25_000_000, USDC),
        ("25usdc", 25_000_000, USDC),
        (" 0.000001 USDC ", 1, USDC),
        ("25.50 USDC", 25_500_000, USDC),
        ("0.01 ETH", 10**16, ETHER),
        ("0 eth", 0, ETHER),
    ]:
        assert parse_price(text, known) == (amount, currency)
    assert format_amount(25_500_000, USDC) == "25.5 USDC"
    assert format_amount(-1, USDC) == "-0.000001 USDC"
    assert format_amount(7, Currency("YEN", USDC.address, 0)) == "7 YEN"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a price"),
        ("25", "not a price"),
        ("USDC", "not a price"),
        ("25 DOGE", "not known.*ETH, USDC"),
        ("0.0000001 USDC", "6 decimals, 7 were written"),
        ("-1 USDC", "negative"),
        ("1e3 USDC", "not an amount"),
        ("1,5 USDC", "not an amount"),
        ("1_000 USDC", "not an amount"),
        ("+1 USDC", "not an amount"),
        (".5 USDC", "not an amount"),
        ("5. USDC", "not an amount"),
        ("0x10 USDC", "not an amount"),
        ("٢٥ USDC", "not an amount"),
        ("nan USDC", "not an amount"),
        (f"{2**96} YEN", "2\\*\\*96 - 1"),
        (f"{2**256} ETH", "not an amount|2\\*\\*96"),
        ("9" * 5000 + " ETH", "not an amount"),
        ("1 USDC; 2 USDC", "not a price"),
    ],
)
def test_prices_that_are_none(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_price(text, [ETHER, USDC, Currency("YEN", USDC.address, 0)] if "YEN" in text else [ETHER, USDC])


def test_largest_price() -> None:
    yen = Currency("YEN", USDC.address, 0)
    assert parse_price(f"{MAX_PRICE} YEN", [yen])[0] == MAX_PRICE
    with pytest.raises(InputError):
        parse_price(f"{MAX_PRICE + 1} YEN", [yen])


def test_terms() -> None:
    assert parse_term("1y") == 31_536_000
    assert parse_term("30d") == 2_592_000
    assert parse_term("2 w") == 1_209_600
    assert parse_term("12h") == 43_200
    assert parse_term("Perpetual") == PERPETUAL
    assert describe_term(31_536_000) == "1 year"
    assert describe_term(90 * 86_400) == "90 days"
    assert describe_term(3601) == "3601 seconds"
    assert describe_term(PERPETUAL) == "without end"
    for text in ("", "1", "0d", "-1d", "1.5y", "6m", "1y2d", "99999999y", "١d"):
        with pytest.raises(InputError, match="term"):
            parse_term(text)


@given(st.integers(0, WHOLE_END_MS - 2), st.integers(0, WHOLE_END_MS - 2))
def test_scenes_read_back(one: int, two: int) -> None:
    start, end = min(one, two), max(one, two) + 1
    assert parse_scene(f"{format_time(start)}-{format_time(end)}") == (start, end)
    assert describe_scene(start, end) == f"scene {format_time(start)}–{format_time(end)}"


def test_scenes_as_people_write_them() -> None:
    assert parse_scene("0:05-0:12.5") == (5_000, 12_500)
    assert parse_scene("0:05–0:12.5") == (5_000, 12_500)
    assert parse_scene("1:02:03 - 1:02:10") == (3_723_000, 3_730_000)
    assert parse_scene("5-12.5") == (5_000, 12_500)
    assert parse_scene("whole") == (0, WHOLE_END_MS)
    assert describe_scene(0, WHOLE_END_MS) == "the whole video"
    assert describe_scene(5_000, WHOLE_END_MS) == "scene 0:05–the end"
    for text in (
        "",
        "0:05",
        "0:12-0:05",
        "5-5",
        "0:61-0:70",
        "1:60:00-1:61:00",
        "a-b",
        "-5-6",
        "0:00.0001-1",
        "0-4294967.295",
    ):
        with pytest.raises(InputError):
            parse_scene(text)


def test_currencies() -> None:
    for decimals in (-1, 37):
        with pytest.raises(InputError, match="decimals"):
            Currency("X", USDC.address, decimals)
    with pytest.raises(InputError, match="address"):
        Currency("X", "usdc", 6)
    with pytest.raises(InputError, match="names 2"):
        parse_price("1 USDC", [USDC, Currency("usdc", "0x" + "44" * 20, 6)])
