# pragma version ==0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: Apache-2.0
"""
@title The honest part that the tokens of this cast share: balances, allowances, EIP-3009.
"""


event Transfer:
    sender: indexed(address)
    receiver: indexed(address)
    amount: uint256


DOMAIN_TYPE: constant(bytes32) = keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")
RECEIVE_TYPE: constant(bytes32) = keccak256(
    "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
)

balances: HashMap[address, uint256]
allowances: HashMap[address, HashMap[address, uint256]]
used: HashMap[address, HashMap[bytes32, bool]]


@external
def mint(to: address, amount: uint256):
    self.balances[to] += amount


@external
def burn(account: address, amount: uint256):
    self.balances[account] -= amount


@external
def approve(spender: address, amount: uint256) -> bool:
    self.allowances[msg.sender][spender] = amount
    return True


@internal
def _move(sender: address, receiver: address, amount: uint256):
    self.balances[sender] -= amount
    self.balances[receiver] += amount
    log Transfer(sender=sender, receiver=receiver, amount=amount)


@internal
def _spend(owner: address, spender: address, amount: uint256):
    self.allowances[owner][spender] -= amount


@view
@internal
def _domain() -> bytes32:
    return keccak256(abi_encode(DOMAIN_TYPE, keccak256("Token"), keccak256("1"), chain.id, self))


@internal
def _authorize(
    sender: address,
    receiver: address,
    amount: uint256,
    valid_after: uint256,
    valid_before: uint256,
    nonce: bytes32,
    v: uint8,
    r: bytes32,
    s: bytes32,
):
    assert receiver == msg.sender, "token: caller must be the payee"
    assert block.timestamp > valid_after, "token: not yet valid"
    assert block.timestamp < valid_before, "token: expired"
    assert not self.used[sender][nonce], "token: authorization used"
    action: bytes32 = keccak256(abi_encode(RECEIVE_TYPE, sender, receiver, amount, valid_after, valid_before, nonce))
    digest: bytes32 = keccak256(concat(b"\x19\x01", self._domain(), action))
    assert sender != empty(address) and ecrecover(digest, v, r, s) == sender, "token: bad signature"
    self.used[sender][nonce] = True
