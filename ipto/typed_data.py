# SPDX-License-Identifier: Apache-2.0
"""Typed data (EIP-712): what creators, licensees and payers sign.

One table: the message classes of `ipto.messages` and, for payments, below. Their fields give the type string, the JSON
for wallets, the struct hash and the tuple that goes into the call; a test compares them with the compiled contracts,
another with eth-account and viem.

    data = typed_data.TypedData(typed_data.signed_actions_domain(31337, address), typed_data.Onboard(...))
    signature = signer.sign_typed_data(data)
    typed_data.recover(data, signature)
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, cast

import coincurve

from ipto._keccak import address_of_key, keccak
from ipto._struct import Abi, FieldSpec
from ipto.codec import encode
from ipto.errors import InputError, IntegrityError
from ipto.messages import (
    ACTIONS,
    MAX_ADD_OFFERS,
    MAX_BATCH_CALL_BYTES,
    MAX_BATCH_CALLS,
    MAX_ONBOARD_OFFERS,
    MAX_POST_OFFERS,
    MAX_REGISTER_WORKS,
    AcceptStewardship,
    Action,
    AddToDataset,
    ApprovePayee,
    Attest,
    AuthorizeReporter,
    BindModel,
    CancelNonce,
    CommitManifest,
    HandOverStewardship,
    Onboard,
    OpenDataset,
    PostOffers,
    RegisterModel,
    RegisterWorks,
    RestateReport,
    RevokeAttestation,
    SetConsent,
    SetCultural,
    SetMetadata,
    SubmitEvidence,
    TakeOut,
    WithdrawOffer,
)
from ipto.structs import (
    Address,
    Bytes32,
    ChainStruct,
    Uint256,
    checksum_address,
)

__all__ = [
    "ACTIONS",
    "MAX_ADD_OFFERS",
    "MAX_BATCH_CALLS",
    "MAX_BATCH_CALL_BYTES",
    "MAX_ONBOARD_OFFERS",
    "MAX_POST_OFFERS",
    "MAX_REGISTER_WORKS",
    "AcceptInvitation",
    "AcceptStewardship",
    "Action",
    "AddToDataset",
    "ApprovePayee",
    "Attest",
    "AuthorizeReporter",
    "BindModel",
    "CancelNonce",
    "CommitManifest",
    "Domain",
    "HandOverStewardship",
    "Onboard",
    "OpenDataset",
    "Permit",
    "PostOffers",
    "ReceiveWithAuthorization",
    "Redirect",
    "RegisterModel",
    "RegisterWorks",
    "RestateReport",
    "RevokeAttestation",
    "SetConsent",
    "SetCultural",
    "SetMetadata",
    "SubmitEvidence",
    "TakeOut",
    "TypedData",
    "WithdrawOffer",
    "encode_type",
    "recover",
    "signed_actions_domain",
    "split_signature",
    "struct_hash",
    "type_hash",
    "types_json",
    "vault_domain",
    "verify",
]

# Half the order of secp256k1: of the two valid s, contracts accept the lower (EIP-2).
_HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0


@dataclass(frozen=True, slots=True)
class ReceiveWithAuthorization(ChainStruct):
    """A payment that only its receiver can carry out (EIP-3009). The domain is the token's."""

    payer: Annotated[str, Abi("address", "from")]
    to: Address
    value: Uint256  # smallest unit
    valid_after: Annotated[int, Abi("uint256", "validAfter")]  # UTC seconds, exclusive
    valid_before: Annotated[int, Abi("uint256", "validBefore")]  # UTC seconds, exclusive
    nonce: Bytes32


@dataclass(frozen=True, slots=True)
class Permit(ChainStruct):
    """An allowance by signature (EIP-2612). The domain is the token's."""

    owner: Address
    spender: Address
    value: Uint256
    nonce: Uint256  # the token's `nonces(owner)`
    deadline: Uint256


@dataclass(frozen=True, slots=True)
class Redirect(ChainStruct):
    """Where an account's withdrawals go instead. The domain is the vault's."""

    account: Address
    to: Address  # zero: to itself again
    nonce: Uint256  # the vault's `redirect_nonce(account)`
    deadline: Uint256  # last UTC second


@dataclass(frozen=True, slots=True)
class AcceptInvitation(ChainStruct):
    """Whoever holds an invite key binds it to an address, for good. The domain is the vault's."""

    key: Address
    to: Address
    deadline: Uint256  # last UTC second


@dataclass(frozen=True, slots=True)
class Domain:
    """Where a message counts: one contract on one chain."""

    name: str
    version: str
    chain_id: int
    verifying_contract: str

    TYPE: ClassVar[str] = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"

    def __post_init__(self) -> None:
        object.__setattr__(self, "verifying_contract", checksum_address(self.verifying_contract, "verifying_contract"))

    @property
    def separator(self) -> bytes:
        """The domain separator."""
        return _separator(self)

    def to_json(self) -> dict[str, Any]:
        """As `eth_signTypedData_v4` takes it."""
        return {
            "name": self.name,
            "version": self.version,
            "chainId": self.chain_id,
            "verifyingContract": self.verifying_contract,
        }


@functools.lru_cache(maxsize=256)
def _separator(domain: Domain) -> bytes:
    names = keccak(domain.name.encode()), keccak(domain.version.encode())
    values = [keccak(Domain.TYPE.encode()), *names, domain.chain_id, domain.verifying_contract]
    return keccak(encode(["bytes32", "bytes32", "bytes32", "uint256", "address"], values))


def signed_actions_domain(chain_id: int, signed_actions: str) -> Domain:
    """The domain of the messages that SignedActions carries out."""
    return Domain("IPTO", "1", chain_id, signed_actions)


def vault_domain(chain_id: int, vault: str) -> Domain:
    """The domain of the messages that RoyaltyVault carries out."""
    return Domain("IPTO RoyaltyVault", "1", chain_id, vault)


@dataclass(frozen=True, slots=True)
class TypedData:
    """A message in its domain, ready to be signed."""

    domain: Domain
    message: ChainStruct

    @property
    def struct_hash(self) -> bytes:
        """EIP-712 `hashStruct(message)`: what `ActionExecuted` logs."""
        return struct_hash(self.message)

    @property
    def digest(self) -> bytes:
        """The 32 bytes that are signed."""
        return self.hashes()[1]

    def hashes(self) -> tuple[bytes, bytes]:
        """`struct_hash` and `digest`, at the price of one."""
        struct = self.struct_hash
        return struct, keccak(b"\x19\x01" + self.domain.separator + struct)

    def to_json(self) -> dict[str, Any]:
        """The parameter of `eth_signTypedData_v4`. Integers of more than 53 bits are decimal strings."""
        kind = type(self.message)
        return {
            "types": {"EIP712Domain": _DOMAIN_FIELDS, **types_json(kind)},
            "primaryType": kind.chain_name(),
            "domain": self.domain.to_json(),
            "message": _message_json(self.message),
        }

    @classmethod
    def from_json(cls, payload: Mapping[str, Any], expected: type[ChainStruct]) -> TypedData:
        """Read a payload of `eth_signTypedData_v4`; the types it brings must be exactly ours.

        expected: which message it has to be. Raises InputError.
        """
        try:
            domain, message, types = payload["domain"], payload["message"], payload["types"]
            primary = payload["primaryType"]
        except (KeyError, TypeError):
            raise InputError("typed data has the keys types, primaryType, domain and message") from None
        wanted = {"EIP712Domain": _DOMAIN_FIELDS, **types_json(expected)}
        if primary != expected.chain_name() or types != wanted:
            raise InputError(f"this is not a {expected.chain_name()} message of this protocol; build it with ipto")
        if not isinstance(domain, Mapping) or set(domain) != {field["name"] for field in _DOMAIN_FIELDS}:
            raise InputError("the domain has name, version, chainId and verifyingContract")
        chain_id = domain["chainId"]
        if isinstance(chain_id, bool) or not isinstance(chain_id, int):
            raise InputError("domain.chainId is not a whole number")
        where = Domain(str(domain["name"]), str(domain["version"]), chain_id, domain["verifyingContract"])
        return cls(where, expected.from_mapping(_python_names(expected, message)))


_DOMAIN_FIELDS = [
    {"name": "name", "type": "string"},
    {"name": "version", "type": "string"},
    {"name": "chainId", "type": "uint256"},
    {"name": "verifyingContract", "type": "address"},
]


def types_json(kind: type[ChainStruct]) -> dict[str, list[dict[str, str]]]:
    """The type definitions of a message, nested ones included."""
    return {
        item.chain_name(): [{"name": spec.chain_name, "type": spec.abi} for spec in item.fields()]
        for item in (kind, *_nested(cast(Any, kind)))
    }


@functools.cache
def _nested(kind: Any) -> tuple[type[ChainStruct], ...]:
    """The structures a message uses, in the alphabetical order EIP-712 wants."""
    found: dict[str, type[ChainStruct]] = {}
    pending = [kind]
    while pending:
        for spec in pending.pop().fields():
            if spec.struct is not None and spec.struct.chain_name() not in found:
                found[spec.struct.chain_name()] = spec.struct
                pending.append(spec.struct)
    return tuple(found[name] for name in sorted(found))


def encode_type(kind: type[ChainStruct]) -> str:
    """EIP-712 `encodeType`, for example `Share(bytes32 account,uint32 share)`."""
    return "".join(
        name + "(" + ",".join(f"{field['type']} {field['name']}" for field in fields) + ")"
        for name, fields in types_json(kind).items()
    )


def type_hash(kind: type[ChainStruct]) -> bytes:
    """EIP-712 `typeHash`."""
    return _type_hash(cast(Any, kind))  # mypy: a class is hashable


@functools.cache
def _type_hash(kind: Any) -> bytes:
    return keccak(encode_type(kind).encode())


def struct_hash(value: ChainStruct) -> bytes:
    """EIP-712 `hashStruct`."""
    specs = type(value).fields()
    words = [_member(spec, getattr(value, spec.name)) for spec in specs]
    kinds = ["bytes32" if spec.struct else spec.abi for spec in specs]
    return keccak(type_hash(type(value)) + encode(kinds, words))


def _member(spec: FieldSpec, value: Any) -> Any:
    if spec.struct is None:
        return value
    return keccak(b"".join(map(struct_hash, value))) if spec.is_array else struct_hash(value)


def _message_json(value: ChainStruct) -> dict[str, Any]:
    plain = value.to_json()
    return {spec.chain_name: plain[spec.name] for spec in type(value).fields()}


def _python_names(kind: type[ChainStruct], message: Any) -> dict[str, Any]:
    if not isinstance(message, Mapping):
        raise InputError("the message is not an object")
    names = {spec.chain_name: spec.name for spec in kind.fields()}
    return {names.get(str(key), str(key)): value for key, value in message.items()}


def split_signature(signature: bytes) -> tuple[int, bytes, bytes]:
    """The v, r and s of a 65-byte signature. Raises InputError for another length, v not 27 or 28, or a high s."""
    if len(signature) != 65:
        raise InputError(f"a signature has 65 bytes, this one {len(signature)}")
    r, s, v = signature[:32], signature[32:64], signature[64]
    if v not in (27, 28):
        raise InputError(f"a signature ends in 27 or 28, this one in {v}")
    if int.from_bytes(s, "big") > _HALF_ORDER:
        raise InputError("the signature's s is in the upper half; contracts accept only the lower one (EIP-2)")
    return v, r, s


def recover(data: TypedData, signature: bytes) -> str:
    """Who signed, EIP-55; a wrong message gives a stranger's address, so compare it.

    Raises InputError for a malformed signature, IntegrityError when it is no signature at all.
    """
    v, r, s = split_signature(signature)
    try:
        public = coincurve.PublicKey.from_signature_and_message(r + s + bytes([v - 27]), data.digest, hasher=None)
    except Exception as error:  # coincurve raises bare Exception and ValueError
        raise IntegrityError("nobody made this signature; sign the message again") from error
    return address_of_key(public.format(compressed=False))


def verify(data: TypedData, signature: bytes, signer: str) -> None:
    """Make sure `signer`, an account with a key, signed this message. Contract accounts (ERC-1271) need the chain.

    Raises InputError, IntegrityError.
    """
    if (actual := recover(data, signature)) != checksum_address(signer):
        raise IntegrityError(f"the signature is not {signer}'s for this message (it would be {actual}'s); sign again")
