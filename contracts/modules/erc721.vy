# pragma version ==0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title A lean ERC-721 with one word per token
@license GNU Affero General Public License v3.0 only
@notice The owner takes the low 160 bits of a token's word; the 96 bits above belong to the contract that
        imports the module, so that it reads and writes its own facts with the owner in one access.

            255            160 159                0
            | host's 96 bits  | owner (address)   |

@dev Left out on purpose: enumeration (an indexer's job, two storage words a mint), minting that calls the
     receiver back, burning. The importing contract exports `transferFrom` and `safeTransferFrom` itself,
     because each adds its own rule. Functions here are reentrant: `safeTransferFrom` calls the receiver
     after everything is written, and receivers commonly ask the token something back.
"""


interface ERC721Receiver:
    def onERC721Received(operator: address, sender: address, token_id: uint256, data: Bytes[1024]) -> bytes4: nonpayable


event Transfer:
    sender: indexed(address)
    receiver: indexed(address)
    token_id: indexed(uint256)


event Approval:
    owner: indexed(address)
    approved: indexed(address)
    token_id: indexed(uint256)


event ApprovalForAll:
    owner: indexed(address)
    operator: indexed(address)
    approved: bool


OWNER_MASK: constant(uint256) = 2**160 - 1


words: HashMap[uint256, uint256]
balances: HashMap[address, uint256]
approvals: HashMap[uint256, address]
operators: HashMap[address, HashMap[address, bool]]


@deploy
def __init__():
    pass


# ---- external -----------------------------------------------------------------------------------------


@external
def approve(approved: address, token_id: uint256):
    owner: address = self._owner(token_id)
    assert msg.sender == owner or self.operators[owner][msg.sender], "erc721: not owner or operator"
    self.approvals[token_id] = approved
    log Approval(owner=owner, approved=approved, token_id=token_id)


@external
def setApprovalForAll(operator: address, approved: bool):
    self.operators[msg.sender][operator] = approved
    log ApprovalForAll(owner=msg.sender, operator=operator, approved=approved)


@external
@view
def balanceOf(owner: address) -> uint256:
    assert owner != empty(address), "erc721: zero address"
    return self.balances[owner]


@external
@view
def ownerOf(token_id: uint256) -> address:
    return self._owner(token_id)


@external
@view
def getApproved(token_id: uint256) -> address:
    self._owner(token_id)
    return self.approvals[token_id]


@external
@view
def isApprovedForAll(owner: address, operator: address) -> bool:
    return self.operators[owner][operator]


# ---- for the importing contract -----------------------------------------------------------------------


@internal
@view
def _word(token_id: uint256) -> uint256:
    word: uint256 = self.words[token_id]
    assert word != 0, "erc721: no such token"
    return word


@internal
@pure
def _owner_in(word: uint256) -> address:
    return convert(word & OWNER_MASK, address)


@internal
@view
def _owner(token_id: uint256) -> address:
    return self._owner_in(self._word(token_id))


@internal
def _mint(to: address, token_id: uint256, host_bits: uint256):
    """
    @dev `host_bits` must leave the low 160 bits clear. The caller has checked that `to` is not zero and
         that the token is new.
    """
    self.words[token_id] = host_bits | convert(to, uint256)
    self.balances[to] = unsafe_add(self.balances[to], 1)
    log Transfer(sender=empty(address), receiver=to, token_id=token_id)


@internal
def _transfer(sender: address, receiver: address, token_id: uint256, host_bits: uint256):
    """
    @dev Moves a token and replaces the host's bits. Reverts unless msg.sender may move it.
    """
    owner: address = self._owner(token_id)
    assert owner == sender, "erc721: sender is not the owner"
    assert receiver != empty(address), "erc721: zero address"
    approved: address = self.approvals[token_id]
    assert (
        msg.sender == owner or msg.sender == approved or self.operators[owner][msg.sender]
    ), "erc721: not owner, approved or operator"
    if approved != empty(address):
        self.approvals[token_id] = empty(address)
    self.balances[sender] = unsafe_sub(self.balances[sender], 1)
    self.balances[receiver] = unsafe_add(self.balances[receiver], 1)
    self.words[token_id] = host_bits | convert(receiver, uint256)
    log Transfer(sender=sender, receiver=receiver, token_id=token_id)


@internal
def _force(receiver: address, token_id: uint256, host_bits: uint256):
    """
    @dev Moves a token whoever has it, to its present owner too, and replaces the host's bits. The caller has checked
         that it may, and that the token exists.
    """
    assert receiver != empty(address), "erc721: zero address"
    owner: address = self._owner_in(self.words[token_id])
    self.approvals[token_id] = empty(address)
    self.balances[owner] = unsafe_sub(self.balances[owner], 1)
    self.balances[receiver] = unsafe_add(self.balances[receiver], 1)
    self.words[token_id] = host_bits | convert(receiver, uint256)
    log Transfer(sender=owner, receiver=receiver, token_id=token_id)


@internal
def _ask_receiver(sender: address, receiver: address, token_id: uint256, data: Bytes[1024]):
    """
    @dev The last step of `safeTransferFrom` (ERC-721): a contract must agree to receive.
    """
    if receiver.is_contract:
        answer: bytes4 = extcall ERC721Receiver(receiver).onERC721Received(msg.sender, sender, token_id, data)
        assert answer == method_id("onERC721Received(address,address,uint256,bytes)", output_type=bytes4), "erc721: receiver refused"
