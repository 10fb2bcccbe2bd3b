# pragma version ==0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title A token with a term, locked unless its offer says otherwise
@license GNU Affero General Public License v3.0 only
@notice ERC-5192 (locks), ERC-6454 (transferability) and ERC-7858 (expiry) on the host's 96 bits of an ERC-721
        token's word:

            255   248 247    240 239          200 199          160
            | unused | flags    | issued at (s)  | expires at (s) |

@dev The events of these standards are logged by the importing contract.
"""

from . import erc721


uses: erc721


FOREVER: constant(uint256) = 2**40 - 1

EXPIRY_AT: constant(uint256) = 160
ISSUED_AT: constant(uint256) = 200
FLAGS_AT: constant(uint256) = 240
HOST_MASK: constant(uint256) = max_value(uint256) ^ (2**160 - 1)
LOCKED: constant(uint256) = 1
ENDED: constant(uint256) = 2


@deploy
def __init__():
    pass


# ---- external -----------------------------------------------------------------------------------------


@external
@view
def locked(tokenId: uint256) -> bool:
    """
    @notice ERC-5192: whether a license cannot be transferred.
    """
    return self._is_locked(erc721._word(tokenId))


@external
@view
def isTransferable(tokenId: uint256, sender: address, receiver: address) -> bool:
    """
    @notice ERC-6454: whether a license can be transferred; from nobody to somebody: minted; from somebody to
            nobody: burnt. Both zero ask about transfers in general.
    """
    if sender == empty(address) and receiver != empty(address):
        return True
    word: uint256 = erc721._word(tokenId)
    is_burn: bool = sender != empty(address) and receiver == empty(address)
    return not is_burn and not self._is_locked(word)


@external
@view
def startTime(tokenId: uint256) -> uint256:
    """
    @notice ERC-7858: when a license was issued, UTC seconds.
    """
    return self._issued_in(erc721._word(tokenId))


@external
@view
def endTime(tokenId: uint256) -> uint256:
    """
    @notice ERC-7858: when a license expires, UTC seconds; 2**256 - 1: never.
    """
    return self._end_time(self._expires_in(erc721._word(tokenId)))


@external
@view
def isTokenExpired(tokenId: uint256) -> bool:
    """
    @notice ERC-7858: whether a license's term is over, or a ruling ended it. `endTime` stays what was sold.
    """
    word: uint256 = erc721._word(tokenId)
    return self._flags_in(word) & ENDED != 0 or not self._runs_at(word, block.timestamp)


@external
@pure
def expiryType() -> uint8:
    """
    @notice ERC-7858: 1, terms are measured in time.
    """
    return 1


# ---- for the importing contract -----------------------------------------------------------------------


@internal
def _mint(to: address, license: uint256, is_locked: bool, expires_at: uint256):
    flags: uint256 = LOCKED if is_locked else 0
    erc721._mint(to, license, (flags << FLAGS_AT) | (block.timestamp << ISSUED_AT) | (expires_at << EXPIRY_AT))


@internal
def _move(sender: address, receiver: address, license: uint256):
    word: uint256 = erc721._word(license)
    assert not self._is_locked(word), "market: license is not transferable"
    erc721._transfer(sender, receiver, license, word & HOST_MASK)


@internal
def _end(license: uint256):
    """
    @dev By a ruling, for good. Ending it again changes nothing: two rulings may agree.
    """
    erc721.words[license] = erc721._word(license) | (ENDED << FLAGS_AT)


@internal
@pure
def _issued_in(word: uint256) -> uint256:
    return (word >> ISSUED_AT) & FOREVER


@internal
@pure
def _expires_in(word: uint256) -> uint256:
    return (word >> EXPIRY_AT) & FOREVER


@internal
@pure
def _flags_in(word: uint256) -> uint256:
    return (word >> FLAGS_AT) & 255


@internal
@pure
def _is_locked(word: uint256) -> bool:
    return self._flags_in(word) & LOCKED != 0


@internal
@pure
def _runs_at(word: uint256, at: uint256) -> bool:
    """
    @dev Whether a license's term is not over; says nothing on rulings or on when it began.
    """
    expires_at: uint256 = self._expires_in(word)
    return at < expires_at or expires_at == FOREVER


@internal
@pure
def _end_time(expires_at: uint256) -> uint256:
    return max_value(uint256) if expires_at == FOREVER else expires_at
