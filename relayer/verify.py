# SPDX-License-Identifier: Apache-2.0
"""Whose signature is it? The same rules as the contracts: ECDSA first (low s, v 27 or 28), then ERC-1271."""

from __future__ import annotations

import coincurve

from ipto._keccak import address_of_key
from ipto.codec import encode
from ipto.rpc import AsyncRpc, RpcError
from relayer.problems import RefusedError, forbidden
from relayer.simulate import is_revert

# Half the order of secp256k1 (EIP-2): of s and n - s only the lower one is a signature.
HIGHEST_S = 57896044618658097711785492504343953926418782139537452191302581570759080747168
_MAGIC = bytes.fromhex("1626ba7e")
# What SignedActions gives a wallet's code, and what a call costs around it.
_GAS_1271 = 500_000 + 100_000


def recover(digest: bytes, signature: bytes) -> str | None:
    """The address that signed 32 bytes, EIP-55; None for what is not a signature in canonical form."""
    if len(signature) != 65 or signature[64] not in (27, 28) or int.from_bytes(signature[32:64], "big") > HIGHEST_S:
        return None
    try:
        key = coincurve.PublicKey.from_signature_and_message(
            signature[:64] + bytes([signature[64] - 27]), digest, hasher=None
        )
    except Exception:
        # coincurve raises bare exceptions of several types for numbers off the curve.
        return None
    return address_of_key(key.format(compressed=False))


async def check_signature(rpc: AsyncRpc, signer: str, digest: bytes, signature: bytes, *, contracts: bool) -> bool:
    """Make sure `signer` signed `digest`. Returns whether the signer is a contract account asked by ERC-1271.

    Raises RefusedError: 422 when it did not sign, 403 when contract accounts are not served (`contracts` false).
    """
    found = recover(digest, signature)
    if found == signer:
        return False
    code = await rpc.call("eth_getCode", signer, "latest")
    if code in ("0x", "0x0", None):
        what = (
            f"{found} signed it, or signed something else" if found else "it is not 65 bytes with low s and v 27 or 28"
        )
        raise RefusedError(
            422,
            "bad-signature",
            f"this is not {signer}'s signature of this message for this chain and contract ({what}); "
            "sign again with the chain and contracts that /status names",
        )
    if not contracts:
        raise forbidden("contract-signer", "contract accounts are not served here; submit the action yourself")
    data = _MAGIC + encode(["bytes32", "bytes"], [digest, signature])
    try:
        answer = await rpc.call("eth_call", {"to": signer, "data": "0x" + data.hex(), "gas": hex(_GAS_1271)}, "latest")
    except RpcError as error:
        if not is_revert(error):
            raise
        answer = "0x"
    if answer != "0x" + _MAGIC.hex() + "00" * 28:
        raise RefusedError(
            422, "bad-signature", f"the contract account {signer} does not accept this signature (ERC-1271)"
        )
    return True
