# pragma version ==0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Whose signature is it
@license GNU Affero General Public License v3.0 only
@notice ECDSA first, also for accounts with code (EIP-7702), then ERC-1271. Never reverts on a bad
        signature, and spends bounded gas on a contract account.
@dev snekmate's signature_checker is not used: it takes at most 65 bytes, which no multi-signature or
     passkey account fits into, and asks accounts with code by ERC-1271 alone.
"""


# Enough to verify a P-256 passkey or a few dozen owners in a wallet's code.
ERC1271_GAS: constant(uint256) = 500_000
ERC1271_MAGIC: constant(bytes4) = 0x1626BA7E
# Half the order of secp256k1 (EIP-2): of (r, s) and (r, n - s) only the lower is a signature.
HIGHEST_S: constant(uint256) = 57896044618658097711785492504343953926418782139537452191302581570759080747168


@internal
@view
def _is_valid(account: address, digest: bytes32, signature: Bytes[4096]) -> bool:
    if account == empty(address):
        return False
    if len(signature) == 65:
        s: uint256 = extract32(signature, 32, output_type=uint256)
        v: uint256 = convert(slice(signature, 64, 1), uint256)
        if s <= HIGHEST_S and (v == 27 or v == 28):
            r: uint256 = extract32(signature, 0, output_type=uint256)
            if ecrecover(digest, v, r, s) == account:
                return True
    if not account.is_contract:
        return False
    success: bool = False
    response: Bytes[32] = b""
    success, response = raw_call(
        account,
        abi_encode(digest, signature, method_id=ERC1271_MAGIC),
        max_outsize=32,
        gas=ERC1271_GAS,
        is_static_call=True,
        revert_on_failure=False,
    )
    return success and len(response) == 32 and convert(response, bytes32) == convert(ERC1271_MAGIC, bytes32)

