# SPDX-License-Identifier: Apache-2.0
"""Deploys the protocol: same addresses on every chain, in any number of attempts, verified before it is written down.

Each contract is one transaction to the CREATE2 factory at 0x4e59…956C, which is on almost every chain. An address
follows from salt, creation code and constructor arguments, so what stands there is exactly that code: a repeated run
skips it. The deployer gets no rights; the owner is a constructor argument.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eth_utils.crypto import keccak

from ipto.accounts import Signer
from ipto.chain import Contract, Deployment, Token, abi, artifact, send
from ipto.errors import InputError, IntegrityError, IptoError
from ipto.rpc import Rpc, RpcError
from ipto.structs import ETH, ZERO_ADDRESS, checksum_address

__all__ = [
    "FACTORY",
    "DeployError",
    "Parameters",
    "Step",
    "create2_address",
    "deploy",
    "install_factory",
    "plan",
    "read_token",
    "verify",
]

# https://github.com/Arachnid/deterministic-deployment-proxy
FACTORY = "0x4e59b44847b379578588920cA78FbF26c0B4956C"
# The factory is created by one signed transaction that nobody has the key of: the same on every chain without EIP-155.
_FACTORY_SENDER = "0x3fAB184622Dc19b6109349B94811493BF2a45362"
_FACTORY_COST = 100_000 * 100 * 10**9  # wei: its gas limit at its fixed price of 100 gwei
_FACTORY_TRANSACTION = (
    "0xf8a58085174876e800830186a08080b853604580600e600039806000f350fe"
    + "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe0"
    + "3601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3"
    + "1ba0"
    + "22" * 32
    + "a0"
    + "22" * 32
)
_MAX_INIT_CODE = 49_152  # EIP-3860
_MAX_CODE = 24_576  # EIP-170


class DeployError(IptoError, RuntimeError):
    """The deployment cannot start or did not end as planned; running it again resumes it."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """What the deployer decides. All of it is part of the addresses."""

    owner: str  # sets the fee within its cap, pauses new sales; meant to be a timelock
    certificates: str = ZERO_ADDRESS  # renderer of tokenURI; zero: none
    salt: str = "0x" + "00" * 32
    judges: str = ""  # the first panel's members, separated by commas; empty: the owner alone
    quorum: str = ""  # equal votes that decide; empty: more than half of the panel
    # Of disputes, in wei: what each side of a case puts up, what a ruling costs, what a day of hold costs.
    bond: str = str(10**17)
    arbiter_fee: str = str(5 * 10**16)
    hold_rent: str = str(10**16)

    def __post_init__(self) -> None:
        for name in ("owner", "certificates"):
            object.__setattr__(self, name, checksum_address(getattr(self, name), name))
        if self.owner == ZERO_ADDRESS:
            raise InputError("the owner must not be the zero address")
        judges = [checksum_address(judge.strip(), "judges") for judge in (self.judges or self.owner).split(",")]
        object.__setattr__(self, "judges", ",".join(sorted(set(judges), key=str.lower)))
        object.__setattr__(self, "quorum", self.quorum or str(len(set(judges)) // 2 + 1))
        for name in ("quorum", "bond", "arbiter_fee", "hold_rent"):
            if not getattr(self, name).isdecimal():
                raise InputError(f"{name} is a whole number, written in decimal")
        if len(self.salt) != 66 or not self.salt.startswith("0x"):
            raise InputError("the salt is 0x and 64 hex digits")
        bytes.fromhex(self.salt[2:])


@dataclass(frozen=True, slots=True)
class Step:
    """One contract to be deployed."""

    name: str
    address: str
    init_code: bytes  # creation code and constructor arguments


def create2_address(salt: bytes, init_code: bytes, factory: str = FACTORY) -> str:
    """Where the factory puts a contract (EIP-1014)."""
    preimage = b"\xff" + bytes.fromhex(factory[2:]) + salt + keccak(init_code)
    return checksum_address("0x" + keccak(preimage)[12:].hex())


def plan(parameters: Parameters, *, test_token: bool = False) -> tuple[Step, ...]:
    """All contracts in order, with their addresses; needs no chain. test_token: also TestUSD."""
    salt = bytes.fromhex(parameters.salt[2:])
    steps: dict[str, Step] = {}

    def add(name: str, *arguments: Any) -> str:
        init_code = bytes.fromhex(artifact(name)["bytecode"][2:]) + abi(name).encode_constructor(*arguments)
        if len(init_code) > _MAX_INIT_CODE or artifact(name)["runtime_size"] > _MAX_CODE:
            raise DeployError(f"{name} is larger than the chain allows (EIP-170, EIP-3860)")
        steps[name] = Step(name, create2_address(salt, init_code), init_code)
        return steps[name].address

    owner = parameters.owner
    signed = add("SignedActions", owner)
    vault = add("RoyaltyVault")
    receivers = add("Receivers", vault)
    arbiter = add("PanelArbiter", owner, parameters.judges.split(","), int(parameters.quorum))
    amounts = (int(parameters.bond), int(parameters.arbiter_fee), int(parameters.hold_rent))
    disputes = add("DisputeResolver", arbiter, vault, signed, ETH, *amounts)
    add("Attestations", signed)
    registry = add("WorkRegistry", owner, vault, signed, disputes, receivers)
    add("LicenseMarket", owner, vault, registry, signed, disputes, parameters.certificates, receivers)
    if test_token:
        add("TestUSD")
    return tuple(steps.values())


def deploy(
    rpc: Rpc,
    signer: Signer,
    parameters: Parameters,
    *,
    tokens: Sequence[str] = (),
    test_token: bool = False,
    directory: Path | None = None,
    report: Callable[[str], None] = lambda _: None,
) -> Deployment:
    """Deploy what is missing, verify all of it on chain and write `<directory>/<chain id>.json`.

    tokens: addresses of ERC-20 currencies to list. test_token: deploy TestUSD and list it. directory: None writes
    nothing. report: called with one line of progress at a time.
    Raises DeployError, IntegrityError (something else stands where a contract belongs).
    """
    if not rpc.code(FACTORY):
        raise DeployError(
            f"the CREATE2 factory {FACTORY} is missing on this chain; run the deployment with install_factory "
            f"(ape run deploy --install-factory), which needs 0.01 ETH for its creator {_FACTORY_SENDER}"
        )
    steps = plan(parameters, test_token=test_token)
    codes = rpc.batch([("eth_getCode", [step.address, "latest"]) for step in steps])
    blocks: list[int] = []
    salt = bytes.fromhex(parameters.salt[2:])
    for step, code in zip(steps, codes, strict=True):
        if len(str(code)) > 2:
            report(f"{step.name} is at {step.address} already")
            blocks.append(_first_block_with_code(rpc, step.address))
            continue
        receipt = send(rpc, signer, FACTORY, salt + step.init_code, what=f"deploying {step.name}")
        if not rpc.code(step.address):
            raise DeployError(f"{step.name} is not at {step.address} after its deployment; is this the usual factory?")
        blocks.append(receipt.block_number)
        report(f"{step.name} is at {step.address} ({receipt.gas_used:,} gas)")
    contracts = {step.name: step.address for step in steps}
    listed = [read_token(rpc, token) for token in [*tokens, *([contracts["TestUSD"]] if test_token else [])]]
    number = min(blocks)
    compiled = artifact("LicenseMarket")
    deployment = Deployment(
        chain_id=rpc.chain_id(),
        contracts=contracts,
        block_number=number,
        block_hash=str(rpc.call("eth_getBlockByNumber", hex(number), False)["hash"]),
        tokens={token.symbol: token for token in listed},
        parameters=asdict(parameters),
        compiler=compiled["compiler"],
        evm_version=compiled["evm_version"],
    )
    verify(rpc, deployment)
    if directory is not None:
        report(f"written to {deployment.save(directory)}")
    return deployment


def verify(rpc: Rpc, deployment: Deployment) -> None:
    """Read back from the chain that every contract is the one of this library and knows the right others.

    Raises IntegrityError naming the first difference.
    """
    deployment.check(rpc)
    known = deployment.contracts
    parameters = Parameters(**deployment.parameters)
    for step in plan(parameters, test_token="TestUSD" in known):
        if known.get(step.name) != step.address:
            raise IntegrityError(f"{step.name} was deployed from other code or arguments than this version's")
        if not rpc.code(step.address):
            raise IntegrityError(f"there is no {step.name} at {step.address} on chain {deployment.chain_id}")
    links = {
        "VAULT": known["RoyaltyVault"],
        "REGISTRY": known["WorkRegistry"],
        "SIGNED_ACTIONS": known["SignedActions"],
        "ARBITER": known["PanelArbiter"],
        "DISPUTES": known["DisputeResolver"],
        "CERTIFICATES": parameters.certificates,
        "RECEIVERS": known["Receivers"],
    }
    for name, address in known.items():
        contract = Contract(name, address, rpc)
        getters = {function.name for function in contract.abi.functions}
        for getter, expected in links.items():
            if getter in getters and (found := contract.call(getter)) != expected:
                raise IntegrityError(f"{name}.{getter} is {found}, expected {expected}")


def read_token(rpc: Rpc, address: str) -> Token:
    """What an ERC-20 says about itself. Raises InputError when it is not one with metadata."""
    token = Contract("TestUSD", address, rpc)
    try:
        symbol, name, decimals = token.call("symbol"), token.call("name"), token.call("decimals")
    except IptoError as error:
        raise InputError(f"{address} is not an ERC-20 token with name, symbol and decimals: {error}") from None
    version = ""
    # Without EIP-5267 it is paid with by an allowance, not by authorization.
    with contextlib.suppress(IptoError):
        _, name, version, *_ = token.call("eip712Domain")
    return Token(symbol, name, token.address, decimals, version)


def install_factory(rpc: Rpc, signer: Signer) -> None:
    """Create the CREATE2 factory where it is missing; `signer` pays at most 0.01 ETH. Does nothing where it is there.

    Raises DeployError on chains that refuse transactions without a chain id.
    """
    if rpc.code(FACTORY):
        return
    missing = _FACTORY_COST - rpc.balance(_FACTORY_SENDER)
    if missing > 0:
        send(rpc, signer, _FACTORY_SENDER, value=missing, what="funding the factory's creator")
    try:
        rpc.call("eth_sendRawTransaction", _FACTORY_TRANSACTION)
    except RpcError as error:
        raise DeployError(f"this chain refuses the factory's creation ({error.message}); ask its operators") from error
    if not rpc.code(FACTORY):
        raise DeployError("the factory's creation is not mined yet; run the deployment again in a minute")


def _first_block_with_code(rpc: Rpc, address: str) -> int:
    """The block a contract was created in, by bisection; 0 when the node has forgotten old states."""
    low, high = 0, rpc.block_number()
    try:
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if rpc.code(address, hex(middle)) else (middle + 1, high)
    except RpcError:
        return 0
    return low
