# pragma version ==0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title SHA-256 digests as CIDs
@license GNU Affero General Public License v3.0 only
@notice The CIDv1 of a raw block (codec 0x55, multihash 0x12 0x20) in base16 and base32 (RFC 4648, lower
        case, multibase prefixes f and b).
"""


ALL: constant(uint256) = max_value(uint256)
ONES: constant(uint256) = ALL // 255  # 1 in every byte
# k bits set, k bits clear, k bits set …
EVERY_64: constant(uint256) = ALL // (2**64 + 1)
EVERY_32: constant(uint256) = ALL // (2**32 + 1)
EVERY_16: constant(uint256) = ALL // (2**16 + 1)
EVERY_8: constant(uint256) = ALL // (2**8 + 1)
EVERY_4: constant(uint256) = ALL // (2**4 + 1)


@internal
@pure
def _hex_half(number: uint256) -> bytes32:
    """
    @dev The 32 hexadecimal characters of a 128-bit number, all at once: the nibbles are spread to one a
         byte by halving steps, then each byte n becomes 48 + n, and 39 more where n > 9.
    """
    x: uint256 = number
    x = (x | (x << 64)) & EVERY_64
    x = (x | (x << 32)) & EVERY_32
    x = (x | (x << 16)) & EVERY_16
    x = (x | (x << 8)) & EVERY_8
    x = (x | (x << 4)) & EVERY_4
    letters: uint256 = ((unsafe_add(x, ONES * 6)) >> 4) & ONES
    return convert(unsafe_add(unsafe_add(x, ONES * 48), unsafe_mul(letters, 39)), bytes32)


@internal
@pure
def _cid_base16(digest: bytes32) -> String[73]:
    number: uint256 = convert(digest, uint256)
    return convert(
        concat(b"f01551220", self._hex_half(number >> 128), self._hex_half(number & (2**128 - 1))), String[73]
    )


@internal
@pure
def _base32_chars(number: uint256) -> bytes32:
    """
    @dev The 26 characters of a 130-bit number, right-aligned.
    """
    packed: uint256 = 0
    for i: uint256 in range(26):
        digit: uint256 = (number >> (125 - 5 * i)) & 31
        # a-z, then 2-7
        packed = (packed << 8) | (digit + 97 if digit < 26 else digit + 24)
    return convert(packed, bytes32)


@internal
@pure
def _cid_base32(digest: bytes32) -> String[59]:
    """
    @dev The 4 prefix bytes are "afkrei" and 2 zero bits over; those, the 256 bits of the digest and 2 bits
         of padding make 52 characters, in two halves of 130 bits.
    """
    number: uint256 = convert(digest, uint256)
    return convert(
        concat(
            b"bafkrei",
            slice(self._base32_chars(number >> 128), 6, 26),
            slice(self._base32_chars((number & (2**128 - 1)) << 2), 6, 26),
        ),
        String[59],
    )
