# pragma version ==0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title EIP-712 hashes of the shared structures
@license GNU Affero General Public License v3.0 only
@notice hashStruct of Share, WorkInput, Offer and Dataset, and the hash of an array of them (of the
        concatenated member hashes). Arrays of large members are walked by the caller: handing one over
        would copy it whole.
"""

from ..interfaces import types


SHARE_TYPE: constant(bytes32) = keccak256("Share(bytes32 account,uint32 share)")
WORK_TYPE: constant(bytes32) = keccak256(
    "WorkInput(bytes32 content,bytes32 metadata,bytes32 cultural,bytes32 payee,address steward,uint32 duration_ms,uint16 cleared)"
)
OFFER_TYPE: constant(bytes32) = keccak256(
    "Offer(uint256 work,address licensor,uint16 usages,uint16 aspects,uint16 forbids,uint32 start_ms,uint32 end_ms,address currency,uint96 price,uint40 term,uint16 revenue_share_bps,uint8 unit,uint96 unit_price,uint32 report_every,uint8 after_term,uint32 supply,address licensee,uint40 opens_at,uint40 closes_at,uint8 flags,bytes32 terms)"
)
DATASET_TYPE: constant(bytes32) = keccak256(
    "Dataset(address curator,address currency,uint16 usages,uint16 aspects,uint16 forbids,uint40 term,uint16 revenue_share_bps,uint8 unit,uint96 unit_price,uint32 report_every,uint8 after_term,uint16 curator_fee_bps,address licensee,bytes32 terms,bytes32 salt)"
)


@internal
@pure
def _hash_work(work: types.WorkInput) -> bytes32:
    return keccak256(abi_encode(WORK_TYPE, work))


@internal
@pure
def _hash_offer(offer: types.Offer) -> bytes32:
    return keccak256(abi_encode(OFFER_TYPE, offer))


@internal
@pure
def _hash_dataset(dataset: types.Dataset) -> bytes32:
    return keccak256(abi_encode(DATASET_TYPE, dataset))


@internal
@pure
def _hash_split(split: DynArray[types.Share, 64]) -> bytes32:
    hashes: DynArray[bytes32, 64] = []
    for share: types.Share in split:
        hashes.append(keccak256(abi_encode(SHARE_TYPE, share)))
    return keccak256(slice(abi_encode(hashes), 64, 32 * len(hashes)))


@internal
@pure
def _hash_members(hashes: DynArray[bytes32, 100]) -> bytes32:
    # Behind offset and length stand the members alone.
    return keccak256(slice(abi_encode(hashes), 64, 32 * len(hashes)))
