# SPDX-License-Identifier: Apache-2.0
"""The deterministic deployment proxy: a contract that is at one address on every chain and creates others by CREATE2.

It was made by a signed transaction that nobody has the key of, so it can be made again on any chain that accepts
transactions without a chain id. Source: https://github.com/Arachnid/deterministic-deployment-proxy
"""

from __future__ import annotations

from eth_utils.crypto import keccak

from ipto.accounts import Signer
from ipto.chain import TransactionError, send, wait_for_receipt
from ipto.errors import IntegrityError, IptoError
from ipto.rpc import Rpc, RpcError
from ipto.structs import checksum_address

FACTORY = "0x4e59b44847b379578588920cA78FbF26c0B4956C"
FACTORY_SENDER = "0x3fAB184622Dc19b6109349B94811493BF2a45362"
_CODE = (
    "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe0"
    "3601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3"
)
_COST = 100_000 * 100 * 10**9  # wei: its creation's gas limit at its fixed price of 100 gwei
_TRANSACTION = f"0xf8a58085174876e800830186a08080b853604580600e600039806000f350fe{_CODE}1ba0{'22' * 32}a0{'22' * 32}"


class DeployError(IptoError, RuntimeError):
    """The deployment cannot start or did not end as planned; running it again resumes it."""


def create2_address(salt: bytes, init_code: bytes, factory: str = FACTORY) -> str:
    """Where the factory puts a contract (EIP-1014)."""
    preimage = b"\xff" + bytes.fromhex(factory[2:]) + salt + keccak(init_code)
    return checksum_address("0x" + keccak(preimage)[12:].hex())


def check_factory(rpc: Rpc) -> None:
    """Make sure the factory is there and is the one everybody knows. Raises DeployError, IntegrityError."""
    code = rpc.code(FACTORY)
    if not code:
        raise DeployError(
            f"the CREATE2 factory {FACTORY} is missing on this chain; run the deployment with install_factory "
            f"(ape run deploy --install-factory), which needs 0.01 ETH for its creator {FACTORY_SENDER}"
        )
    if code.hex() != _CODE:
        raise IntegrityError(f"another contract stands at {FACTORY}; do not deploy on this chain")


def install_factory(rpc: Rpc, signer: Signer) -> None:
    """Create the CREATE2 factory where it is missing; `signer` pays at most 0.01 ETH. Does nothing where it is there.

    Raises DeployError on chains that refuse transactions without a chain id.
    """
    if rpc.code(FACTORY):
        return
    missing = _COST - rpc.balance(FACTORY_SENDER)
    if missing > 0:
        send(rpc, signer, FACTORY_SENDER, value=missing, what="funding the factory's creator")
    try:
        created = str(rpc.call("eth_sendRawTransaction", _TRANSACTION))
    except RpcError as error:
        raise DeployError(f"this chain refuses the factory's creation ({error.message}); ask its operators") from error
    try:
        wait_for_receipt(rpc, created)
    except TransactionError as error:
        raise DeployError("the factory's creation is not mined yet; run the deployment again in a minute") from error
    if not rpc.code(FACTORY):
        raise DeployError("the factory's creation failed on this chain; ask its operators")
