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

from .interfaces import IAttestations
from .interfaces import IDatasetMarket
from .interfaces import IDisputeResolver
from .interfaces import ILicenseMarket
from .interfaces import IRoyaltyVault
from .interfaces import ISignedActions
from .interfaces import IUsageSettlement
from .interfaces import IWorkRegistry
from .interfaces import types
from .modules import message_types
from .modules import signatures
from .modules import typed_structs


implements: ISignedActions

initializes: ownable
initializes: ownable_2step[ownable := ownable]
initializes: domain


# Renouncing is left out: it would take the gate's key away unused. Handing over is below, with a check more.
exports: (
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.accept_ownership,
    domain.eip712Domain,
)


# What an item of a batch costs besides the gas it is given.
ITEM_OVERHEAD: constant(uint256) = 5_000
ERROR_STRING: constant(uint256) = 147_028_384  # 0x08c379a0, Error(string), whose text begins at byte 68


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


# ---- works and offers ---------------------------------------------------------------------------------


@external
def onboard(message: ISignedActions.Onboard, signature: Bytes[4096]) -> uint256:
    offers: DynArray[bytes32, 8] = []
    for offer: types.Offer in message.offers:
        offers.append(typed_structs._hash_offer(offer))
    digest: bytes32 = self._use(
        message.actor,
        message.nonce,
        message.deadline,
        keccak256(
            abi_encode(
                message_types.ONBOARD,
                message.actor,
                message.registry,
                message.vault,
                message.market,
                typed_structs._hash_split(message.split),
                message.controller,
                typed_structs._hash_work(message.work),
                typed_structs._hash_members(offers),
                message.nonce,
                message.deadline,
            )
        ),
    )
    # As _authorize does it, but the signature is not copied once more: memory is dear in a long message.
    assert signatures._is_valid(message.actor, digest, signature), "signed: bad signature"
    if len(message.split) != 0:
        split: bytes32 = extcall IRoyaltyVault(message.vault).check_split(message.split, message.controller)
        assert split == message.work.payee, "signed: payee is not the split"
    work: uint256 = extcall IWorkRegistry(message.registry).register(message.actor, message.work)
    for offer: types.Offer in message.offers:
        self._post(message.actor, message.market, offer)
    return work


@external
def register_works(message: ISignedActions.RegisterWorks, signature: Bytes[4096]):
    works: DynArray[bytes32, 100] = []
    for work: types.WorkInput in message.works:
        works.append(typed_structs._hash_work(work))
    self._authorize(
        message.actor,
        message.nonce,
        message.deadline,
        keccak256(
            abi_encode(
                message_types.REGISTER_WORKS,
                message.actor,
                message.registry,
                message.vault,
                typed_structs._hash_split(message.split),
                message.controller,
                typed_structs._hash_members(works),
                message.nonce,
                message.deadline,
            )
        ),
        signature,
    )
    if len(message.split) != 0:
        split: bytes32 = extcall IRoyaltyVault(message.vault).check_split(message.split, message.controller)
        for work: types.WorkInput in message.works:
            assert split == work.payee, "signed: payee is not the split"
    extcall IWorkRegistry(message.registry).register_many(message.actor, message.works)


@external
def post_offers(message: ISignedActions.PostOffers, signature: Bytes[4096]):
    offers: DynArray[bytes32, 32] = []
    for offer: types.Offer in message.offers:
        offers.append(typed_structs._hash_offer(offer))
    self._authorize(
        message.actor,
        message.nonce,
        message.deadline,
        keccak256(
            abi_encode(
                message_types.POST_OFFERS,
                message.actor,
                message.market,
                typed_structs._hash_members(offers),
                message.nonce,
                message.deadline,
            )
        ),
        signature,
    )
    for offer: types.Offer in message.offers:
        self._post(message.actor, message.market, offer)


@external
def withdraw_offer(message: ISignedActions.WithdrawOffer, signature: Bytes[4096]):
    self._authorize(
        message.actor,
        message.nonce,
        message.deadline,
        keccak256(
            abi_encode(
                message_types.WITHDRAW_OFFER,
                message.actor,
                message.market,
                typed_structs._hash_offer(message.offer),
                message.nonce,
                message.deadline,
            )
        ),
        signature,
    )
    assert message.offer.licensor == message.actor, "signed: offer is not the actor's"
    extcall ILicenseMarket(message.market).withdraw_offer(message.offer)


@external
def set_metadata(message: ISignedActions.SetMetadata, signature: Bytes[4096]):
    action: bytes32 = keccak256(abi_encode(message_types.SET_METADATA, message))
    self._authorize(message.actor, message.nonce, message.deadline, action, signature)
    extcall IWorkRegistry(message.registry).set_metadata(message.actor, message.work, message.metadata)


@external
def approve_payee(message: ISignedActions.ApprovePayee, signature: Bytes[4096]):
    action: bytes32 = keccak256(abi_encode(message_types.APPROVE_PAYEE, message))
    self._authorize(message.actor, message.nonce, message.deadline, action, signature)
    extcall IWorkRegistry(message.registry).approve_payee(message.actor, message.work, message.payee)


# ---- stewards -----------------------------------------------------------------------------------------


@external
def accept_stewardship(message: ISignedActions.AcceptStewardship, signature: Bytes[4096]):
    action: bytes32 = keccak256(abi_encode(message_types.ACCEPT_STEWARDSHIP, message))
    self._authorize(message.actor, message.nonce, message.deadline, action, signature)
    extcall IWorkRegistry(message.registry).accept_stewardship(message.actor, message.work)


@external
def hand_over_stewardship(message: ISignedActions.HandOverStewardship, signature: Bytes[4096]):
    action: bytes32 = keccak256(abi_encode(message_types.HAND_OVER_STEWARDSHIP, message))
    self._authorize(message.actor, message.nonce, message.deadline, action, signature)
    extcall IWorkRegistry(message.registry).hand_over_stewardship(message.actor, message.work, message.to)


@external
def set_cultural(message: ISignedActions.SetCultural, signature: Bytes[4096]):
    action: bytes32 = keccak256(abi_encode(message_types.SET_CULTURAL, message))
    self._authorize(message.actor, message.nonce, message.deadline, action, signature)
    extcall IWorkRegistry(message.registry).set_cultural(message.actor, message.work, message.cultural)


@external
def set_consent(message: ISignedActions.SetConsent, signature: Bytes[4096]):
    action: bytes32 = keccak256(abi_encode(message_types.SET_CONSENT, message))
    self._authorize(message.actor, message.nonce, message.deadline, action, signature)
    if message.given:
        extcall ILicenseMarket(message.market).consent(message.actor, message.offer_id)
    else:
        extcall ILicenseMarket(message.market).revoke_consent(message.actor, message.offer_id)


# ---- datasets -----------------------------------------------------------------------------------------


@external
def open_dataset(message: ISignedActions.OpenDataset, signature: Bytes[4096]) -> bytes32:
    self._authorize(
        message.actor,
        message.nonce,
        message.deadline,
        keccak256(
            abi_encode(
                message_types.OPEN_DATASET,
                message.actor,
                message.datasets,
                typed_structs._hash_dataset(message.dataset),
                message.nonce,
                message.deadline,
            )
        ),
        signature,
    )
    assert message.dataset.curator == message.actor, "signed: dataset is not the actor's"
    return extcall IDatasetMarket(message.datasets).open(message.dataset)


@external
def add_to_dataset(message: ISignedActions.AddToDataset, signature: Bytes[4096]):
    offers: DynArray[bytes32, 50] = []
    for offer: types.Offer in message.offers:
        offers.append(typed_structs._hash_offer(offer))
    self._authorize(
        message.actor,
        message.nonce,
        message.deadline,
        keccak256(
            abi_encode(
                message_types.ADD_TO_DATASET,
                message.actor,
                message.datasets,
                typed_structs._hash_dataset(message.dataset),
                typed_structs._hash_members(offers),
                message.nonce,
                message.deadline,
            )
        ),
        signature,
    )
    assert message.dataset.curator == message.actor, "signed: dataset is not the actor's"
    extcall IDatasetMarket(message.datasets).add(message.dataset, message.offers)


@external
def take_out(message: ISignedActions.TakeOut, signature: Bytes[4096]):
    self._authorize(
        message.actor,
        message.nonce,
        message.deadline,
        keccak256(
            abi_encode(
                message_types.TAKE_OUT,
                message.actor,
                message.datasets,
                message.dataset_id,
                typed_structs._hash_offer(message.offer),
                message.nonce,
                message.deadline,
            )
        ),
        signature,
    )
    extcall IDatasetMarket(message.datasets).take_out(message.actor, message.dataset_id, message.offer)


# ---- models and reports -------------------------------------------------------------------------------


@external
def register_model(message: ISignedActions.RegisterModel, signature: Bytes[4096]):
    action: bytes32 = keccak256(abi_encode(message_types.REGISTER_MODEL, message))
    self._authorize(message.actor, message.nonce, message.deadline, action, signature)
    extcall IUsageSettlement(message.settlement).register_model(message.actor, message.card)


@external
def commit_manifest(message: ISignedActions.CommitManifest, signature: Bytes[4096]):
    action: bytes32 = keccak256(abi_encode(message_types.COMMIT_MANIFEST, message))
    self._authorize(message.actor, message.nonce, message.deadline, action, signature)
    extcall IUsageSettlement(message.settlement).commit_manifest(message.actor, message.model, message.manifest)


@external
def authorize_reporter(message: ISignedActions.AuthorizeReporter, signature: Bytes[4096]):
    action: bytes32 = keccak256(abi_encode(message_types.AUTHORIZE_REPORTER, message))
    self._authorize(message.actor, message.nonce, message.deadline, action, signature)
    extcall IUsageSettlement(message.settlement).authorize(
        message.actor, message.market, message.license, message.developer, message.allowed
    )


@external
def bind_model(message: ISignedActions.BindModel, signature: Bytes[4096]):
    self._authorize(
        message.actor,
        message.nonce,
        message.deadline,
        keccak256(
            abi_encode(
                message_types.BIND_MODEL,
                message.actor,
                message.settlement,
                message.license,
                typed_structs._hash_offer(message.offer),
                message.model,
                message.nonce,
                message.deadline,
            )
        ),
        signature,
    )
    extcall IUsageSettlement(message.settlement).bind_model(
        message.actor, message.license, message.offer, message.model
    )


@external
def restate_report(message: ISignedActions.RestateReport, signature: Bytes[4096]):
    action: bytes32 = keccak256(abi_encode(message_types.RESTATE_REPORT, message))
    self._authorize(message.actor, message.nonce, message.deadline, action, signature)
    extcall IUsageSettlement(message.settlement).restate(
        message.actor, message.market, message.license, message.number, message.root, message.manifest
    )


# ---- words and evidence -------------------------------------------------------------------------------


@external
def attest(message: ISignedActions.Attest, signature: Bytes[4096]) -> bytes32:
    action: bytes32 = keccak256(abi_encode(message_types.ATTEST, message))
    self._authorize(message.actor, message.nonce, message.deadline, action, signature)
    return extcall IAttestations(message.attestations).attest(
        message.actor, message.subject, message.schema, message.evidence
    )


@external
def revoke_attestation(message: ISignedActions.RevokeAttestation, signature: Bytes[4096]):
    action: bytes32 = keccak256(abi_encode(message_types.REVOKE_ATTESTATION, message))
    self._authorize(message.actor, message.nonce, message.deadline, action, signature)
    extcall IAttestations(message.attestations).revoke(message.actor, message.id)


@external
def submit_evidence(message: ISignedActions.SubmitEvidence, signature: Bytes[4096]):
    action: bytes32 = keccak256(abi_encode(message_types.SUBMIT_EVIDENCE, message))
    self._authorize(message.actor, message.nonce, message.deadline, action, signature)
    extcall IDisputeResolver(message.disputes).submit_evidence(message.actor, message.case_id, message.evidence)


# ---- many at once -------------------------------------------------------------------------------------


@external
@reentrant
def execute_many(calls: DynArray[Bytes[4096], 32], gas_limits: DynArray[uint256, 32]) -> uint256:
    # Free of the lock, for its calls come back to this contract; each of them takes the lock for itself.
    assert len(calls) == len(gas_limits), "signed: one gas limit for each call"
    refused: uint256 = 0
    for i: uint256 in range(len(calls), bound=32):
        # The EVM lets a call have at most 63/64 of what is left and gives less without a word (EIP-150).
        assert msg.gas >= gas_limits[i] + gas_limits[i] // 63 + ITEM_OVERHEAD, "signed: not enough gas"
        success: bool = False
        response: Bytes[100] = b""
        success, response = raw_call(
            self, calls[i], max_outsize=100, gas=gas_limits[i], revert_on_failure=False
        )
        if not success:
            refused |= 1 << i
            log ISignedActions.ActionFailed(index=i, reason=self._reason(response))
    return refused


# ---- actors and the owner -----------------------------------------------------------------------------


@external
def cancel_nonce(nonce: uint256):
    self._use_nonce(msg.sender, nonce)
    log ISignedActions.NonceCancelled(actor=msg.sender, nonce=nonce)


@external
def cancel_nonce_for(message: ISignedActions.CancelNonce, signature: Bytes[4096]):
    action: bytes32 = keccak256(abi_encode(message_types.CANCEL_NONCE, message))
    self._authorize(message.actor, message.nonce, message.deadline, action, signature)
    log ISignedActions.NonceCancelled(actor=message.actor, nonce=message.nonce)


@external
def close_gate():
    ownable._check_owner()
    self.gate_closed = True
    log ISignedActions.GateClosed()


@external
def transfer_ownership(new_owner: address):
    """
    @notice The owner names its successor, who then has to accept.
    """
    ownable._check_owner()
    # Through execute_many anyone calls as this contract, and could accept.
    assert new_owner != self, "signed: cannot own itself"
    ownable_2step.pending_owner = new_owner
    log ownable_2step.OwnershipTransferStarted(previous_owner=ownable.owner, new_owner=new_owner)


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
def _authorize(actor: address, nonce: uint256, deadline: uint256, action: bytes32, signature: Bytes[4096]):
    """
    @dev Uses an action up, which its actor must have signed.
    """
    digest: bytes32 = self._use(actor, nonce, deadline, action)
    assert signatures._is_valid(actor, digest, signature), "signed: bad signature"


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


@internal
def _post(actor: address, market: address, offer: types.Offer):
    # The market asks the licensor, and this contract answers for the actor alone.
    assert offer.licensor == actor, "signed: offer is not the actor's"
    extcall ILicenseMarket(market).post(offer)


@internal
@pure
def _reason(response: Bytes[100]) -> bytes32:
    if len(response) < 32:
        return empty(bytes32)
    word: bytes32 = extract32(response, 0)
    if len(response) == 100 and convert(word, uint256) >> 224 == ERROR_STRING:
        return extract32(response, 68)
    return word
