# SPDX-License-Identifier: Apache-2.0
"""Deploys the protocol: same addresses on every chain, in any number of attempts, verified before it is written down.

Each contract is one transaction to the CREATE2 factory, which is on almost every chain. An address follows from salt,
creation code and constructor arguments, so what stands there was made from exactly that; a repeated run skips it.
Then the owner links the two markets, once and for all, sets the fee and hands everything over to the timelock.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ipto._create2 import FACTORY, DeployError, check_factory, create2_address, install_factory
from ipto._plan import Parameters, Step, plan
from ipto.accounts import Signer
from ipto.chain import Contract, Deployment, Token, artifact, send
from ipto.doctor import charging, owned, verify
from ipto.errors import InputError, IntegrityError, IptoError
from ipto.rpc import Rpc, RpcError
from ipto.structs import ZERO_ADDRESS

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
    """Deploy what is missing, settle it, verify all of it on chain and write `<directory>/<chain id>.json`.

    signer: pays, and must be `parameters.owner` while something is left that only the owner may do.
    tokens: addresses of ERC-20 currencies to list. test_token: deploy TestUSD and list it. directory: None writes
    nothing. report: called with one line of progress at a time.
    Raises DeployError, IntegrityError (something else stands where a contract belongs).
    """
    check_factory(rpc)
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
    for function, contract, arguments, is_owners in _settlements(rpc, contracts, parameters):
        if is_owners and signer.address != parameters.owner:
            raise DeployError(
                f"{contract.name}.{function} is the owner's: run the deployment as {parameters.owner}, "
                f"not as {signer.address}; what stands is skipped"
            )
        contract.send(signer, function, *arguments)
        report(f"{contract.name}.{function}({', '.join(map(str, arguments))})")
    listed = [read_token(rpc, token) for token in [*tokens, *([contracts["TestUSD"]] if test_token else [])]]
    number = min(blocks)
    compiled = artifact("LicenseMarket")
    deployment = Deployment(
        chain_id=rpc.chain_id(),
        contracts=contracts,
        block_number=number,
        block_hash=str(rpc.call("eth_getBlockByNumber", hex(number), False)["hash"]),
        tokens={token.symbol: token for token in listed},
        parameters=parameters.to_json(),
        compiler=compiled["compiler"],
        evm_version=compiled["evm_version"],
    )
    verify(rpc, deployment)
    if directory is not None:
        report(f"written to {deployment.save(directory)}")
    return deployment


def _settlements(
    rpc: Rpc, contracts: dict[str, str], parameters: Parameters
) -> Iterator[tuple[str, Contract, tuple[object, ...], bool]]:
    """What is left to do after the contracts, each asked for only when what came before it is done: function,
    contract, arguments, and whether only the owner may call it."""
    known = {name: Contract(name, address, rpc) for name, address in contracts.items()}
    market = known["LicenseMarket"]
    if "DatasetMarket" in known:
        linked, expected = market.call("dataset_market"), contracts["DatasetMarket"]
        if linked == ZERO_ADDRESS:
            yield "set_dataset_market", market, (expected,), True
        elif linked != expected:
            raise IntegrityError(f"LicenseMarket was linked to {linked} for ever; choose another salt")
    # Once the timelock owns them, the fee is the timelock's to set.
    fee = (parameters.fee_bps, parameters.fee_recipient)
    for contract in charging(known):
        if contract.call("owner") == parameters.owner and contract.call("fee") != fee:
            yield "set_fee", contract, fee, True
    if "Timelock" in known:
        timelock = known["Timelock"]
        for contract in owned(known):
            if contract.call("owner") == timelock.address:
                continue
            if contract.call("pending_owner") != timelock.address:
                yield "transfer_ownership", contract, (timelock.address,), True
            yield "accept", timelock, (contract.address,), False


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
