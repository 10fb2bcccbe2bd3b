# SPDX-License-Identifier: Apache-2.0
"""Examines a deployment: is what stands on the chain what this library was built from, wired and owned as recorded?

Each contract's creation code is run once more, by the node, at the contract's own address (`eth_call` with a state
override): what it would deploy is compared with what stands there, byte for byte, immutables included. Nodes without
overrides give a weaker answer, which says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ipto._create2 import FACTORY
from ipto._plan import Parameters, Step, plan
from ipto.chain import Contract, Deployment, artifact
from ipto.errors import IntegrityError, IptoError
from ipto.rpc import Rpc, RpcError
from ipto.structs import ZERO_ADDRESS

__all__ = ["Finding", "examine", "verify"]

STRUCTURE, STATE = "structure", "state"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. what: in words. wrong: what is not as it should be, empty when it is. changed: what
    the owner, who alone can, has decided since the deployment."""

    kind: str  # STRUCTURE never changes; STATE the owner may have changed since
    what: str
    wrong: str = ""
    changed: str = ""


def examine(rpc: Rpc, deployment: Deployment) -> Iterator[Finding]:
    """Look at everything, one finding after the other. Raises IntegrityError when this is another chain altogether."""
    deployment.check(rpc)
    parameters = Parameters.from_mapping(deployment.parameters)
    steps = {step.name: step for step in plan(parameters, test_token="TestUSD" in deployment.contracts)}
    for name in sorted(set(deployment.contracts) - set(steps)):
        yield Finding(STRUCTURE, name, "is not a contract of this version")
    for step in steps.values():
        found = list(_of_contract(rpc, deployment, step))
        yield from found
        if any(finding.wrong for finding in found):
            return  # what it would answer means nothing
    known = {name: Contract(name, step.address, rpc) for name, step in steps.items()}
    yield from _wiring(known, steps)
    yield from _ownership(rpc, known, parameters, deployment.block_number)
    yield from _state(known, parameters)


def verify(rpc: Rpc, deployment: Deployment) -> None:
    """Make sure that every contract is the one of this library and knows the right others.

    Raises IntegrityError naming the first difference. What an owner may change is not looked at.
    """
    for finding in examine(rpc, deployment):
        if finding.kind == STRUCTURE and finding.wrong:
            raise IntegrityError(f"{finding.what} {finding.wrong}")


def _of_contract(rpc: Rpc, deployment: Deployment, step: Step) -> Iterator[Finding]:
    recorded = deployment.contracts.get(step.name)
    if recorded != step.address:
        wrong = f"was deployed from other code or arguments than this version's: it is recorded at {recorded}"
        yield Finding(STRUCTURE, step.name, wrong)
        return
    code = rpc.code(step.address)
    if not code:
        yield Finding(STRUCTURE, step.name, f"is missing: there is no code at {step.address}")
        return
    expected = _runs_to(rpc, step)
    if expected is None:
        # The address alone is a hash of the creation code; this looks at what can be seen without running it.
        size = artifact(step.name)["runtime_size"]
        is_same = len(code) >= size and code[:size] in step.init_code
        what = f"{step.name} has the compiled code (immutables not compared: the node knows no state overrides)"
    else:
        is_same, what = code == expected, f"{step.name} has the compiled code and its arguments, byte for byte"
    yield Finding(STRUCTURE, what if is_same else step.name, "" if is_same else "has other code than this version's")


def _runs_to(rpc: Rpc, step: Step) -> bytes | None:
    """The code that a contract's creation would put at its address now; None where the node cannot tell."""
    call = {"from": FACTORY, "to": step.address, "data": "0x", "gas": hex(2**24 - 1)}
    override = {step.address: {"code": "0x" + step.init_code.hex()}}
    try:
        answer = str(rpc.call("eth_call", call, "latest", override))
    except RpcError:
        return None
    found = bytes.fromhex(answer[2:])
    # A node that takes the override and ignores it answers as the contract itself would: with nothing.
    return found if len(found) >= artifact(step.name)["runtime_size"] else None


def _ask(contract: Contract, function: str, *arguments: Any) -> Any:
    try:
        return contract.call(function, *arguments)
    except IptoError as error:
        return f"no answer ({error})"


def _compare(kind: str, contract: Contract, function: str, expected: Any, *arguments: Any, what: str = "") -> Finding:
    found = _ask(contract, function, *arguments)
    what = what or f"{contract.name}.{function}"
    return Finding(kind, what) if found == expected else Finding(kind, what, f"is {found}, expected {expected}")


def _has(contract: Contract, function: str) -> bool:
    return any(item.name == function for item in contract.abi.functions)


def _wiring(known: dict[str, Contract], steps: dict[str, Step]) -> Iterator[Finding]:
    for name, step in steps.items():
        for argument, value in step.arguments.items():
            if _has(known[name], argument.upper()):
                yield _compare(STRUCTURE, known[name], argument.upper(), value)
    if "DatasetMarket" in known:
        yield _compare(STRUCTURE, known["LicenseMarket"], "dataset_market", known["DatasetMarket"].address)


def _ownership(rpc: Rpc, known: dict[str, Contract], parameters: Parameters, since: int) -> Iterator[Finding]:
    timelock = known.get("Timelock")
    owner = timelock.address if timelock else parameters.owner
    for contract in owned(known):
        yield _compare(STATE, contract, "owner", owner)
        yield _compare(STATE, contract, "pending_owner", ZERO_ADDRESS)
    if timelock is None:
        return
    yield _compare(STATE, timelock, "get_minimum_delay", parameters.delay)
    roles = {
        "PROPOSER_ROLE": parameters.proposers,
        "CANCELLER_ROLE": parameters.proposers,
        "EXECUTOR_ROLE": parameters.executors,
        "DEFAULT_ADMIN_ROLE": (timelock.address,),
    }
    known_accounts = {
        parameters.owner,
        FACTORY,
        ZERO_ADDRESS,
        *(account for some in roles.values() for account in some),
    }
    for role, holders in roles.items():
        number = _ask(timelock, role)
        for account in sorted(known_accounts | _ever_granted(rpc, timelock, since)):
            what = f"Timelock: {role} of {account}"
            yield _compare(STATE, timelock, "hasRole", account in holders, number, account, what=what)


def _ever_granted(rpc: Rpc, timelock: Contract, since: int) -> set[str]:
    """Every account that was ever given a role; nobody where the node does not tell logs of so long a time."""
    query = {
        "address": timelock.address,
        "fromBlock": hex(since),
        "toBlock": "latest",
        "topics": [["0x" + timelock.abi.event("RoleGranted").topic.hex()]],
    }
    try:
        logs = timelock.events(rpc.call("eth_getLogs", query))
    except RpcError:
        return set()
    return {str(log.args["account"]) for log in logs}


def owned(known: dict[str, Contract]) -> list[Contract]:
    """The contracts that have an owner, in order of deployment."""
    return [contract for contract in known.values() if _has(contract, "pending_owner")]


def charging(known: dict[str, Contract]) -> list[Contract]:
    """The contracts that take the protocol's fee."""
    return [contract for contract in known.values() if _has(contract, "set_fee")]


def _state(known: dict[str, Contract], parameters: Parameters) -> Iterator[Finding]:
    """Fee, pauses, gate and panel. The code was compared before, and in it the owner alone can change them."""
    for contract in charging(known):
        yield _decided(contract, "fee", (parameters.fee_bps, parameters.fee_recipient))
    for contract in known.values():
        for function in ("registrations_paused", "sales_paused", "is_gate_closed"):
            if _has(contract, function):
                yield _decided(contract, function, False)
    if "PanelArbiter" in known:
        yield _decided(known["PanelArbiter"], "panel", (parameters.members, parameters.quorum), skip=1)


def _decided(contract: Contract, function: str, expected: Any, skip: int = 0) -> Finding:
    """skip: of the answer's first values."""
    found = _ask(contract, function)
    what = f"{contract.name}.{function}"
    if isinstance(found, str):
        return Finding(STATE, what, f"is {found}, expected {expected}")
    found = found[skip:] if skip else found
    changed = "" if found == expected else f"by the owner since the deployment: {found} on chain, {expected} recorded"
    return Finding(STATE, what, changed=changed)
