# pragma version ==0.4.3
# pragma evm-version cancun
# pragma nonreentrancy on
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title SignedActions: no gas for creators
@license GNU Affero General Public License v3.0 only
@notice See `interfaces/ISignedActions.vyi`.
"""

from snekmate.auth import ownable
from snekmate.auth import ownable_2step
from snekmate.utils import eip712_domain_separator as domain

from .interfaces import ILicenseMarket
from .interfaces import IRoyaltyVault
from .interfaces import ISignedActions
from .interfaces import IWorkRegistry
from .interfaces import types
from .modules import signatures
from .modules import typed_structs


implements: ISignedActions

initializes: ownable
initializes: ownable_2step[ownable := ownable]
initializes: domain


# Renouncing is left out: it would take the gate's key away unused.
exports: (
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
    domain.eip712Domain,
)


ONBOARD_TYPE: constant(bytes32) = keccak256(
    "Onboard(address actor,address registry,address vault,address market,Share[] split,address controller,WorkInput work,Offer[] offers,uint256 nonce,uint256 deadline)Offer(uint256 work,address licensor,uint16 usages,uint16 aspects,uint16 forbids,uint32 start_ms,uint32 end_ms,address currency,uint96 price,uint40 term,uint16 revenue_share_bps,uint8 unit,uint96 unit_price,uint32 report_every,uint8 after_term,uint32 supply,address licensee,uint40 opens_at,uint40 closes_at,uint8 flags,bytes32 terms)Share(bytes32 account,uint32 share)WorkInput(bytes32 content,bytes32 metadata,bytes32 cultural,bytes32 payee,address steward,uint32 duration_ms,uint16 cleared)"
)
POST_OFFERS_TYPE: constant(bytes32) = keccak256(
    "PostOffers(address actor,address market,Offer[] offers,uint256 nonce,uint256 deadline)Offer(uint256 work,address licensor,uint16 usages,uint16 aspects,uint16 forbids,uint32 start_ms,uint32 end_ms,address currency,uint96 price,uint40 term,uint16 revenue_share_bps,uint8 unit,uint96 unit_price,uint32 report_every,uint8 after_term,uint32 supply,address licensee,uint40 opens_at,uint40 closes_at,uint8 flags,bytes32 terms)"
)
WITHDRAW_OFFER_TYPE: constant(bytes32) = keccak256(
    "WithdrawOffer(address actor,address market,Offer offer,uint256 nonce,uint256 deadline)Offer(uint256 work,address licensor,uint16 usages,uint16 aspects,uint16 forbids,uint32 start_ms,uint32 end_ms,address currency,uint96 price,uint40 term,uint16 revenue_share_bps,uint8 unit,uint96 unit_price,uint32 report_every,uint8 after_term,uint32 supply,address licensee,uint40 opens_at,uint40 closes_at,uint8 flags,bytes32 terms)"
)


# actor → nonce // 256 → 256 bits
used_nonces: HashMap[address, HashMap[uint256, uint256]]
gate_closed: bool


@deploy
def __init__(owner: address):
    assert owner != empty(address), "signed: bad wiring"
    ownable.__init__()
    ownable_2step.__init__()
    domain.__init__("IPTO", "1")
    ownable_2step._transfer_ownership(owner)


# ---- for whoever carries a signature ------------------------------------------------------------------


@external
def onboard(message: ISignedActions.Onboard, signature: Bytes[4096]) -> uint256:
    shares: DynArray[bytes32, 64] = []
    for share: types.Share in message.split:
        shares.append(typed_structs._hash_share(share))
    offers: DynArray[bytes32, 8] = []
    for offer: types.Offer in message.offers:
        offers.append(typed_structs._hash_offer(offer))
    digest: bytes32 = self._use(
        message.actor,
        message.nonce,
        message.deadline,
        keccak256(
            abi_encode(
                ONBOARD_TYPE,
                message.actor,
                message.registry,
                message.vault,
                message.market,
                typed_structs._hash_members(shares),
                message.controller,
                typed_structs._hash_work(message.work),
                typed_structs._hash_members(offers),
                message.nonce,
                message.deadline,
            )
        ),
    )
    # Here and not in _use, which would copy the signature once more.
    assert signatures._is_valid(message.actor, digest, signature), "signed: bad signature"
    if len(message.split) != 0:
        split: bytes32 = extcall IRoyaltyVault(message.vault).check_split(message.split, message.controller)
        assert split == message.work.payee, "signed: payee is not the split"
    work: uint256 = extcall IWorkRegistry(message.registry).register(message.actor, message.work)
    for offer: types.Offer in message.offers:
        # The market asks the licensor, and this contract answers for the actor alone.
        assert offer.licensor == message.actor, "signed: offer is not the actor's"
        extcall ILicenseMarket(message.market).post(offer)
    return work


@external
def post_offers(message: ISignedActions.PostOffers, signature: Bytes[4096]):
    offers: DynArray[bytes32, 32] = []
    for offer: types.Offer in message.offers:
        offers.append(typed_structs._hash_offer(offer))
    digest: bytes32 = self._use(
        message.actor,
        message.nonce,
        message.deadline,
        keccak256(
            abi_encode(
                POST_OFFERS_TYPE,
                message.actor,
                message.market,
                typed_structs._hash_members(offers),
                message.nonce,
                message.deadline,
            )
        ),
    )
    assert signatures._is_valid(message.actor, digest, signature), "signed: bad signature"
    for offer: types.Offer in message.offers:
        # The market asks the licensor, and this contract answers for the actor alone.
        assert offer.licensor == message.actor, "signed: offer is not the actor's"
        extcall ILicenseMarket(message.market).post(offer)


@external
def withdraw_offer(message: ISignedActions.WithdrawOffer, signature: Bytes[4096]):
    digest: bytes32 = self._use(
        message.actor,
        message.nonce,
        message.deadline,
        keccak256(
            abi_encode(
                WITHDRAW_OFFER_TYPE,
                message.actor,
                message.market,
                typed_structs._hash_offer(message.offer),
                message.nonce,
                message.deadline,
            )
        ),
    )
    assert signatures._is_valid(message.actor, digest, signature), "signed: bad signature"
    assert message.offer.licensor == message.actor, "signed: offer is not the actor's"
    extcall ILicenseMarket(message.market).withdraw_offer(message.offer)


# ---- actors and the owner -----------------------------------------------------------------------------


@external
def cancel_nonce(nonce: uint256):
    self._use_nonce(msg.sender, nonce)
    log ISignedActions.NonceCancelled(actor=msg.sender, nonce=nonce)


@external
def close_gate():
    ownable._check_owner()
    self.gate_closed = True
    log ISignedActions.GateClosed()


# ---- views --------------------------------------------------------------------------------------------


@external
@view
def is_nonce_used(actor: address, nonce: uint256) -> bool:
    return self.used_nonces[actor][nonce >> 8] & (1 << (nonce & 255)) != 0


@external
@view
def is_gate_closed() -> bool:
    return self.gate_closed


# ---- internal -----------------------------------------------------------------------------------------


@internal
def _use(actor: address, nonce: uint256, deadline: uint256, action: bytes32) -> bytes32:
    """
    @dev Uses an action up and returns what its actor must have signed.
    """
    assert not self.gate_closed, "signed: gate is closed"
    assert block.timestamp <= deadline, "signed: deadline passed"
    self._use_nonce(actor, nonce)
    log ISignedActions.ActionExecuted(actor=actor, action=action, nonce=nonce)
    return domain._hash_typed_data_v4(action)


@internal
def _use_nonce(actor: address, nonce: uint256):
    word: uint256 = self.used_nonces[actor][nonce >> 8]
    bit: uint256 = 1 << (nonce & 255)
    assert word & bit == 0, "signed: nonce already used"
    self.used_nonces[actor][nonce >> 8] = word | bit

