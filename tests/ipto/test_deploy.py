# SPDX-License-Identifier: Apache-2.0
"""Deployment: repeatable, resumable, verified."""

import dataclasses
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipto import deploy as module
from ipto.accounts import LocalSigner
from ipto.chain import Contract, Deployment, RevertedError, artifact, send
from ipto.deploy import FACTORY, DeployError, Parameters, create2_address, deploy, install_factory, plan, verify
from ipto.devchain import DevChain
from ipto.errors import InputError, IntegrityError
from ipto.structs import ZERO_ADDRESS
from ipto.typed_data import Domain, Permit, ReceiveWithAuthorization, TypedData, split_signature

OWNER = "0x" + "77" * 20


@pytest.fixture
def fresh() -> Iterator[DevChain]:
    """A chain with nothing on it but the factory."""
    with DevChain() as chain:
        yield chain


def test_addresses_are_known_beforehand(fresh: DevChain, tmp_path: Path) -> None:
    parameters = Parameters(OWNER)
    steps = plan(parameters, test_token=True)
    assert [step.name for step in steps] == [
        "SignedActions",
        "RoyaltyVault",
        "Receivers",
        "PanelArbiter",
        "DisputeResolver",
        "Attestations",
        "WorkRegistry",
        "LicenseMarket",
        "TestUSD",
    ]
    lines: list[str] = []
    made = deploy(fresh.rpc, fresh.signers[0], parameters, test_token=True, directory=tmp_path, report=lines.append)
    assert made.contracts == {step.name: step.address for step in steps}
    assert made.block_number == 1
    assert Deployment.load(31337, tmp_path) == made
    assert len(lines) == len(steps) + 1
    market = made.contract("LicenseMarket", fresh.rpc)
    assert market.call("owner") == OWNER
    assert market.call("VAULT") == made.address("RoyaltyVault")
    assert market.call("DISPUTES") == made.address("DisputeResolver")
    assert made.contract("PanelArbiter", fresh.rpc).call("panel") == (1, (OWNER,), 1)
    # Nothing is done twice, whoever asks.
    nonce = fresh.rpc.nonce(fresh.signers[1].address)
    assert deploy(fresh.rpc, fresh.signers[1], parameters, test_token=True) == made
    assert fresh.rpc.nonce(fresh.signers[1].address) == nonce


@pytest.mark.parametrize("done", [1, 2, 3])
def test_an_interrupted_deployment_is_resumed(fresh: DevChain, done: int) -> None:
    steps = plan(Parameters(OWNER))
    fresh.mine(5)
    for step in steps[:done]:
        send(fresh.rpc, fresh.signers[3], FACTORY, bytes(32) + step.init_code)
    fresh.mine(5)
    made = deploy(fresh.rpc, fresh.signers[0], Parameters(OWNER))
    assert made.block_number == 6
    verify(fresh.rpc, made)


def test_other_parameters_are_other_addresses() -> None:
    base = {step.name: step.address for step in plan(Parameters(OWNER))}
    salted = {step.name: step.address for step in plan(Parameters(OWNER, salt="0x" + "01" * 32))}
    assert not set(base.values()) & set(salted.values())
    owned = {step.name: step.address for step in plan(Parameters("0x" + "78" * 20))}
    # What has no owner does not move.
    assert {name for name in base if base[name] == owned[name]} == {"RoyaltyVault", "Receivers"}


def test_create2_is_eip_1014_s() -> None:
    """An example of the EIP."""
    assert (
        create2_address(bytes(32), bytes.fromhex("00"), "0xdeadbeef00000000000000000000000000000000")
        == "0xB928f69Bb1D91Cd65274e3c79d8986362984fDA3"
    )


def test_verification_sees_a_wrong_deployment(chain: DevChain, deployment: Deployment) -> None:
    verify(chain.rpc, deployment)
    contracts = {**deployment.contracts, "RoyaltyVault": deployment.address("TestUSD")}
    with pytest.raises(IntegrityError, match="RoyaltyVault"):
        verify(chain.rpc, dataclasses.replace(deployment, contracts=contracts))
    other = {**deployment.parameters, "owner": OWNER}
    with pytest.raises(IntegrityError, match="other code or arguments"):
        verify(chain.rpc, dataclasses.replace(deployment, parameters=other))
    chain.rpc.call("anvil_setCode", deployment.address("WorkRegistry"), "0x")
    with pytest.raises(IntegrityError, match="no WorkRegistry"):
        verify(chain.rpc, deployment)


def test_verification_asks_the_chain(chain: DevChain, deployment: Deployment) -> None:
    """A market at the right address that answers wrongly is found by its getters."""
    registry = deployment.address("WorkRegistry")
    # PUSH1 1, PUSH1 0, MSTORE, PUSH1 32, PUSH1 0, RETURN: every getter is address(1).
    chain.rpc.call("anvil_setCode", registry, "0x600160005260206000f3")
    with pytest.raises(IntegrityError, match=r"WorkRegistry\."):
        verify(chain.rpc, deployment)


@pytest.mark.parametrize(
    "bad", [{"owner": ZERO_ADDRESS}, {"owner": "0x12"}, {"owner": OWNER, "salt": "1"}, {"owner": OWNER, "bond": "0.1"}]
)
def test_bad_parameters(bad: dict[str, str]) -> None:
    with pytest.raises(InputError):
        Parameters(**bad)


def test_a_token_that_is_none(chain: DevChain) -> None:
    for address in (OWNER, FACTORY):
        with pytest.raises(InputError, match="not an ERC-20"):
            deploy(chain.rpc, chain.signers[0], Parameters(OWNER), tokens=[address])


def test_a_contract_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    large = {**artifact("RoyaltyVault"), "runtime_size": 24_577}
    monkeypatch.setattr(module, "artifact", lambda name: large if name == "RoyaltyVault" else artifact(name))
    with pytest.raises(DeployError, match="RoyaltyVault is larger"):
        plan(Parameters(OWNER))


def test_a_chain_without_the_factory(fresh: DevChain) -> None:
    fresh.rpc.call("anvil_setCode", FACTORY, "0x")
    fresh.rpc.call("anvil_setNonce", FACTORY, "0x0")
    fresh.rpc.call("anvil_setNonce", module._FACTORY_SENDER, "0x0")
    with pytest.raises(DeployError, match=r"install.factory"):
        deploy(fresh.rpc, fresh.signers[0], Parameters(OWNER))
    install_factory(fresh.rpc, fresh.signers[0])
    nonce = fresh.rpc.nonce(fresh.signers[0].address)
    install_factory(fresh.rpc, fresh.signers[0])
    assert fresh.rpc.nonce(fresh.signers[0].address) == nonce
    deploy(fresh.rpc, fresh.signers[0], Parameters(OWNER))


def test_no_machine_path_in_what_is_written(deployment: Deployment, tmp_path: Path) -> None:
    text = deployment.save(tmp_path).read_text()
    assert str(Path.home()) not in text
    assert "http" not in text


@pytest.fixture
def payer() -> LocalSigner:
    return LocalSigner(b"\x05" * 32)


def _usd(chain: DevChain, deployment: Deployment, payer: LocalSigner) -> tuple[Contract, Domain]:
    token = deployment.contract("TestUSD", chain.rpc)
    token.send(chain.signers[0], "mint", payer.address, 100)
    listed = deployment.token("tUSD")
    return token, Domain(listed.name, listed.version, deployment.chain_id, listed.address)


def test_usd_permit(chain: DevChain, deployment: Deployment, payer: LocalSigner) -> None:
    token, domain = _usd(chain, deployment, payer)
    assert token.call("DOMAIN_SEPARATOR") == domain.separator
    permit = Permit(payer.address, OWNER, 40, 0, chain.now() + 100)
    v, r, s = split_signature(payer.sign_typed_data(TypedData(domain, permit)))
    token.send(chain.signers[1], "permit", payer.address, OWNER, 40, permit.deadline, v, r, s)
    assert token.call("allowance", payer.address, OWNER) == 40
    with pytest.raises(RevertedError):  # the nonce is used up
        token.send(chain.signers[1], "permit", payer.address, OWNER, 40, permit.deadline, v, r, s)


def _authorized(chain: DevChain, payer: LocalSigner, domain: Domain, **changes: object) -> list[object]:
    values: dict[str, object] = {
        "payer": payer.address,
        "to": chain.signers[2].address,
        "value": 30,
        "valid_after": 0,
        "valid_before": chain.now() + 100,
        "nonce": b"\x09" * 32,
    }
    message = ReceiveWithAuthorization(**(values | changes))  # type: ignore[arg-type]
    return [*message.as_tuple(), *split_signature(payer.sign_typed_data(TypedData(domain, message)))]


def test_usd_receive_with_authorization(chain: DevChain, deployment: Deployment, payer: LocalSigner) -> None:
    token, domain = _usd(chain, deployment, payer)
    receiver = chain.signers[2]
    arguments = _authorized(chain, payer, domain)
    with pytest.raises(RevertedError, match="caller is not the receiver"):
        token.send(chain.signers[1], "receiveWithAuthorization", *arguments)
    # Signed for receiving, it is not good for a transfer by anybody.
    with pytest.raises(RevertedError, match="wrong signature"):
        token.send(chain.signers[1], "transferWithAuthorization", *arguments)
    changed = [*arguments[:2], 31, *arguments[3:]]
    with pytest.raises(RevertedError, match="wrong signature"):
        token.send(receiver, "receiveWithAuthorization", *changed)
    receipt = token.send(receiver, "receiveWithAuthorization", *arguments)
    assert [log.event for log in token.events(receipt)] == ["AuthorizationUsed", "Transfer"]
    assert token.call("balanceOf", receiver.address) == 30
    assert token.call("authorizationState", payer.address, b"\x09" * 32) is True
    with pytest.raises(RevertedError, match="authorization used"):
        token.send(receiver, "receiveWithAuthorization", *arguments)


def test_usd_authorizations_have_their_time(chain: DevChain, deployment: Deployment, payer: LocalSigner) -> None:
    token, domain = _usd(chain, deployment, payer)
    receiver, now = chain.signers[2], chain.now()
    for words, window in (("not yet", {"valid_after": now + 1000}), ("expired", {"valid_before": now})):
        with pytest.raises(RevertedError, match=words):
            token.send(receiver, "receiveWithAuthorization", *_authorized(chain, payer, domain, **window))
    with pytest.raises(RevertedError, match="exceeds balance"):
        token.send(receiver, "receiveWithAuthorization", *_authorized(chain, payer, domain, value=101))


def test_the_test_token_says_what_it_is() -> None:
    source = Path(module.__file__).parents[1] / "contracts" / "testing" / "TestUSD.vy"
    assert "FOR TESTS ONLY" in source.read_text()
    assert subprocess.run(["vyper", "--version"], capture_output=True, check=True).stdout.startswith(b"0.4.3")
