# SPDX-License-Identifier: Apache-2.0
"""Identifiers, computed exactly as the contracts do; tests compare both. Pure functions, no chain needed.

Work and license ids are ERC-721 token ids and so integers; offer ids, accounts and hashes are 32 bytes.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from ipto._keccak import keccak
from ipto.codec import encode
from ipto.errors import InputError
from ipto.structs import MAX_SHARES, SHARE_TOTAL, ZERO32, Dataset, Offer, Share, checksum_address

__all__ = [
    "account_address",
    "acknowledgement",
    "address_account",
    "authorization_nonce",
    "dataset_id",
    "invited_account",
    "is_split_account",
    "license_id",
    "offer_id",
    "offer_of_license",
    "order_hash",
    "sale_of_license",
    "split_account",
    "sub_account",
    "work_id",
]

SALE_BITS = 32
_SALE_MASK = (1 << SALE_BITS) - 1
_TAG_SPLIT = b"\x01"
_TAG_SUB = b"\x02"
_TAG_INVITED = b"\x03"
_SHARES = "(bytes32,uint32)[]"


def work_id(creator: str, content: bytes) -> int:
    """The id of `creator`'s claim on a video. content: SHA-256 of the master file."""
    _check_32(content, "content")
    return int.from_bytes(keccak(encode(["address", "bytes32"], [creator, content])), "big")


def offer_id(offer: Offer) -> bytes:
    """The id of an offer: the hash of all its fields, the last four bytes free for the sale's number."""
    return keccak(encode([Offer.abi_type()], [offer.as_tuple()]))[:28] + bytes(4)


def dataset_id(dataset: Dataset) -> bytes:
    """The id of a dataset: the hash of all its fields, the last four bytes free for the sale's number."""
    return keccak(encode([Dataset.abi_type()], [dataset.as_tuple()]))[:28] + bytes(4)


def license_id(offer: bytes, sale: int) -> int:
    """The license sold from an offer or a dataset (by its id) as number `sale`, counted from 1."""
    _check_32(offer, "offer id")
    if offer[28:] != bytes(4):
        raise InputError(f"0x{offer.hex()} is not an offer id: its last four bytes are not zero")
    if not 1 <= sale <= _SALE_MASK:
        raise InputError(f"sale number {sale} is out of range; it must be from 1 to {_SALE_MASK}")
    return int.from_bytes(offer, "big") + sale


def offer_of_license(license: int) -> bytes:
    """The id of the offer, or of the dataset, a license was sold from."""
    if not 0 <= license < 1 << 256:
        raise InputError(f"{license} is not a license id")
    return (license & ~_SALE_MASK).to_bytes(32, "big")


def sale_of_license(license: int) -> int:
    """The number of the sale a license names, counted from 1."""
    return license & _SALE_MASK


def address_account(address: str) -> bytes:
    """The vault account of an address: left-padded with zeros."""
    return bytes(12) + bytes.fromhex(checksum_address(address)[2:])


def account_address(account: bytes) -> str | None:
    """The address an account stands for; None for splits, sub-accounts and invitations."""
    _check_32(account, "account")
    return checksum_address("0x" + account[12:].hex()) if account[:12] == bytes(12) and account != ZERO32 else None


def split_account(shares: Sequence[Share], controller: str) -> bytes:
    """The vault account of a split.

    Raises InputError for what the vault refuses as well: no or more than 64 recipients, accounts not strictly
    ascending, a share of zero, shares that do not sum to 1,000,000.
    """
    if not 1 <= len(shares) <= MAX_SHARES:
        raise InputError(f"a split has 1 to {MAX_SHARES} recipients, not {len(shares)}")
    for before, after in itertools.pairwise(shares):
        if before.account >= after.account:
            raise InputError("the recipients of a split must be in ascending order, each once; sort them by account")
    if any(share.share == 0 for share in shares):
        raise InputError("every recipient of a split needs a share of at least 1")
    if (total := sum(share.share for share in shares)) != SHARE_TOTAL:
        raise InputError(f"the shares of a split must sum to {SHARE_TOTAL}, these sum to {total}")
    encoded = encode([_SHARES, "address"], [[share.as_tuple() for share in shares], controller])
    return _TAG_SPLIT + keccak(encoded)[1:]


def invited_account(key: str) -> bytes:
    """The vault account of somebody invited with a key, until and after they accept."""
    return _TAG_INVITED + bytes(11) + bytes.fromhex(checksum_address(key)[2:])


def is_split_account(account: bytes) -> bool:
    """Whether an account has the form of a split's."""
    return len(account) == 32 and account[:1] == _TAG_SPLIT


def sub_account(caller: str, salt: bytes) -> bytes:
    """The vault account that only `caller` can move with `book`."""
    _check_32(salt, "salt")
    return _TAG_SUB + keccak(encode(["address", "bytes32"], [caller, salt]))[1:]


def acknowledgement(terms: bytes, cultural: bytes, claim_rank: int) -> bytes:
    """What a buyer acknowledges: the terms document, the cultural notice as it stands, and whether an earlier claim on
    the same content exists (claim_rank 1) or not (0)."""
    _check_32(terms, "terms")
    _check_32(cultural, "cultural")
    return keccak(encode(["bytes32", "bytes32", "uint256"], [terms, cultural, claim_rank]))


def order_hash(chain_id: int, offer: bytes, licensee: str, party: bytes, acknowledged: bytes) -> bytes:
    """What a payer's authorization binds. offer: the offer's id; party: salted digest of who signs.

    For a dataset: its id in the place of the offer's, the state as `acknowledged`.
    """
    for value, name in ((offer, "offer id"), (party, "party"), (acknowledged, "acknowledged")):
        _check_32(value, name)
    types = ["uint256", "bytes32", "address", "bytes32", "bytes32"]
    return keccak(encode(types, [chain_id, offer, licensee, party, acknowledged]))


def authorization_nonce(market: str, order: bytes) -> bytes:
    """The EIP-3009 nonce of a payment for an order (its `order_hash`) in a market."""
    _check_32(order, "order hash")
    return keccak(encode(["address", "bytes32"], [market, order]))


def _check_32(value: bytes, name: str) -> None:
    if not isinstance(value, bytes) or len(value) != 32:
        raise InputError(f"{name} must be 32 bytes")
