# pragma version ==0.4.3
# pragma evm-version cancun
# pragma nonreentrancy on
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title WorkRegistry: who claims to have made what
@license GNU Affero General Public License v3.0 only
@notice See `interfaces/IWorkRegistry.vyi`.
"""

from snekmate.auth import ownable
from snekmate.auth import ownable_2step

from .interfaces import IRoyaltyVault
from .interfaces import IWorkRegistry
from .interfaces import types
from .modules import cid_text
from .modules import erc721


interface Receivers:
    def receiver_of(account: bytes32) -> address: view


implements: IWorkRegistry

initializes: ownable
initializes: ownable_2step[ownable := ownable]
initializes: erc721


# Renouncing is left out: it would leave a pause in place for ever.
exports: (
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
    erc721.approve,
    erc721.setApprovalForAll,
    erc721.balanceOf,
    erc721.ownerOf,
    erc721.getApproved,
    erc721.isApprovedForAll,
)


# The host's 96 bits of a token's word:
#
#   255   248 247      232 231          200 199           160
#   | flags  | cleared    | duration (ms)  | owned since (s) |
SINCE_AT: constant(uint256) = 160
DURATION_AT: constant(uint256) = 200
CLEARED_AT: constant(uint256) = 232
FLAGS_AT: constant(uint256) = 248
SINCE_MASK: constant(uint256) = (2**40 - 1) << 160
HOST_MASK: constant(uint256) = max_value(uint256) ^ (2**160 - 1)

HELD: constant(uint256) = 1
LATER_CLAIM: constant(uint256) = 2
HAS_PAYEE: constant(uint256) = 4
HAS_STEWARD: constant(uint256) = 8
STEWARD_ACCEPTED: constant(uint256) = 16
HAS_CULTURAL: constant(uint256) = 32

ASPECTS: constant(uint16) = 2**9 - 1  # all that are defined
EQUAL_CLAIMS: constant(uint256) = 86_400  # seconds within which claims on one content count as equal
RESALE_BPS: constant(uint256) = 500  # of a claim's resale price, to the work's payee (ERC-2981)

VAULT: public(immutable(address))
SIGNED_ACTIONS: public(immutable(address))
DISPUTES: public(immutable(address))
RECEIVERS: public(immutable(address))

name: public(constant(String[25])) = "IPTO works"
symbol: public(constant(String[5])) = "WORK"

metadata_of: HashMap[uint256, bytes32]
cultural_of: HashMap[uint256, bytes32]
payee_of: HashMap[uint256, bytes32]
steward_of: HashMap[uint256, address]

#   255   200 199         160 159            0
#   | unused | claimed at (s) | creator       |
first_claims: HashMap[bytes32, uint256]

# keccak256(abi_encode(work, present payee, new payee, approver)) → given
payee_approvals: HashMap[bytes32, bool]

# Read only where HELD is set: a hold ends by itself.
held_until: public(HashMap[uint256, uint40])
clean_since: public(HashMap[uint256, uint40])

registrations_paused: public(bool)


@deploy
def __init__(owner: address, vault: address, signed_actions: address, disputes: address, receivers: address):
    assert owner != empty(address) and vault.is_contract and signed_actions.is_contract, "registry: bad wiring"
    ownable.__init__()
    ownable_2step.__init__()
    erc721.__init__()
    ownable_2step._transfer_ownership(owner)
    VAULT = vault
    SIGNED_ACTIONS = signed_actions
    DISPUTES = disputes
    RECEIVERS = receivers


# ---- creators and owners ------------------------------------------------------------------------------


@external
def register(creator: address, work: types.WorkInput) -> uint256:
    self._check_actor(creator)
    return self._register(creator, work)


@external
def register_many(creator: address, works: DynArray[types.WorkInput, 100]) -> DynArray[uint256, 100]:
    self._check_actor(creator)
    ids: DynArray[uint256, 100] = []
    for work: types.WorkInput in works:
        ids.append(self._register(creator, work))
    return ids


@external
def set_metadata(actor: address, work: uint256, metadata: bytes32):
    self._check_actor(actor)
    assert erc721._owner(work) == actor, "registry: not the owner"
    assert metadata != empty(bytes32), "registry: metadata is zero"
    self.metadata_of[work] = metadata
    log IWorkRegistry.MetadataSet(work=work, metadata=metadata)
    log IWorkRegistry.MetadataUpdate(_tokenId=work)


@external
def approve_payee(actor: address, work: uint256, payee: bytes32):
    self._check_actor(actor)
    erc721._word(work)
    self.payee_approvals[self._approval_key(work, payee, actor)] = True
    log IWorkRegistry.PayeeApproved(work=work, approver=actor, payee=payee)


@external
def set_payee(work: uint256, payee: bytes32):
    word: uint256 = erc721._word(work)
    assert erc721._owner_in(word) == msg.sender, "registry: not the owner"
    flags: uint256 = word >> FLAGS_AT
    assert not self._is_held(work, flags), "registry: work is on hold"
    if payee != empty(bytes32):
        self._check_split(payee)
    controller: address = empty(address)
    steward: address = empty(address)
    if flags & HAS_PAYEE != 0:
        controller = staticcall IRoyaltyVault(VAULT).controller_of(self.payee_of[work])
        assert controller != empty(address), "registry: split can never be left"
        assert self._approved(work, payee, controller), "registry: controller has not approved"
    if flags & HAS_STEWARD != 0:
        steward = self.steward_of[work]
        assert self._approved(work, payee, steward), "registry: steward has not approved"
    # Used up only now: controller and steward may be the same account.
    self.payee_approvals[self._approval_key(work, payee, controller)] = False
    self.payee_approvals[self._approval_key(work, payee, steward)] = False

    self.payee_of[work] = payee
    has_payee: uint256 = 0 if payee == empty(bytes32) else HAS_PAYEE
    self._set_flags(work, word, (flags & ~HAS_PAYEE) | has_payee)
    log IWorkRegistry.PayeeSet(work=work, payee=payee)


@external
@reentrant
def transferFrom(sender: address, receiver: address, token_id: uint256):
    self._move(sender, receiver, token_id)


@external
@reentrant
def safeTransferFrom(sender: address, receiver: address, token_id: uint256, data: Bytes[1024] = b""):
    self._move(sender, receiver, token_id)
    erc721._ask_receiver(sender, receiver, token_id, data)


# ---- stewards -----------------------------------------------------------------------------------------


@external
def accept_stewardship(actor: address, work: uint256):
    self._check_actor(actor)
    word: uint256 = erc721._word(work)
    assert self.steward_of[work] == actor, "registry: not the named steward"
    flags: uint256 = word >> FLAGS_AT
    assert flags & STEWARD_ACCEPTED == 0, "registry: stewardship already accepted"
    self._set_flags(work, word, flags | STEWARD_ACCEPTED)
    log IWorkRegistry.StewardshipAccepted(work=work, steward=actor)


@external
def hand_over_stewardship(actor: address, work: uint256, to: address):
    self._check_actor(actor)
    word: uint256 = self._stewarded_by(work, actor)
    assert to != empty(address), "registry: zero address"
    self.steward_of[work] = to
    self._set_flags(work, word, (word >> FLAGS_AT) & ~STEWARD_ACCEPTED)
    log IWorkRegistry.StewardshipHandedOver(work=work, steward=actor, to=to)


@external
def set_cultural(actor: address, work: uint256, cultural: bytes32):
    self._check_actor(actor)
    word: uint256 = self._stewarded_by(work, actor)
    assert cultural != empty(bytes32), "registry: cultural notice is zero"
    self.cultural_of[work] = cultural
    self._set_flags(work, word, (word >> FLAGS_AT) | HAS_CULTURAL)
    log IWorkRegistry.CulturalNoticeSet(work=work, steward=actor, cultural=cultural)


# ---- dispute resolution -------------------------------------------------------------------------------


@external
def hold(work: uint256, until: uint40):
    self._check_disputes()
    word: uint256 = erc721._word(work)
    flags: uint256 = word >> FLAGS_AT
    is_held: bool = convert(until, uint256) > block.timestamp
    self.held_until[work] = until if is_held else 0
    self._set_flags(work, word, flags | HELD if is_held else flags & ~HELD)
    log IWorkRegistry.WorkHeld(work=work, until=self.held_until[work])


@external
def reassign(work: uint256, to: address, clean_since: uint40, keeps_steward: bool):
    self._check_disputes()
    word: uint256 = erc721._word(work)
    kept: uint256 = LATER_CLAIM
    if keeps_steward:
        kept |= HAS_STEWARD | STEWARD_ACCEPTED | HAS_CULTURAL
    else:
        self.steward_of[work] = empty(address)
        self.cultural_of[work] = empty(bytes32)
    self.payee_of[work] = empty(bytes32)
    self.held_until[work] = 0
    if clean_since != 0:
        self.clean_since[work] = max(clean_since, self.clean_since[work])
    host: uint256 = word & HOST_MASK & ~SINCE_MASK & (2**FLAGS_AT - 1)
    flags: uint256 = (word >> FLAGS_AT) & kept
    erc721._force(to, work, host | (flags << FLAGS_AT) | (block.timestamp << SINCE_AT))
    log IWorkRegistry.ClaimReassigned(
        work=work,
        former=erc721._owner_in(word),
        to=to,
        clean_since=self.clean_since[work],
        keeps_steward=keeps_steward,
    )


@external
def name_steward(work: uint256, steward: address):
    self._check_disputes()
    word: uint256 = erc721._word(work)
    assert steward != empty(address), "registry: zero address"
    self.steward_of[work] = steward
    self._set_flags(work, word, ((word >> FLAGS_AT) | HAS_STEWARD) & ~STEWARD_ACCEPTED)
    log IWorkRegistry.StewardNamed(work=work, steward=steward)


# ---- the protocol's owner -----------------------------------------------------------------------------


@external
def set_paused(paused: bool):
    ownable._check_owner()
    self.registrations_paused = paused
    log IWorkRegistry.RegistrationsPaused(paused=paused)


# ---- views --------------------------------------------------------------------------------------------


@external
@view
def sale_terms(work: uint256) -> (address, uint40, bytes32, address, bytes32, uint16, uint8):
    word: uint256 = erc721._word(work)
    flags: uint256 = word >> FLAGS_AT
    assert not self._is_held(work, flags), "registry: work is on hold"
    # Words that hold nothing are not read.
    payee: bytes32 = self.payee_of[work] if flags & HAS_PAYEE != 0 else empty(bytes32)
    steward: address = self.steward_of[work] if flags & HAS_STEWARD != 0 else empty(address)
    cultural: bytes32 = self.cultural_of[work] if flags & HAS_CULTURAL != 0 else empty(bytes32)
    return (
        erc721._owner_in(word),
        self._since_in(word),
        payee,
        steward,
        cultural,
        self._cleared_in(word),
        convert(flags & ~HELD, uint8),
    )


@external
@view
def work_of(work: uint256) -> (address, uint40, uint32, uint16, uint8, bytes32, bytes32, bytes32, address):
    word: uint256 = erc721._word(work)
    flags: uint256 = word >> FLAGS_AT
    if not self._is_held(work, flags):
        flags &= ~HELD
    return (
        erc721._owner_in(word),
        self._since_in(word),
        convert((word >> DURATION_AT) & (2**32 - 1), uint32),
        self._cleared_in(word),
        convert(flags, uint8),
        self.metadata_of[work],
        self.cultural_of[work],
        self.payee_of[work],
        self.steward_of[work],
    )


@external
@view
def work_id(creator: address, content: bytes32) -> uint256:
    return self._work_id(creator, content)


@external
@view
def first_claim(content: bytes32) -> (uint256, uint40):
    first: uint256 = self.first_claims[content]
    if first == 0:
        return 0, 0
    creator: address = convert(first & (2**160 - 1), address)
    return self._work_id(creator, content), convert(first >> 160, uint40)


@external
@view
def tokenURI(token_id: uint256) -> String[66]:
    """
    @notice The metadata document as ipfs://CIDv1 (ERC-721).
    """
    erc721._word(token_id)
    return concat("ipfs://", cid_text._cid_base32(self.metadata_of[token_id]))


@external
@view
def contractURI() -> String[256]:
    """
    @notice The collection's own metadata (ERC-7572), on chain.
    """
    return 'data:application/json;utf8,{"name":"IPTO works","symbol":"WORK","description":"Claims on videos, by those who say they made them. A claim is not a title."}'


@external
@view
def royaltyInfo(token_id: uint256, sale_price: uint256) -> (address, uint256):
    """
    @notice ERC-2981. The resale of a claim owes 5 % to the receiving address of the work's payee, where there is one.
    """
    word: uint256 = erc721._word(token_id)
    if (word >> FLAGS_AT) & HAS_PAYEE == 0 or RECEIVERS == empty(address):
        return erc721._owner_in(word), 0
    receiver: address = staticcall Receivers(RECEIVERS).receiver_of(self.payee_of[token_id])
    # Divided first: a price is never too large to ask about.
    return receiver, sale_price // 10_000 * RESALE_BPS + sale_price % 10_000 * RESALE_BPS // 10_000


@external
@pure
def supportsInterface(interface_id: bytes4) -> bool:
    """
    @notice ERC-165: itself, ERC-721 with metadata, ERC-2981, ERC-4906, ERC-7572.
    """
    return interface_id in [
        0x01FFC9A7,
        0x80AC58CD,
        0x5B5E139F,
        0x2A55205A,
        0x49064906,
        0xE8A3D485,
    ]


# ---- internal -----------------------------------------------------------------------------------------


@internal
@view
def _check_actor(actor: address):
    # SignedActions calls only in the name of whoever signed.
    assert msg.sender == actor or msg.sender == SIGNED_ACTIONS, "registry: not the actor"


@internal
@view
def _check_disputes():
    # Where none was deployed, nobody calls as the zero address.
    assert msg.sender == DISPUTES, "registry: not dispute resolution"


@internal
@view
def _is_held(work: uint256, flags: uint256) -> bool:
    return flags & HELD != 0 and block.timestamp < convert(self.held_until[work], uint256)


@internal
@view
def _check_split(payee: bytes32):
    assert staticcall IRoyaltyVault(VAULT).is_declared(payee), "registry: payee is not a declared split"


@internal
def _register(creator: address, work: types.WorkInput) -> uint256:
    assert not self.registrations_paused, "registry: paused"
    assert work.content != empty(bytes32), "registry: content is zero"
    assert work.metadata != empty(bytes32), "registry: metadata is zero"
    assert work.duration_ms != 0, "registry: duration is zero"
    assert work.cleared != 0 and work.cleared <= ASPECTS, "registry: cleared aspects out of range"
    id: uint256 = self._work_id(creator, work.content)
    assert erc721.words[id] == 0, "registry: already registered"

    flags: uint256 = 0
    first: uint256 = self.first_claims[work.content]
    if first == 0:
        self.first_claims[work.content] = (block.timestamp << 160) | convert(creator, uint256)
    elif block.timestamp > (first >> 160) + EQUAL_CLAIMS:
        flags |= LATER_CLAIM
    if work.payee != empty(bytes32):
        self._check_split(work.payee)
        flags |= HAS_PAYEE
        self.payee_of[id] = work.payee
    if work.steward != empty(address):
        flags |= HAS_STEWARD
        self.steward_of[id] = work.steward
    if work.cultural != empty(bytes32):
        flags |= HAS_CULTURAL
        self.cultural_of[id] = work.cultural
    self.metadata_of[id] = work.metadata

    erc721._mint(
        creator,
        id,
        (flags << FLAGS_AT)
        | (convert(work.cleared, uint256) << CLEARED_AT)
        | (convert(work.duration_ms, uint256) << DURATION_AT)
        | (block.timestamp << SINCE_AT),
    )
    log IWorkRegistry.WorkRegistered(
        work=id,
        creator=creator,
        content=work.content,
        metadata=work.metadata,
        cultural=work.cultural,
        payee=work.payee,
        steward=work.steward,
        duration_ms=work.duration_ms,
        cleared=work.cleared,
        flags=convert(flags, uint8),
    )
    log IWorkRegistry.Commit(
        recorder=creator,
        assetCid=cid_text._cid_base16(work.content),
        commitData=cid_text._cid_base16(work.metadata),
    )
    return id


@internal
@pure
def _work_id(creator: address, content: bytes32) -> uint256:
    return convert(keccak256(abi_encode(creator, content)), uint256)


@internal
@pure
def _since_in(word: uint256) -> uint40:
    return convert((word & SINCE_MASK) >> SINCE_AT, uint40)


@internal
@pure
def _cleared_in(word: uint256) -> uint16:
    return convert((word >> CLEARED_AT) & (2**16 - 1), uint16)


@internal
@view
def _approval_key(work: uint256, payee: bytes32, approver: address) -> bytes32:
    return keccak256(abi_encode(work, self.payee_of[work], payee, approver))


@internal
@view
def _approved(work: uint256, payee: bytes32, approver: address) -> bool:
    return approver == msg.sender or self.payee_approvals[self._approval_key(work, payee, approver)]


@internal
@view
def _stewarded_by(work: uint256, actor: address) -> uint256:
    word: uint256 = erc721._word(work)
    assert self.steward_of[work] == actor, "registry: not the steward"
    assert (word >> FLAGS_AT) & STEWARD_ACCEPTED != 0, "registry: stewardship not accepted"
    return word


@internal
def _set_flags(work: uint256, word: uint256, flags: uint256):
    erc721.words[work] = (word & (2**FLAGS_AT - 1)) | (flags << FLAGS_AT)


@internal
def _move(sender: address, receiver: address, token_id: uint256):
    # A new owner, a new epoch: offers posted before it are dead.
    host: uint256 = erc721._word(token_id) & HOST_MASK & ~SINCE_MASK
    erc721._transfer(sender, receiver, token_id, host | (block.timestamp << SINCE_AT))
