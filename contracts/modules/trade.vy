# pragma version ==0.4.3
# pragma nonreentrancy on
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title What markets share: the fee on top, the pause, and taking the buyer's money
@license GNU Affero General Public License v3.0 only
@notice The protocol's owner sets a fee on top of prices, up to a constant cap, and pauses new sales. It can do
        nothing to what was sold, owed or paid.
"""

from snekmate.auth import ownable


uses: ownable


event FeeSet:
    bps: uint16
    recipient: indexed(address)


event SalesPaused:
    paused: bool


MAX_FEE_BPS: constant(uint16) = 250

#   255   177      176       160 159              0
#   | unused | paused | fee bps | fee recipient    |
terms_of_trade: uint256
PAUSED: constant(uint256) = 1 << 176


@deploy
def __init__():
    pass


# ---- external -----------------------------------------------------------------------------------------


@external
def set_fee(bps: uint16, recipient: address):
    """
    @notice The protocol's owner sets the fee on top of prices, at most 250 basis points, and who gets it.
    """
    ownable._check_owner()
    assert bps <= MAX_FEE_BPS, "market: fee above cap"
    assert recipient != empty(address) or bps == 0, "market: fee without recipient"
    self.terms_of_trade = (
        (self.terms_of_trade & PAUSED) | (convert(bps, uint256) << 160) | convert(recipient, uint256)
    )
    log FeeSet(bps=bps, recipient=recipient)


@external
def set_paused(paused: bool):
    """
    @notice The protocol's owner stops or resumes new sales. Everything else goes on.
    """
    ownable._check_owner()
    self.terms_of_trade = (self.terms_of_trade & ~PAUSED) | (PAUSED if paused else 0)
    log SalesPaused(paused=paused)


@external
@view
def fee() -> (uint16, address):
    """
    @notice The fee on top of prices (basis points) and who gets it.
    """
    word: uint256 = self.terms_of_trade
    return convert(self._bps_in(word), uint16), convert(word & (2**160 - 1), address)


@external
@view
def sales_paused() -> bool:
    """
    @notice Whether new sales are stopped.
    """
    return self.terms_of_trade & PAUSED != 0


# ---- for the importing contract -----------------------------------------------------------------------


@internal
@pure
def _bps_in(word: uint256) -> uint256:
    return (word >> 160) & (2**16 - 1)


@internal
@pure
def _fee_in(word: uint256, price: uint256) -> uint256:
    return price * self._bps_in(word) // 10_000


@internal
@pure
def _fee_account_in(word: uint256) -> bytes32:
    return convert(word & (2**160 - 1), bytes32)


@internal
def _take(currency: address, to: address, amount: uint256):
    # Tokens that return nothing, and tokens that return false; the vault counts what arrived.
    response: Bytes[32] = raw_call(
        currency,
        abi_encode(msg.sender, to, amount, method_id=method_id("transferFrom(address,address,uint256)")),
        max_outsize=32,
    )
    assert len(response) == 0 or convert(response, uint256) == 1, "market: token refused"
