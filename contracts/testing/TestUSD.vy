# pragma version ==0.4.3
# pragma evm-version cancun
# pragma nonreentrancy on
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title TestUSD: a stablecoin FOR TESTS ONLY
@license GNU Affero General Public License v3.0 only
@notice Anyone may mint any amount of it: it is worth nothing and must stay so. It has what a payer needs of
        a real one: 6 decimals, EIP-2612 permits, EIP-3009 authorizations and an EIP-5267 domain.
@dev For a given signed authorization, `receiveWithAuthorization` can only be called by its receiver and
     `transferWithAuthorization` by anyone; both use up the same nonce.
"""

from ethereum.ercs import IERC20
from ethereum.ercs import IERC20Detailed
from snekmate.auth import ownable
from snekmate.tokens import erc20
from snekmate.utils import ecdsa
from snekmate.tokens.interfaces import IERC20Permit


implements: IERC20
implements: IERC20Detailed

initializes: ownable
initializes: erc20[ownable := ownable]


# Owner, minters and burning are left out: the faucet needs none of them.
exports: (
    erc20.IERC20,
    erc20.IERC20Detailed,
    erc20.permit,
    erc20.nonces,
    erc20.DOMAIN_SEPARATOR,
    erc20.eip712Domain,
)


# EIP-3009
event AuthorizationUsed:
    authorizer: indexed(address)
    nonce: indexed(bytes32)


event AuthorizationCanceled:
    authorizer: indexed(address)
    nonce: indexed(bytes32)


TRANSFER_WITH_AUTHORIZATION_TYPEHASH: public(constant(bytes32)) = keccak256(
    "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
)
RECEIVE_WITH_AUTHORIZATION_TYPEHASH: public(constant(bytes32)) = keccak256(
    "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
)
CANCEL_AUTHORIZATION_TYPEHASH: public(constant(bytes32)) = keccak256(
    "CancelAuthorization(address authorizer,bytes32 nonce)"
)


# authorizer → nonce → used or cancelled
authorizationState: public(HashMap[address, HashMap[bytes32, bool]])


@deploy
def __init__():
    ownable.__init__()
    erc20.__init__("Test USD", "tUSD", 6, "Test USD", "1")


@external
def mint(to: address, amount: uint256):
    """
    @notice The faucet, open to all.
    @param to Who gets the coins.
    @param amount Smallest unit: 1 tUSD is 1,000,000.
    """
    erc20._mint(to, amount)


@external
def transferWithAuthorization(
    sender: address,
    to: address,
    amount: uint256,
    valid_after: uint256,
    valid_before: uint256,
    nonce: bytes32,
    v: uint8,
    r: bytes32,
    s: bytes32,
):
    """
    @notice Carries out a transfer that `sender` signed, whoever submits it.
    """
    self._use(
        TRANSFER_WITH_AUTHORIZATION_TYPEHASH, sender, to, amount, valid_after, valid_before, nonce, v, r, s
    )


@external
def receiveWithAuthorization(
    sender: address,
    to: address,
    amount: uint256,
    valid_after: uint256,
    valid_before: uint256,
    nonce: bytes32,
    v: uint8,
    r: bytes32,
    s: bytes32,
):
    """
    @notice Carries out a transfer that `sender` signed, submitted by its receiver.
    """
    assert to == msg.sender, "usd: caller is not the receiver"
    self._use(
        RECEIVE_WITH_AUTHORIZATION_TYPEHASH, sender, to, amount, valid_after, valid_before, nonce, v, r, s
    )


@external
def cancelAuthorization(authorizer: address, nonce: bytes32, v: uint8, r: bytes32, s: bytes32):
    """
    @notice Makes an unused authorization unusable; signed by its authorizer.
    """
    assert not self.authorizationState[authorizer][nonce], "usd: authorization used"
    self._check(keccak256(abi_encode(CANCEL_AUTHORIZATION_TYPEHASH, authorizer, nonce)), authorizer, v, r, s)
    self.authorizationState[authorizer][nonce] = True
    log AuthorizationCanceled(authorizer=authorizer, nonce=nonce)


@internal
def _use(
    kind: bytes32,
    sender: address,
    to: address,
    amount: uint256,
    valid_after: uint256,
    valid_before: uint256,
    nonce: bytes32,
    v: uint8,
    r: bytes32,
    s: bytes32,
):
    assert block.timestamp > valid_after, "usd: authorization not yet valid"
    assert block.timestamp < valid_before, "usd: authorization expired"
    assert not self.authorizationState[sender][nonce], "usd: authorization used"
    self._check(
        keccak256(abi_encode(kind, sender, to, amount, valid_after, valid_before, nonce)), sender, v, r, s
    )
    self.authorizationState[sender][nonce] = True
    log AuthorizationUsed(authorizer=sender, nonce=nonce)
    erc20._transfer(sender, to, amount)


@internal
@view
def _check(struct_hash: bytes32, expected: address, v: uint8, r: bytes32, s: bytes32):
    digest: bytes32 = erc20.eip712_domain_separator._hash_typed_data_v4(struct_hash)
    signer: address = ecdsa._recover_vrs(
        digest, convert(v, uint256), convert(r, uint256), convert(s, uint256)
    )
    # A failed recovery gives the zero address, which nobody is.
    assert signer != empty(address) and signer == expected, "usd: wrong signature"
