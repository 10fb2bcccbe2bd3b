# pragma version ==0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title EIP-712 types of the signed messages
@license GNU Affero General Public License v3.0 only
@notice The type hash of each message of `interfaces/ISignedActions.vyi`. `ipto/typed_data.py` has the same table;
        a test compares the two.
"""


ONBOARD: constant(bytes32) = keccak256(
    "Onboard(address actor,address registry,address vault,address market,Share[] split,address controller,WorkInput work,Offer[] offers,uint256 nonce,uint256 deadline)Offer(uint256 work,address licensor,uint16 usages,uint16 aspects,uint16 forbids,uint32 start_ms,uint32 end_ms,address currency,uint96 price,uint40 term,uint16 revenue_share_bps,uint8 unit,uint96 unit_price,uint32 report_every,uint8 after_term,uint32 supply,address licensee,uint40 opens_at,uint40 closes_at,uint8 flags,bytes32 terms)Share(bytes32 account,uint32 share)WorkInput(bytes32 content,bytes32 metadata,bytes32 cultural,bytes32 payee,address steward,uint32 duration_ms,uint16 cleared)"
)
REGISTER_WORKS: constant(bytes32) = keccak256(
    "RegisterWorks(address actor,address registry,address vault,Share[] split,address controller,WorkInput[] works,uint256 nonce,uint256 deadline)Share(bytes32 account,uint32 share)WorkInput(bytes32 content,bytes32 metadata,bytes32 cultural,bytes32 payee,address steward,uint32 duration_ms,uint16 cleared)"
)
POST_OFFERS: constant(bytes32) = keccak256(
    "PostOffers(address actor,address market,Offer[] offers,uint256 nonce,uint256 deadline)Offer(uint256 work,address licensor,uint16 usages,uint16 aspects,uint16 forbids,uint32 start_ms,uint32 end_ms,address currency,uint96 price,uint40 term,uint16 revenue_share_bps,uint8 unit,uint96 unit_price,uint32 report_every,uint8 after_term,uint32 supply,address licensee,uint40 opens_at,uint40 closes_at,uint8 flags,bytes32 terms)"
)
WITHDRAW_OFFER: constant(bytes32) = keccak256(
    "WithdrawOffer(address actor,address market,Offer offer,uint256 nonce,uint256 deadline)Offer(uint256 work,address licensor,uint16 usages,uint16 aspects,uint16 forbids,uint32 start_ms,uint32 end_ms,address currency,uint96 price,uint40 term,uint16 revenue_share_bps,uint8 unit,uint96 unit_price,uint32 report_every,uint8 after_term,uint32 supply,address licensee,uint40 opens_at,uint40 closes_at,uint8 flags,bytes32 terms)"
)
SET_METADATA: constant(bytes32) = keccak256(
    "SetMetadata(address actor,address registry,uint256 work,bytes32 metadata,uint256 nonce,uint256 deadline)"
)
APPROVE_PAYEE: constant(bytes32) = keccak256(
    "ApprovePayee(address actor,address registry,uint256 work,bytes32 payee,uint256 nonce,uint256 deadline)"
)
ACCEPT_STEWARDSHIP: constant(bytes32) = keccak256(
    "AcceptStewardship(address actor,address registry,uint256 work,uint256 nonce,uint256 deadline)"
)
HAND_OVER_STEWARDSHIP: constant(bytes32) = keccak256(
    "HandOverStewardship(address actor,address registry,uint256 work,address to,uint256 nonce,uint256 deadline)"
)
SET_CULTURAL: constant(bytes32) = keccak256(
    "SetCultural(address actor,address registry,uint256 work,bytes32 cultural,uint256 nonce,uint256 deadline)"
)
SET_CONSENT: constant(bytes32) = keccak256(
    "SetConsent(address actor,address market,bytes32 offer_id,bool given,uint256 nonce,uint256 deadline)"
)
OPEN_DATASET: constant(bytes32) = keccak256(
    "OpenDataset(address actor,address datasets,Dataset dataset,uint256 nonce,uint256 deadline)Dataset(address curator,address currency,uint16 usages,uint16 aspects,uint16 forbids,uint40 term,uint16 revenue_share_bps,uint8 unit,uint96 unit_price,uint32 report_every,uint8 after_term,uint16 curator_fee_bps,address licensee,bytes32 terms,bytes32 salt)"
)
ADD_TO_DATASET: constant(bytes32) = keccak256(
    "AddToDataset(address actor,address datasets,Dataset dataset,Offer[] offers,uint256 nonce,uint256 deadline)Dataset(address curator,address currency,uint16 usages,uint16 aspects,uint16 forbids,uint40 term,uint16 revenue_share_bps,uint8 unit,uint96 unit_price,uint32 report_every,uint8 after_term,uint16 curator_fee_bps,address licensee,bytes32 terms,bytes32 salt)Offer(uint256 work,address licensor,uint16 usages,uint16 aspects,uint16 forbids,uint32 start_ms,uint32 end_ms,address currency,uint96 price,uint40 term,uint16 revenue_share_bps,uint8 unit,uint96 unit_price,uint32 report_every,uint8 after_term,uint32 supply,address licensee,uint40 opens_at,uint40 closes_at,uint8 flags,bytes32 terms)"
)
TAKE_OUT: constant(bytes32) = keccak256(
    "TakeOut(address actor,address datasets,bytes32 dataset_id,Offer offer,uint256 nonce,uint256 deadline)Offer(uint256 work,address licensor,uint16 usages,uint16 aspects,uint16 forbids,uint32 start_ms,uint32 end_ms,address currency,uint96 price,uint40 term,uint16 revenue_share_bps,uint8 unit,uint96 unit_price,uint32 report_every,uint8 after_term,uint32 supply,address licensee,uint40 opens_at,uint40 closes_at,uint8 flags,bytes32 terms)"
)
REGISTER_MODEL: constant(bytes32) = keccak256(
    "RegisterModel(address actor,address settlement,bytes32 card,uint256 nonce,uint256 deadline)"
)
COMMIT_MANIFEST: constant(bytes32) = keccak256(
    "CommitManifest(address actor,address settlement,bytes32 model,bytes32 manifest,uint256 nonce,uint256 deadline)"
)
AUTHORIZE_REPORTER: constant(bytes32) = keccak256(
    "AuthorizeReporter(address actor,address settlement,address market,uint256 license,address developer,bool allowed,uint256 nonce,uint256 deadline)"
)
BIND_MODEL: constant(bytes32) = keccak256(
    "BindModel(address actor,address settlement,uint256 license,Offer offer,bytes32 model,uint256 nonce,uint256 deadline)Offer(uint256 work,address licensor,uint16 usages,uint16 aspects,uint16 forbids,uint32 start_ms,uint32 end_ms,address currency,uint96 price,uint40 term,uint16 revenue_share_bps,uint8 unit,uint96 unit_price,uint32 report_every,uint8 after_term,uint32 supply,address licensee,uint40 opens_at,uint40 closes_at,uint8 flags,bytes32 terms)"
)
RESTATE_REPORT: constant(bytes32) = keccak256(
    "RestateReport(address actor,address settlement,address market,uint256 license,uint32 number,bytes32 root,bytes32 manifest,uint256 nonce,uint256 deadline)"
)
ATTEST: constant(bytes32) = keccak256(
    "Attest(address actor,address attestations,bytes32 subject,bytes32 schema,bytes32 evidence,uint256 nonce,uint256 deadline)"
)
REVOKE_ATTESTATION: constant(bytes32) = keccak256(
    "RevokeAttestation(address actor,address attestations,bytes32 id,uint256 nonce,uint256 deadline)"
)
SUBMIT_EVIDENCE: constant(bytes32) = keccak256(
    "SubmitEvidence(address actor,address disputes,uint256 case_id,bytes32 evidence,uint256 nonce,uint256 deadline)"
)
CANCEL_NONCE: constant(bytes32) = keccak256(
    "CancelNonce(address actor,uint256 nonce,uint256 deadline)"
)
