# pragma version ==0.4.3
# pragma evm-version cancun
# pragma nonreentrancy on
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title RoyaltyVault: the one custodian
@license GNU Affero General Public License v3.0 only
@notice See `interfaces/IRoyaltyVault.vyi`.
"""

from snekmate.utils import eip712_domain_separator as domain

from .interfaces import IRoyaltyVault
from .interfaces import types
from .modules import signatures


implements: IRoyaltyVault

initializes: domain


exports: domain.eip712Domain


interface Token:
    def balanceOf(account: address) -> uint256: view
    def receiveWithAuthorization(
        sender: address,
        receiver: address,
        amount: uint256,
        valid_after: uint256,
        valid_before: uint256,
        nonce: bytes32,
        v: uint8,
        r: bytes32,
        s: bytes32,
    ): nonpayable


ETH: constant(address) = 0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE
ONE: constant(uint256) = 1_000_000  # the shares of a split sum to this

# What a receiver may burn. Enough for a smart wallet or a token with hooks, little enough that 64
# hostile ones fit into a block.
ETH_PUSH_GAS: constant(uint256) = 100_000
TOKEN_PUSH_GAS: constant(uint256) = 250_000

# The first byte of an account.
TAG_ADDRESS: constant(uint256) = 0
TAG_SPLIT: constant(uint256) = 1
TAG_SUB: constant(uint256) = 2
TAG_INVITED: constant(uint256) = 3
BELOW_TAG: constant(uint256) = 2**248 - 1

REDIRECT_TYPE: constant(bytes32) = keccak256("Redirect(address account,address to,uint256 nonce,uint256 deadline)")
ACCEPT_INVITATION_TYPE: constant(bytes32) = keccak256("AcceptInvitation(address key,address to,uint256 deadline)")


# account → currency → amount
balances: HashMap[bytes32, HashMap[address, uint256]]

#   255      161       160      159                 0
#   | unused | declared | controller (address)      |
splits: HashMap[bytes32, uint256]
DECLARED: constant(uint256) = 2**160

# Splits that were checked in this transaction; paying one needs no more, since its preimage is brought along.
checked: transient(HashMap[bytes32, bool])

# Where an account's withdrawals go instead, and how often that changed: a signature counts for one state of it.
#
#   255    160 159          0
#   | changes | to (address) |
redirects: HashMap[address, uint256]

# invite key → whoever accepted with it, for good
accepted: HashMap[address, address]

# What `open` saw, until something is booked or paid: one slot, so one coin is never booked twice.
opener: transient(address)
opened_currency: transient(address)
opened_balance: transient(uint256)


@deploy
def __init__():
    domain.__init__("IPTO RoyaltyVault", "1")


# ---- splits -------------------------------------------------------------------------------------------


@external
def declare_split(shares: DynArray[types.Share, 64], controller: address) -> bytes32:
    split: bytes32 = self._split_of(shares, controller)
    if self.splits[split] == 0:
        self._check_split(split, shares, controller)
        self.splits[split] = DECLARED | convert(controller, uint256)
    return split


@external
def check_split(shares: DynArray[types.Share, 64], controller: address) -> bytes32:
    split: bytes32 = self._split_of(shares, controller)
    self._check_split(split, shares, controller)
    self.checked[split] = True
    return split


@external
@view
def split_of(shares: DynArray[types.Share, 64], controller: address) -> bytes32:
    return self._split_of(shares, controller)


@external
@view
def is_declared(account: bytes32) -> bool:
    return self._is_declared(account)


@external
@view
def controller_of(split: bytes32) -> address:
    word: uint256 = self.splits[split]
    assert word != 0, "vault: split not declared"
    return convert(word & (DECLARED - 1), address)


# ---- money in -----------------------------------------------------------------------------------------


@external
def open(currency: address):
    assert currency != ETH, "vault: ETH needs no open"
    self.opener = msg.sender
    self.opened_currency = currency
    self.opened_balance = staticcall Token(currency).balanceOf(self)


@external
@payable
def credit(accounts: DynArray[bytes32, 64], amounts: DynArray[uint256, 64], currency: address):
    opener: address = self.opener
    self.opener = empty(address)
    total: uint256 = self._add(accounts, amounts, currency)
    if currency == ETH:
        assert msg.value == total, "vault: ETH sent differs from the sum"
    else:
        assert msg.value == 0, "vault: ETH sent with a token"
        assert opener == msg.sender and self.opened_currency == currency, "vault: not opened"
        now: uint256 = staticcall Token(currency).balanceOf(self)
        assert now - self.opened_balance == total, "vault: received differs from the sum"


@external
def credit_with_authorization(
    accounts: DynArray[bytes32, 64],
    amounts: DynArray[uint256, 64],
    currency: address,
    order_hash: bytes32,
    authorization: types.Authorization,
):
    self.opener = empty(address)
    total: uint256 = self._add(accounts, amounts, currency)
    before: uint256 = staticcall Token(currency).balanceOf(self)
    extcall Token(currency).receiveWithAuthorization(
        authorization.payer,
        self,
        total,
        authorization.valid_after,
        authorization.valid_before,
        keccak256(abi_encode(msg.sender, order_hash)),
        authorization.v,
        authorization.r,
        authorization.s,
    )
    now: uint256 = staticcall Token(currency).balanceOf(self)
    assert now - before == total, "vault: received differs from the sum"


# ---- money inside -------------------------------------------------------------------------------------


@external
def book(salt: bytes32, accounts: DynArray[bytes32, 64], amounts: DynArray[uint256, 64], currency: address):
    self.opener = empty(address)
    assert len(accounts) == len(amounts), "vault: accounts and amounts differ in number"
    source: bytes32 = self._sub_account(msg.sender, salt)
    total: uint256 = 0
    for amount: uint256 in amounts:
        total += amount
    # Taken first and at once: what is booked to the sub-account itself cannot pay for what it lacks.
    has: uint256 = self.balances[source][currency]
    assert has >= total, "vault: sub-account too low"
    self.balances[source][currency] = has - total
    for i: uint256 in range(len(accounts), bound=64):
        self._check_payable(accounts[i])
        self.balances[accounts[i]][currency] += amounts[i]
        log IRoyaltyVault.Booked(source=source, account=accounts[i], currency=currency, amount=amounts[i])


@external
def distribute(shares: DynArray[types.Share, 64], controller: address, currency: address) -> uint256:
    return self._distribute(shares, controller, currency, False)


# ---- money out ----------------------------------------------------------------------------------------


@external
def pay_out(shares: DynArray[types.Share, 64], controller: address, currency: address) -> uint256:
    return self._distribute(shares, controller, currency, True)


@external
def withdraw(account: address, currency: address) -> uint256:
    return self._withdraw(convert(convert(account, uint256), bytes32), self._destination(account), currency)


@external
def withdraw_to(to: address, currency: address) -> uint256:
    assert to != empty(address), "vault: zero address"
    amount: uint256 = self._withdraw(convert(convert(msg.sender, uint256), bytes32), to, currency)
    assert amount != 0, "vault: nothing sent"
    return amount


@external
def redirect(to: address):
    self._redirect(msg.sender, to)


@external
def redirect_by_signature(account: address, to: address, nonce: uint256, deadline: uint256, signature: Bytes[4096]):
    assert nonce == self.redirects[account] >> 160, "vault: nonce already used"
    self._check_signed(account, keccak256(abi_encode(REDIRECT_TYPE, account, to, nonce, deadline)), deadline, signature)
    self._redirect(account, to)


# ---- invitations --------------------------------------------------------------------------------------


@external
def accept_invitation(key: address, to: address, deadline: uint256, signature: Bytes[4096]):
    assert to != empty(address), "vault: zero address"
    assert self.accepted[key] == empty(address), "vault: invitation already accepted"
    self._check_signed(key, keccak256(abi_encode(ACCEPT_INVITATION_TYPE, key, to, deadline)), deadline, signature)
    self.accepted[key] = to
    log IRoyaltyVault.InvitationAccepted(key=key, to=to)


@external
def withdraw_invited(key: address, currency: address) -> uint256:
    to: address = self.accepted[key]
    assert to != empty(address), "vault: invitation not accepted"
    return self._withdraw(self._tagged(TAG_INVITED, convert(convert(key, uint256), bytes32)), self._destination(to), currency)


# ---- views --------------------------------------------------------------------------------------------


@external
@view
def balance_of(account: bytes32, currency: address) -> uint256:
    return self.balances[account][currency]


@external
@view
def redirect_of(account: address) -> address:
    return self._redirect_of(account)


@external
@view
def redirect_nonce(account: address) -> uint256:
    return self.redirects[account] >> 160


@external
@view
def invitation(key: address) -> (bytes32, address):
    return self._tagged(TAG_INVITED, convert(convert(key, uint256), bytes32)), self.accepted[key]


@external
@view
def sub_account(caller: address, salt: bytes32) -> bytes32:
    return self._sub_account(caller, salt)


# ---- internal -----------------------------------------------------------------------------------------


@internal
@pure
def _tagged(tag: uint256, digest: bytes32) -> bytes32:
    return convert((tag << 248) | (convert(digest, uint256) & BELOW_TAG), bytes32)


@internal
@pure
def _split_of(shares: DynArray[types.Share, 64], controller: address) -> bytes32:
    return self._tagged(TAG_SPLIT, keccak256(abi_encode(shares, controller)))


@internal
@pure
def _sub_account(caller: address, salt: bytes32) -> bytes32:
    return self._tagged(TAG_SUB, keccak256(abi_encode(caller, salt)))


@internal
@view
def _is_declared(split: bytes32) -> bool:
    return self.checked[split] or self.splits[split] != 0


@internal
def _check_split(split: bytes32, shares: DynArray[types.Share, 64], controller: address):
    assert len(shares) != 0, "vault: split is empty"
    total: uint256 = 0
    previous: uint256 = 0
    for share: types.Share in shares:
        account: uint256 = convert(share.account, uint256)
        assert account > previous, "vault: recipients not ascending"
        assert (
            account >> 160 == 0 or self._is_invited(account) or self._is_declared(share.account)
        ), "vault: recipient cannot be paid"
        assert share.share != 0, "vault: share is zero"
        total += convert(share.share, uint256)
        previous = account
    assert total == ONE, "vault: shares do not sum to 1000000"
    log IRoyaltyVault.SplitDeclared(split=split, controller=controller, shares=shares)


@internal
@pure
def _check_payable(account: bytes32):
    number: uint256 = convert(account, uint256)
    tag: uint256 = number >> 248
    if tag == TAG_ADDRESS:
        assert number != 0 and number >> 160 == 0, "vault: no such account"
    elif tag == TAG_INVITED:
        assert self._is_invited(number), "vault: no such account"
    else:
        # Whether a split's preimage is sound shows when it is paid; a market takes payees from the registry, which
        # takes only checked ones.
        assert tag == TAG_SPLIT or tag == TAG_SUB, "vault: no such account"


@internal
def _add(accounts: DynArray[bytes32, 64], amounts: DynArray[uint256, 64], currency: address) -> uint256:
    assert len(accounts) == len(amounts), "vault: accounts and amounts differ in number"
    total: uint256 = 0
    for i: uint256 in range(len(accounts), bound=64):
        self._check_payable(accounts[i])
        self.balances[accounts[i]][currency] += amounts[i]
        total += amounts[i]
        log IRoyaltyVault.Credited(account=accounts[i], currency=currency, market=msg.sender, amount=amounts[i])
    return total


@internal
@pure
def _is_invited(account: uint256) -> bool:
    return account >> 160 == TAG_INVITED << 88 and account & (2**160 - 1) != 0


@internal
@view
def _redirect_of(account: address) -> address:
    return convert(self.redirects[account] & (2**160 - 1), address)


@internal
@view
def _destination(account: address) -> address:
    to: address = self._redirect_of(account)
    return account if to == empty(address) else to


@internal
def _redirect(account: address, to: address):
    # Whatever was signed for the state before counts no more.
    changes: uint256 = (self.redirects[account] >> 160) + 1
    self.redirects[account] = (changes << 160) | convert(to, uint256)
    log IRoyaltyVault.Redirected(account=account, to=to)


@internal
@view
def _check_signed(signer: address, message: bytes32, deadline: uint256, signature: Bytes[4096]):
    assert block.timestamp <= deadline, "vault: deadline passed"
    assert signatures._is_valid(signer, domain._hash_typed_data_v4(message), signature), "vault: bad signature"


@internal
def _push(currency: address, to: address, amount: uint256) -> bool:
    """
    @dev Sends without trust: bounded gas, at most one word copied back, failure is an answer.
    """
    if to == self:
        # Nothing would leave, and one recipient's redirection here would stop the whole split's payment.
        return False
    if currency == ETH:
        return raw_call(to, b"", value=amount, gas=ETH_PUSH_GAS, revert_on_failure=False)
    success: bool = False
    response: Bytes[32] = b""
    success, response = raw_call(
        currency,
        abi_encode(to, amount, method_id=method_id("transfer(address,uint256)")),
        max_outsize=32,
        gas=TOKEN_PUSH_GAS,
        revert_on_failure=False,
    )
    return success and (len(response) == 0 or (len(response) == 32 and convert(response, uint256) == 1))


@internal
@view
def _held(currency: address) -> uint256:
    # ETH cannot lie about a transfer, and a receiver could spoil the comparison by sending some back.
    return 0 if currency == ETH else staticcall Token(currency).balanceOf(self)


@internal
@view
def _check_fall(currency: address, before: uint256, sent: uint256):
    if currency != ETH:
        now: uint256 = staticcall Token(currency).balanceOf(self)
        assert before - now == sent, "vault: token moved another amount"


@internal
def _withdraw(booked: bytes32, to: address, currency: address) -> uint256:
    self.opener = empty(address)
    amount: uint256 = self.balances[booked][currency]
    if amount == 0:
        return 0
    before: uint256 = self._held(currency)
    self.balances[booked][currency] = 0
    if self._push(currency, to, amount):
        self._check_fall(currency, before, amount)
        log IRoyaltyVault.Withdrawn(account=booked, currency=currency, to=to, amount=amount)
        return amount
    self._check_fall(currency, before, 0)
    self.balances[booked][currency] = amount
    log IRoyaltyVault.Refused(account=booked, currency=currency, to=to, amount=amount)
    return 0


@internal
def _distribute(shares: DynArray[types.Share, 64], controller: address, currency: address, push: bool) -> uint256:
    self.opener = empty(address)
    # As _split_of, without handing the shares over, which would copy them.
    split: bytes32 = self._tagged(TAG_SPLIT, keccak256(abi_encode(shares, controller)))
    amount: uint256 = self.balances[split][currency]
    amounts: DynArray[uint256, 64] = []
    total: uint256 = 0
    of_all: uint256 = 0
    for share: types.Share in shares:
        part: uint256 = amount * convert(share.share, uint256) // ONE
        amounts.append(part)
        total = unsafe_add(total, part)
        of_all = unsafe_add(of_all, convert(share.share, uint256))
    # A split nobody declared may have been credited; its shares must not take more than there is.
    assert of_all == ONE, "vault: shares do not sum to 1000000"
    if total == 0:
        return 0
    self.balances[split][currency] = unsafe_sub(amount, total)

    before: uint256 = 0
    if push:
        before = self._held(currency)
    sent: uint256 = 0
    kept: uint256 = 0
    for i: uint256 in range(len(shares), bound=64):
        part: uint256 = amounts[i]
        if part == 0:
            continue
        account: bytes32 = shares[i].account
        to: address = empty(address)
        if push:
            if convert(account, uint256) >> 160 == 0:
                to = convert(convert(account, uint256), address)
            elif convert(account, uint256) >> 160 == TAG_INVITED << 88:
                to = self.accepted[convert(convert(account, uint256) & (2**160 - 1), address)]
        if to != empty(address):
            if self._push(currency, to, part):
                sent = unsafe_add(sent, part)
                continue
            log IRoyaltyVault.Refused(account=account, currency=currency, to=to, amount=part)
        self._check_payable(account)
        self.balances[account][currency] += part
        kept |= 1 << i
    if push:
        self._check_fall(currency, before, sent)
    log IRoyaltyVault.Distributed(split=split, currency=currency, shares=shares, amounts=amounts, kept=kept)
    return total
