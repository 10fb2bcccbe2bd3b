# SPDX-License-Identifier: Apache-2.0
"""Prices, terms and scenes as people write them, read and written exactly: whole numbers inside, no floats anywhere."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ipto.errors import InputError
from ipto.structs import ETH, PERPETUAL, WHOLE_END_MS, checksum_address

__all__ = [
    "ETHER",
    "MAX_PRICE",
    "Currency",
    "describe_scene",
    "describe_term",
    "format_amount",
    "format_time",
    "parse_amount",
    "parse_price",
    "parse_scene",
    "parse_term",
]

MAX_PRICE = 2**96 - 1  # the largest price an offer can hold, in the smallest unit

_AMOUNT = re.compile(r"([0-9]{1,40})(?:\.([0-9]{1,40}))?", re.ASCII)
_PRICE = re.compile(r"(\S+)\s+([A-Za-z][A-Za-z0-9.+-]{0,31})|([0-9.]+)([A-Za-z][A-Za-z0-9+-]{0,31})", re.ASCII)
_SECONDS = {"s": 1, "h": 3600, "d": 86_400, "w": 604_800, "y": 31_536_000}
_TERM = re.compile(r"([1-9][0-9]{0,12})\s*(s|h|d|w|y)", re.ASCII)
_TIME = re.compile(r"(?:(?:([0-9]{1,4}):)?([0-9]{1,5}):)?([0-9]{1,8})(?:\.([0-9]+))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Currency:
    """What an amount is in. `decimals`: how many digits of the smallest unit stand behind the point."""

    symbol: str
    address: str  # EIP-55; ETH is structs.ETH
    decimals: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "address", checksum_address(self.address, "currency"))
        if not 0 <= self.decimals <= 36:
            raise InputError(f"currency {self.symbol}: {self.decimals} decimals; between 0 and 36 make sense")


ETHER = Currency("ETH", ETH, 18)


def parse_amount(text: str, currency: Currency) -> int:
    """Read a decimal such as `25` or `0.01` into the smallest unit, exactly.

    Raises InputError for signs, exponents, separators, more decimals than the currency has, and 2**96 or more.
    """
    match = _AMOUNT.fullmatch(text.strip())
    if match is None:
        hint = f"write a plain decimal number such as 25 or 0.01, with {currency.symbol} behind it"
        if text.strip().startswith("-"):
            raise InputError(f"{text!r:.60}: an amount cannot be negative")
        raise InputError(f"{text!r:.60} is not an amount; {hint}")
    whole, fraction = match[1], match[2] or ""
    if len(fraction) > currency.decimals:
        raise InputError(
            f"{text.strip():.60} {currency.symbol}: {currency.symbol} has {currency.decimals} decimals, "
            f"{len(fraction)} were written; round it yourself"
        )
    amount = int(whole + fraction.ljust(currency.decimals, "0"))
    if amount > MAX_PRICE:
        raise InputError(
            f"{text.strip():.60} {currency.symbol} is too much: at most 2**96 - 1 of its smallest unit fit"
        )
    return amount


def parse_price(text: str, currencies: Iterable[Currency] = (ETHER,)) -> tuple[int, Currency]:
    """Read `25 USDC` or `0.01 ETH` into the smallest unit and the currency. `currencies`: the ones to be had.

    Raises InputError for an unknown currency, none, and as `parse_amount`.
    """
    known = list(currencies)
    match = _PRICE.fullmatch(text.strip())
    names = ", ".join(currency.symbol for currency in known)
    if match is None:
        raise InputError(
            f"{text!r:.60} is not a price; write an amount and a currency, such as 25 USDC (known: {names})"
        )
    amount, symbol = match[1] or match[3], match[2] or match[4]
    found = [currency for currency in known if currency.symbol.lower() == symbol.lower()]
    if not found:
        raise InputError(f"the currency {symbol} is not known here; use one of {names}")
    if len(found) > 1:
        raise InputError(f"{symbol} names {len(found)} currencies here; give one by address")
    return parse_amount(amount, found[0]), found[0]


def format_amount(amount: int, currency: Currency) -> str:
    """An amount of the smallest unit as people write it: exact, without needless zeros: `25.5 USDC`."""
    sign, digits = ("-" if amount < 0 else ""), str(abs(amount)).rjust(currency.decimals + 1, "0")
    whole, fraction = digits[: len(digits) - currency.decimals], digits[len(digits) - currency.decimals :].rstrip("0")
    return f"{sign}{whole}{'.' + fraction if fraction else ''} {currency.symbol}"


def parse_term(text: str) -> int:
    """Read how long a license lasts into seconds: `1y` (365 days), `30d`, `12h`, `perpetual`."""
    word = text.strip().lower()
    if word in ("perpetual", "forever"):
        return PERPETUAL
    match = _TERM.fullmatch(word)
    if match is None:
        raise InputError(
            f"{text!r:.60} is not a term; write 1y, 2w, 30d, 12h, 90s or perpetual (months vary: use days)"
        )
    seconds = int(match[1]) * _SECONDS[match[2]]
    if seconds >= PERPETUAL:
        raise InputError(f"{text!r:.60} is longer than a term can be; write perpetual")
    return seconds


def describe_term(seconds: int) -> str:
    """A term in words: `1 year`, `30 days`, `without end`. A year is 365 days."""
    if seconds == PERPETUAL:
        return "without end"
    for unit, size in (("year", 31_536_000), ("day", 86_400), ("hour", 3600), ("second", 1)):
        if seconds % size == 0:
            count = seconds // size
            return f"{count} {unit}" + ("" if count == 1 else "s")
    raise AssertionError("every whole number of seconds is counted in seconds")


def parse_scene(text: str) -> tuple[int, int]:
    """Read a stretch of a video into (start_ms, end_ms): `0:05-0:12.5`, `1:02:03-1:02:10`, `5-12.5`, `whole`.

    The end is exclusive. Raises InputError for an empty or backward stretch and for more than three decimals.
    """
    if text.strip().lower() in ("whole", "all"):
        return 0, WHOLE_END_MS
    start, dash, end = text.strip().replace("–", "-").partition("-")
    if not dash:
        raise InputError(f"{text!r:.60} is not a scene; write two times such as 0:05-0:12.5, or whole")
    begin, finish = _parse_time(start), _parse_time(end)
    if begin >= finish:
        raise InputError(f"{text!r:.60}: the scene ends where it begins or before; write the earlier time first")
    if finish >= WHOLE_END_MS:
        raise InputError(f"{text!r:.60}: the scene ends after 49 days; no video is that long")
    return begin, finish


def _parse_time(text: str) -> int:
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise InputError(f"{text!r:.60} is not a time; write minutes and seconds such as 1:05.25")
    hours, minutes, seconds, fraction = match[1], match[2], int(match[3]), match[4] or ""
    if len(fraction) > 3:
        raise InputError(f"{text!r:.60}: times are exact to a thousandth of a second; write at most three decimals")
    if (minutes is not None and seconds > 59) or (hours is not None and int(minutes) > 59):
        raise InputError(f"{text!r:.60}: seconds and minutes after a colon go from 0 to 59")
    whole = (int(hours or 0) * 60 + int(minutes or 0)) * 60 + seconds
    return whole * 1000 + int(fraction.ljust(3, "0"))


def format_time(milliseconds: int) -> str:
    """A time in a video: `0:05`, `1:02:03.25`."""
    seconds, rest = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
    return text + (f".{rest:03}".rstrip("0") if rest else "")


def describe_scene(start_ms: int, end_ms: int) -> str:
    """A stretch in words: `the whole video`, `scene 0:05–0:12.5`."""
    if (start_ms, end_ms) == (0, WHOLE_END_MS):
        return "the whole video"
    end = "the end" if end_ms == WHOLE_END_MS else format_time(end_ms)
    return f"scene {format_time(start_ms)}–{end}"
