# SPDX-License-Identifier: Apache-2.0
"""What the ape scripts share: ape's provider as an `ipto.rpc.Rpc`, ape's account as an `ipto.accounts.Signer`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ape
from ape.api import AccountAPI, ProviderAPI

from ipto.accounts import LocalSigner, Signable, Signer
from ipto.errors import InputError
from ipto.rpc import Call, Rpc, RpcError

# The chain ids of eth-tester, and of anvil and Hardhat.
LOCAL_CHAINS = (1337, 31337)


class ProviderRpc(Rpc):
    """The provider's own connection, for providers without a URL: ape's chain in this process."""

    def __init__(self, provider: ProviderAPI) -> None:
        self._provider = provider

    @property
    def url(self) -> str:
        """There is none."""
        return ""

    def call(self, method: str, *params: Any) -> Any:
        """Call one method; results in the form JSON-RPC gives them."""
        try:
            # Through web3's manager, whose middleware translates between JSON-RPC and the tester's own names.
            return _json(self._provider.web3.manager.request_blocking(method, list(params)))
        except Exception as error:  # the tester raises what it likes
            if "not found" in str(error).lower() and method == "eth_getTransactionReceipt":
                return None
            raise RpcError(-32000, str(error)[:500], getattr(error, "data", None), method) from error

    def try_batch(self, calls: Sequence[Call]) -> list[Any]:
        """One call after the other."""
        results: list[Any] = []
        for method, params in calls:
            try:
                results.append(self.call(method, *params))
            except RpcError as error:
                results.append(error)
        return results

    def close(self) -> None:
        """The connection is ape's."""


def _json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _json(item) for key, item in value.items()}
    if isinstance(value, bytes):
        return "0x" + bytes(value).hex()
    if isinstance(value, int) and not isinstance(value, bool):
        return hex(value)
    return [_json(item) for item in value] if isinstance(value, (list, tuple)) else value


def connect(provider: ProviderAPI) -> Rpc:
    """A client of the network that ape is connected to."""
    return Rpc(provider.http_uri) if provider.http_uri else ProviderRpc(provider)


class ApeSigner:
    """An ape account; asks for its passphrase as ape does."""

    def __init__(self, account: AccountAPI) -> None:
        self._account = account

    @property
    def address(self) -> str:
        """The signing address, EIP-55."""
        return str(self._account.address)

    def sign_digest(self, digest: bytes) -> bytes:
        """Not offered: ape accounts sign what they can show."""
        raise InputError(f"an ape account does not sign bare digests ({digest.hex()[:8]}…); use a keystore of ipto")

    def sign_typed_data(self, data: Signable) -> bytes:
        """Not offered, for the same reason."""
        return self.sign_digest(data.digest)

    def sign_transaction(self, transaction: Mapping[str, Any]) -> bytes:
        """Sign a transaction; the raw transaction."""
        ecosystem = ape.networks.provider.network.ecosystem
        unsigned = ecosystem.create_transaction(**dict(transaction), sender=self._account.address)
        signed = self._account.sign_transaction(unsigned)
        if signed is None:
            raise InputError("the account did not sign; nothing was sent")
        return bytes(signed.serialize_transaction())


def is_local(provider: ProviderAPI) -> bool:
    """Whether this is a development chain, whose accounts everybody knows."""
    return provider.chain_id in LOCAL_CHAINS


def signer(alias: str | None, provider: ProviderAPI) -> Signer:
    """The account to act as: an ape alias, or on a local network the first test account."""
    if alias is not None:
        if alias not in ape.accounts.aliases:
            raise InputError(f"ape has no account {alias}; see `ape accounts list`")
        return ApeSigner(ape.accounts.load(alias))
    if not is_local(provider):
        raise InputError("name the account that pays for this: --account ALIAS (see `ape accounts list`)")
    return test_signers(1)[0]


def test_signers(count: int) -> list[LocalSigner]:
    """Ape's test accounts, whose keys are known to everybody."""
    accounts = ape.accounts.test_accounts
    return [LocalSigner(bytes.fromhex(accounts[n].private_key.removeprefix("0x"))) for n in range(count)]
