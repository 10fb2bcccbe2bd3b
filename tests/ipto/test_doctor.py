# SPDX-License-Identifier: Apache-2.0
"""The doctor finds what is not as recorded, each kind of it, and says where."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ipto.chain import Contract, Deployment
from ipto.cli import main
from ipto.deploy import Parameters, deploy, verify
from ipto.devchain import DevChain, dev_signer
from ipto.doctor import Finding, examine
from ipto.errors import IntegrityError
from ipto.rpc import RpcError
from ipto.structs import ZERO_ADDRESS

OWNER, PROPOSER, RECIPIENT = (dev_signer(number).address for number in (0, 5, 6))
LOCKED = Parameters(
    OWNER, proposers=(PROPOSER,), delay=3_600, fee_bps=250, fee_recipient=RECIPIENT, salt="0x" + "0a" * 32
)


def wrong(chain: DevChain, deployment: Deployment) -> list[Finding]:
    return [finding for finding in examine(chain.rpc, deployment) if finding.wrong]


def only(found: list[Finding]) -> str:
    assert len(found) == 1, found
    return f"{found[0].what} {found[0].wrong}"


@pytest.fixture
def locked(chain: DevChain) -> Deployment:
    """One that belongs to a timelock, as in production."""
    return deploy(chain.rpc, chain.signers[0], LOCKED)


def test_a_healthy_deployment(chain: DevChain, deployment: Deployment, locked: Deployment) -> None:
    for one in (deployment, locked):
        findings = list(examine(chain.rpc, one))
        assert not [finding for finding in findings if finding.wrong]
        said = " ".join(finding.what for finding in findings)
        assert all(f"{name} has the compiled code and its arguments, byte for byte" in said for name in one.contracts)
        verify(chain.rpc, one)


def test_every_contract_tampered_with_is_found(chain: DevChain, locked: Deployment) -> None:
    """One changed byte, anywhere: at the front, in the middle, in the last immutable."""
    for name, address in locked.contracts.items():
        code = chain.rpc.code(address)
        for place in (0, len(code) // 2, len(code) - 1):
            changed = code[:place] + bytes([code[place] ^ 1]) + code[place + 1 :]
            chain.rpc.call("anvil_setCode", address, "0x" + changed.hex())
            assert only(wrong(chain, locked)) == f"{name} has other code than this version's"
            with pytest.raises(IntegrityError, match=name):
                verify(chain.rpc, locked)
        chain.rpc.call("anvil_setCode", address, "0x" + (code + b"\x00").hex())
        assert only(wrong(chain, locked)) == f"{name} has other code than this version's"
        chain.rpc.call("anvil_setCode", address, "0x")
        assert "is missing" in only(wrong(chain, locked))
        chain.rpc.call("anvil_setCode", address, "0x" + code.hex())
    assert not wrong(chain, locked)


def test_nodes_without_state_overrides(
    chain: DevChain, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What can be said without running the creation code: the code, but not the immutables, and it says so."""
    usual = chain.rpc.call

    def call(method: str, *params: Any) -> Any:
        if method == "eth_call" and len(params) > 2:
            raise RpcError(-32602, "too many arguments", None, method)
        return usual(method, *params)

    monkeypatch.setattr(chain.rpc, "call", call)
    findings = list(examine(chain.rpc, deployment))
    assert not [finding for finding in findings if finding.wrong]
    assert sum("immutables not compared" in finding.what for finding in findings) == len(deployment.contracts)
    address = deployment.address("WorkRegistry")
    code = chain.rpc.code(address)
    chain.rpc.call("anvil_setCode", address, "0x" + (code[:500] + b"\x00" + code[501:]).hex())
    assert only(wrong(chain, deployment)) == "WorkRegistry has other code than this version's"
    # An immutable that was changed is found by the getter.
    vault = bytes.fromhex(deployment.address("RoyaltyVault")[2:])
    assert vault in code
    chain.rpc.call("anvil_setCode", address, "0x" + code.replace(vault, bytes(20)).hex())
    assert "WorkRegistry.VAULT" in {finding.what for finding in wrong(chain, deployment)}


@pytest.mark.parametrize(
    ("name", "value"),
    [("owner", PROPOSER), ("salt", "0x" + "05" * 32), ("delay", 9_999), ("proposers", [OWNER]), ("executors", [OWNER])],
)
def test_other_parameters_than_recorded(chain: DevChain, locked: Deployment, name: str, value: object) -> None:
    other = dataclasses.replace(locked, parameters={**locked.parameters, name: value})
    found = wrong(chain, other)
    assert found
    assert "from other code or arguments" in found[0].wrong
    with pytest.raises(IntegrityError, match="other code or arguments"):
        verify(chain.rpc, other)


def test_other_contracts_than_recorded(chain: DevChain, locked: Deployment, deployment: Deployment) -> None:
    swapped = {**locked.contracts, "LicenseMarket": deployment.address("LicenseMarket")}
    assert "LicenseMarket" in only(wrong(chain, dataclasses.replace(locked, contracts=swapped)))
    more = {**locked.contracts, "Backdoor": PROPOSER}
    assert (
        only(wrong(chain, dataclasses.replace(locked, contracts=more))) == "Backdoor is not a contract of this version"
    )
    less = {name: address for name, address in locked.contracts.items() if name != "RoyaltyVault"}
    assert "RoyaltyVault" in only(wrong(chain, dataclasses.replace(locked, contracts=less)))


def test_what_an_owner_changed_is_told(chain: DevChain, deployment: Deployment) -> None:
    owner = chain.signers[0]
    deployment.contract("LicenseMarket", chain.rpc).send(owner, "set_fee", 100, RECIPIENT)
    deployment.contract("LicenseMarket", chain.rpc).send(owner, "set_paused", True)
    deployment.contract("WorkRegistry", chain.rpc).send(owner, "set_paused", True)
    deployment.contract("SignedActions", chain.rpc).send(owner, "close_gate")
    deployment.contract("WorkRegistry", chain.rpc).send(owner, "transfer_ownership", PROPOSER)
    decided = {
        "LicenseMarket.fee": f"(100, '{RECIPIENT}') on chain, (0, '{ZERO_ADDRESS}') recorded",
        "LicenseMarket.sales_paused": "True on chain, False recorded",
        "WorkRegistry.registrations_paused": "True on chain, False recorded",
        "SignedActions.is_gate_closed": "True on chain, False recorded",
    }
    found = [finding for finding in examine(chain.rpc, deployment) if finding.changed]
    assert {finding.what: finding.changed.split(": ")[1] for finding in found} == decided
    # Whose the protocol is, is not what an owner decides by the way.
    assert only(wrong(chain, deployment)).startswith("WorkRegistry.pending_owner")
    verify(chain.rpc, deployment)  # it is still the same protocol
    deployment.contract("WorkRegistry", chain.rpc).send(chain.signers[5], "accept_ownership")
    assert "WorkRegistry.owner" in {finding.what for finding in wrong(chain, deployment)}


def act_as(chain: DevChain, contract: Contract, function: str, *arguments: object) -> None:
    """The contract calls itself, as it does when what was scheduled is due."""
    chain.set_balance(contract.address, 10**18)
    data = "0x" + contract.encode(function, *arguments).hex()
    with chain.impersonate(contract.address) as itself:
        chain.rpc.call("eth_sendTransaction", {"from": itself, "to": itself, "data": data})


def test_a_role_that_was_given_to_somebody_is_told(chain: DevChain, locked: Deployment) -> None:
    """Also to an account that the deployment never heard of."""
    stranger = "0x" + "99" * 20
    timelock = locked.contract("Timelock", chain.rpc)
    act_as(chain, timelock, "grantRole", timelock.call("PROPOSER_ROLE"), stranger)
    assert only(wrong(chain, locked)) == f"Timelock: PROPOSER_ROLE of {stranger} is True, expected False"
    act_as(chain, timelock, "update_delay", 0)
    assert "Timelock.get_minimum_delay is 0, expected 3600" in {
        f"{finding.what} {finding.wrong}" for finding in wrong(chain, locked)
    }


def test_another_chain(chain: DevChain, deployment: Deployment) -> None:
    with pytest.raises(IntegrityError, match="check the RPC URL"):
        list(examine(chain.rpc, dataclasses.replace(deployment, chain_id=1)))


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["doctor", "deployment", *arguments])
    return done.exit_code, done.output


def test_the_command(chain: DevChain, deployment: Deployment, tmp_path: Path) -> None:
    file = str(deployment.save(tmp_path))
    code, output = run("--deployment", file, "--rpc", chain.url)
    assert code == 0, output
    assert "ok     LicenseMarket has the compiled code and its arguments, byte for byte" in output
    assert "all as recorded" in output
    deployment.contract("LicenseMarket", chain.rpc).send(chain.signers[0], "set_paused", True)
    code, output = run("--deployment", file, "--rpc", chain.url, "--quiet")
    assert code == 0
    told = "CHANGED  LicenseMarket.sales_paused by the owner since the deployment: True on chain, False recorded\n"
    assert output.startswith(told)
    assert "1 changed by the owner since, the others as recorded" in output
    deployment.contract("LicenseMarket", chain.rpc).send(chain.signers[0], "transfer_ownership", PROPOSER)
    code, output = run("--deployment", file, "--rpc", chain.url, "--quiet")
    assert code == 1
    assert f"WRONG  LicenseMarket.pending_owner is {PROPOSER}, expected {ZERO_ADDRESS}\n" in output
    assert "Error: 1 of" in output
    assert "ok " not in output


def test_the_command_without_a_deployment(tmp_path: Path) -> None:
    code, output = run("--deployment", str(tmp_path / "none.json"), "--rpc", "http://127.0.0.1:1")
    assert code == 1
    assert "deploy first" in output


@pytest.mark.parametrize(
    ("code", "expected"), [(0, "what the sources compile to"), (1, "WorkRegistry.json does not match")]
)
def test_the_command_compares_the_sources(
    chain: DevChain, deployment: Deployment, tmp_path: Path, code: int, expected: str
) -> None:
    """By the checkout's own script, which another test runs for real; here one that answers at once."""
    file = str(deployment.save(tmp_path))
    exit_code, output = run("--deployment", file, "--rpc", chain.url, "--sources", str(tmp_path), "--quiet")
    assert exit_code == 1
    assert "not a checkout" in output
    script = tmp_path / "scripts" / "export_artifacts.py"
    script.parent.mkdir()
    (script.parent / "__init__.py").touch()
    said = "WorkRegistry.json does not match the contracts"
    script.write_text(
        f"import sys\nassert sys.argv[1:] == ['--check']\nprint({said!r}, file=sys.stderr)\nsys.exit({code})\n"
    )
    exit_code, output = run("--deployment", file, "--rpc", chain.url, "--sources", str(tmp_path), "--quiet")
    assert exit_code == code
    assert expected in output
