# pragma version ==0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Numbers, times and bytes as text
@license GNU Affero General Public License v3.0 only
@notice Base64 (RFC 4648), hexadecimal, UTC dates (ISO 8601, proleptic Gregorian calendar) for documents that are
        rendered on chain.
"""

from . import cid_text


ALL: constant(uint256) = max_value(uint256)
ONES: constant(uint256) = ALL // 255  # 1 in every byte
# So many bits set at the bottom of every lane.
LOW_96: constant(uint256) = 2**96 - 1
LOW_48: constant(uint256) = (2**48 - 1) * (ALL // (2**128 - 1))
LOW_24: constant(uint256) = (2**24 - 1) * (ALL // (2**64 - 1))
LOW_12: constant(uint256) = (2**12 - 1) * (ALL // (2**32 - 1))
LOW_6: constant(uint256) = (2**6 - 1) * (ALL // (2**16 - 1))


@internal
@pure
def _base64_chars(number: uint256) -> bytes32:
    """
    @dev The 32 characters of a 192-bit number, all at once: its sextets are spread to one a byte by halving steps,
         then each byte n becomes 65 + n, and what A-Z, a-z, 0-9, + and / need more or less.
    """
    x: uint256 = number
    x = (x & LOW_96) | ((x << 32) & (LOW_96 << 128))
    x = (x & LOW_48) | ((x << 16) & (LOW_48 << 64))
    x = (x & LOW_24) | ((x << 8) & (LOW_24 << 32))
    x = (x & LOW_12) | ((x << 4) & (LOW_12 << 16))
    x = (x & LOW_6) | ((x << 2) & (LOW_6 << 8))
    small: uint256 = self._at_least(x, 26)
    digit: uint256 = self._at_least(x, 52)
    sign: uint256 = self._at_least(x, 62)
    slash: uint256 = self._at_least(x, 63)
    x = unsafe_add(x, unsafe_add(ONES * 65, unsafe_add(unsafe_mul(small, 6), unsafe_mul(slash, 3))))
    return convert(unsafe_sub(x, unsafe_add(unsafe_mul(digit, 75), unsafe_mul(sign, 15))), bytes32)


@internal
@pure
def _at_least(x: uint256, least: uint256) -> uint256:
    """
    @dev 1 in every byte of x that is at least that; bytes below 64.
    """
    return (unsafe_add(x, ONES * (128 - least)) >> 7) & ONES


@internal
@pure
def _base64(text: Bytes[11520]) -> String[15360]:
    """
    @dev Text in base64, filled up with spaces to a multiple of 24 bytes, so that it needs no padding: white space at
         the end of JSON and XML means nothing.
    """
    padded: Bytes[11552] = concat(text, b"                                ")
    chunks: DynArray[bytes32, 480] = []
    for i: uint256 in range((len(text) + 23) // 24, bound=480):
        chunks.append(self._base64_chars(extract32(padded, 24 * i, output_type=uint256) >> 64))
    # Behind offset and length stand the members alone.
    return convert(slice(abi_encode(chunks), 64, 32 * len(chunks)), String[15360])


@internal
@pure
def _hex32(number: uint256) -> String[64]:
    return convert(concat(cid_text._hex_half(number >> 128), cid_text._hex_half(number & (2**128 - 1))), String[64])


@internal
@pure
def _hex20(account: address) -> String[42]:
    number: uint256 = convert(account, uint256)
    return convert(
        concat(
            b"0x", slice(cid_text._hex_half(number >> 128), 24, 8), cid_text._hex_half(number & (2**128 - 1))
        ),
        String[42],
    )


@internal
@pure
def _digits(number: uint256, count: uint256) -> String[5]:
    """
    @dev The last `count` (2 or 3) decimal digits.
    """
    return slice(uint2str(convert(1_000 + number % 1_000, uint16)), 4 - count, count)


@internal
@pure
def _minute(seconds: uint256) -> String[38]:
    """
    @dev A time as 2027-01-15 08:00 UTC; years of more than four digits are written out. Below 2**56.
         Days to date: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
    """
    days: uint256 = seconds // 86_400 + 719_468
    era: uint256 = days // 146_097
    day_of_era: uint256 = days % 146_097
    year_of_era: uint256 = (
        day_of_era - day_of_era // 1_460 + day_of_era // 36_524 - day_of_era // 146_096
    ) // 365
    day_of_year: uint256 = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted: uint256 = (5 * day_of_year + 2) // 153  # months since March
    day: uint256 = day_of_year - (153 * shifted + 2) // 5 + 1
    month: uint256 = shifted + 3 if shifted < 10 else shifted - 9
    year: uint256 = era * 400 + year_of_era + (1 if month <= 2 else 0)
    return concat(
        uint2str(convert(year, uint32)),
        "-",
        self._digits(month, 2),
        "-",
        self._digits(day, 2),
        " ",
        self._digits(seconds // 3_600 % 24, 2),
        ":",
        self._digits(seconds // 60 % 60, 2),
        " UTC",
    )
