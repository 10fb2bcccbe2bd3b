# pragma version ==0.4.3
# pragma evm-version cancun
# pragma nonreentrancy on
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Receivers: an address for every account of the vault
@license GNU Affero General Public License v3.0 only
@notice See `interfaces/IReceivers.vyi`.
"""

from .interfaces import IReceivers
from .interfaces import IRoyaltyVault


implements: IReceivers


interface Token:
    def balanceOf(account: address) -> uint256: view


ETH: constant(address) = 0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE

# A receiver's creation code, with this contract's address between the two parts. It takes money from anyone and orders
# from this contract alone, which gives only those of `flush`. It is the same for every account: the salt tells them
# apart, and its storage stays empty.
#
#   60 3d 80 60 09 5f 39 5f f3                 return the 61 bytes that follow
#   33 73 «this contract» 14 60 1b 57 00       whoever else calls: stop, keeping what was sent
#   5b 5f 5f 60 40 36 03 80 60 40 5f 37        an order: copy what follows two words of calldata
#   5f 60 20 35 5f 35 5a f1                    call (first word: whom, second word: with how much ETH)
#   3d 5f 5f 3e 60 39 57 3d 5f fd              refused: revert with the answer
#   5b 3d 5f f3                                done: return the answer
HEAD: constant(Bytes[11]) = x"603d8060095f395ff33373"
TAIL: constant(Bytes[39]) = x"14601b57005b5f5f604036038060405f375f6020355f355af13d5f5f3e6039573d5ffd5b3d5ff3"

# The first byte of an account.
TAG_ADDRESS: constant(uint256) = 0
LAST_TAG: constant(uint256) = 3

VAULT: public(immutable(address))


@deploy
def __init__(vault: address):
    assert vault.is_contract, "receivers: bad wiring"
    VAULT = vault


# ---- external -----------------------------------------------------------------------------------------


@external
def deploy(account: bytes32) -> address:
    return self._deploy(account)


@external
def flush(account: bytes32, currency: address) -> uint256:
    receiver: address = self._deploy(account)
    amount: uint256 = receiver.balance
    if currency != ETH:
        amount = staticcall Token(currency).balanceOf(receiver)
    if amount == 0:
        return 0
    accounts: DynArray[bytes32, 1] = [account]
    amounts: DynArray[uint256, 1] = [amount]
    crediting: Bytes[228] = abi_encode(
        accounts, amounts, currency, method_id=method_id("credit(bytes32[],uint256[],address)")
    )
    if currency == ETH:
        self._order(receiver, VAULT, amount, crediting)
    else:
        # The vault counts what arrives: a token that lies or keeps a part is refused there.
        self._order(receiver, VAULT, 0, abi_encode(currency, method_id=method_id("open(address)")))
        self._order(
            receiver, currency, 0, abi_encode(VAULT, amount, method_id=method_id("transfer(address,uint256)"))
        )
        self._order(receiver, VAULT, 0, crediting)
    log IReceivers.Flushed(account=account, currency=currency, amount=amount)
    return amount


# ---- views --------------------------------------------------------------------------------------------


@external
@view
def receiver_of(account: bytes32) -> address:
    number: uint256 = convert(account, uint256)
    if number >> 248 == TAG_ADDRESS:
        assert number != 0 and number >> 160 == 0, "receivers: no such account"
        return convert(number, address)
    return self._receiver_of(account)


# ---- internal -----------------------------------------------------------------------------------------


@internal
@view
def _code() -> Bytes[70]:
    return concat(HEAD, convert(self, bytes20), TAIL)


@internal
@view
def _receiver_of(account: bytes32) -> address:
    tag: uint256 = convert(account, uint256) >> 248
    assert tag != TAG_ADDRESS, "receivers: an address receives itself"
    assert tag <= LAST_TAG, "receivers: no such account"
    # EIP-1014
    preimage: Bytes[85] = concat(0xFF, convert(self, bytes20), account, keccak256(self._code()))
    return convert(convert(keccak256(preimage), uint256) & (2**160 - 1), address)


@internal
def _deploy(account: bytes32) -> address:
    receiver: address = self._receiver_of(account)
    if not receiver.is_contract:
        receiver = raw_create(self._code(), salt=account)
        log IReceivers.ReceiverDeployed(account=account, receiver=receiver)
    return receiver


@internal
def _order(receiver: address, to: address, amount: uint256, data: Bytes[228]):
    raw_call(receiver, concat(convert(to, bytes32), convert(amount, bytes32), data))
