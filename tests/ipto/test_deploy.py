# SPDX-License-Identifier: Apache-2.0
"""Deployment: repeatable, resumable, verified."""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from ipto import _create2, _plan
from ipto import deploy as module
from ipto._plan import ORDER
from ipto.accounts import LocalSigner
from ipto.chain import Contract, Deployment, RevertedError, artifact, send
from ipto.deploy import FACTORY, DeployError, Parameters, create2_address, deploy, install_factory, plan, verify
from ipto.devchain import DevChain, dev_signer
from ipto.doctor import examine
from ipto.errors import InputError, IntegrityError
from ipto.structs import ZERO_ADDRESS
from ipto.typed_data import Domain, Permit, ReceiveWithAuthorization, TypedData, split_signature

OWNER = dev_signer(0).address
HEIR = "0x" + "77" * 20
SALT = "0x" + "01" * 32
WITH_TIMELOCK = Parameters(OWNER, proposers=(HEIR,), delay=7_200, fee_bps=100, fee_recipient=HEIR)


class PowerCutError(Exception):
    """The machine lost its power."""


class Weak:
    """A signer that gives up after so many transactions."""

    def __init__(self, signer: LocalSigner, left: int) -> None:
        self._signer, self._left = signer, left
        self.address, self.sign_digest, self.sign_typed_data = (
            signer.address,
            signer.sign_digest,
            signer.sign_typed_data,
        )

    def sign_transaction(self, transaction: Mapping[str, Any]) -> bytes:
        if self._left == 0:
            raise PowerCutError
        self._left -= 1
        return self._signer.sign_transaction(transaction)


@pytest.fixture
def fresh() -> Iterator[DevChain]:
    """A chain with nothing on it but the factory."""
    with DevChain() as chain:
        yield chain


def test_addresses_are_known_beforehand(fresh: DevChain, tmp_path: Path) -> None:
    parameters = Parameters(OWNER)
    steps = plan(parameters, test_token=True)
    assert [step.name for step in steps] == [*ORDER, "TestUSD"]
    lines: list[str] = []
    made = deploy(fresh.rpc, fresh.signers[0], parameters, test_token=True, directory=tmp_path, report=lines.append)
    assert made.contracts == {step.name: step.address for step in steps}
    assert made.block_number == 1
    assert Deployment.load(31337, tmp_path) == made
    assert Parameters.from_mapping(made.parameters) == parameters
    market = made.contract("LicenseMarket", fresh.rpc)
    assert market.call("owner") == OWNER
    assert market.call("VAULT") == made.address("RoyaltyVault")
    assert market.call("DISPUTES") == made.address("DisputeResolver")
    assert made.contract("PanelArbiter", fresh.rpc).call("panel") == (1, (OWNER,), 1)
    # Nothing is done twice, whoever asks.
    nonce = fresh.rpc.nonce(fresh.signers[1].address)
    assert deploy(fresh.rpc, fresh.signers[1], parameters, test_token=True) == made
    assert fresh.rpc.nonce(fresh.signers[1].address) == nonce


def test_each_contract_is_one_transaction_that_fits(fresh: DevChain) -> None:
    """A transaction may spend 2**24 gas (EIP-7825)."""
    lines: list[str] = []
    made = deploy(fresh.rpc, fresh.signers[0], WITH_TIMELOCK, report=lines.append)
    spent = [int(found[1].replace(",", "")) for line in lines if (found := re.search(r"\(([\d,]+) gas\)", line))]
    assert len(spent) == len(made.contracts)
    assert max(spent) < 2**24


def _transactions(parameters: Parameters) -> int:
    """How many transactions a whole deployment takes."""
    with DevChain() as chain:
        deploy(chain.rpc, chain.signers[0], parameters)
        return chain.rpc.nonce(OWNER)


def test_an_interrupted_deployment_is_resumed_wherever_it_stopped(fresh: DevChain) -> None:
    """The same chain each time: contracts, link, fee, each of both halves of every hand-over."""
    total = _transactions(WITH_TIMELOCK)
    assert total > len(plan(WITH_TIMELOCK))
    whole = None
    for done in range(total):
        snapshot = fresh.snapshot()
        with pytest.raises(PowerCutError):
            deploy(fresh.rpc, Weak(fresh.signers[0], done), WITH_TIMELOCK)
        made = deploy(fresh.rpc, fresh.signers[0], WITH_TIMELOCK)
        assert fresh.rpc.nonce(OWNER) == total
        assert not [finding for finding in examine(fresh.rpc, made) if finding.wrong]
        whole = whole or made
        assert made.contracts == whole.contracts
        fresh.revert(snapshot)


def test_somebody_else_s_transactions_are_as_good(fresh: DevChain) -> None:
    """Who is first with the same code, arguments and salt makes the same contracts, and gains nothing."""
    steps = plan(Parameters(OWNER))
    for step in steps:
        send(fresh.rpc, fresh.signers[3], FACTORY, bytes(32) + step.init_code)
    fresh.mine(5)
    made = deploy(fresh.rpc, fresh.signers[0], Parameters(OWNER))
    assert made.block_number == 1
    verify(fresh.rpc, made)


def test_markets_are_linked_once_and_to_each_other(fresh: DevChain) -> None:
    steps = {step.name: step for step in plan(Parameters(OWNER))}
    for step in steps.values():
        send(fresh.rpc, fresh.signers[3], FACTORY, bytes(32) + step.init_code)
    market = Contract("LicenseMarket", steps["LicenseMarket"].address, fresh.rpc)
    snapshot = fresh.snapshot()
    made = deploy(fresh.rpc, fresh.signers[0], Parameters(OWNER))
    assert market.call("dataset_market") == made.address("DatasetMarket")
    fresh.revert(snapshot)
    # The owner's key linked something else: nothing can be saved, and it is told.
    market.send(fresh.signers[0], "set_dataset_market", steps["RoyaltyVault"].address)
    with pytest.raises(IntegrityError, match="for ever"):
        deploy(fresh.rpc, fresh.signers[0], Parameters(OWNER))
    wrong = [finding for finding in examine(fresh.rpc, made) if finding.wrong]
    assert [finding.what for finding in wrong] == ["LicenseMarket.dataset_market"]


def test_the_owner_s_part_is_the_owner_s(fresh: DevChain) -> None:
    with pytest.raises(DeployError, match=f"run the deployment as {OWNER}"):
        deploy(fresh.rpc, fresh.signers[1], WITH_TIMELOCK)
    deploy(fresh.rpc, fresh.signers[0], WITH_TIMELOCK)


def test_same_addresses_on_every_chain() -> None:
    """Another chain id, another deployer of the factory's transactions, another history."""
    found = []
    for chain_id in (31337, 10):
        with DevChain(chain_id=chain_id) as chain:
            chain.mine(chain_id % 7)
            found.append(deploy(chain.rpc, chain.signers[0], WITH_TIMELOCK).contracts)
    assert found[0] == found[1]


def test_the_timelock_is_the_owner(fresh: DevChain) -> None:
    proposer, other, keeper = fresh.signers[5], fresh.signers[6], fresh.signers[7]
    parameters = Parameters(OWNER, proposers=(proposer.address,), delay=3_600)
    made = deploy(fresh.rpc, fresh.signers[0], parameters)
    timelock, market = made.contract("Timelock", fresh.rpc), made.contract("LicenseMarket", fresh.rpc)
    pause = (market.address, 0, market.encode("set_paused", True), bytes(32), bytes(32))
    for stranger in (fresh.signers[0], other):
        with pytest.raises(RevertedError, match="caller is not the owner"):
            market.send(stranger, "set_paused", True)
        with pytest.raises(RevertedError):
            timelock.send(stranger, "schedule", *pause, 3_600)
    with pytest.raises(RevertedError, match="insufficient delay"):
        timelock.send(proposer, "schedule", *pause, 3_599)
    timelock.send(proposer, "schedule", *pause, 3_600)
    with pytest.raises(RevertedError, match="not ready"):
        timelock.send(keeper, "execute", *pause)
    fresh.rpc.call("evm_increaseTime", 3_601)
    fresh.mine(1)
    timelock.send(keeper, "execute", *pause)
    assert market.call("sales_paused") is True


def test_other_parameters_are_other_addresses() -> None:
    base = {step.name: step.address for step in plan(Parameters(OWNER))}
    salted = {step.name: step.address for step in plan(Parameters(OWNER, salt=SALT))}
    assert not set(base.values()) & set(salted.values())
    owned = {step.name: step.address for step in plan(Parameters(HEIR))}
    # The vault has no owner, so it and what only knows it do not move.
    assert "RoyaltyVault" in {name for name in base if base[name] == owned[name]}
    assert {"SignedActions", "WorkRegistry", "LicenseMarket"} <= {name for name in base if base[name] != owned[name]}
    # The fee can be changed later, so it is no part of them.
    assert plan(Parameters(OWNER, fee_bps=250, fee_recipient=HEIR)) == plan(Parameters(OWNER))


def test_create2_is_eip_1014_s() -> None:
    """An example of the EIP."""
    assert (
        create2_address(bytes(32), bytes.fromhex("00"), "0xdeadbeef00000000000000000000000000000000")
        == "0xB928f69Bb1D91Cd65274e3c79d8986362984fDA3"
    )


@pytest.mark.parametrize(
    "bad",
    [
        {"owner": ZERO_ADDRESS},
        {"owner": "0x12"},
        {"salt": "1"},
        {"salt": "0x" + "zz" * 32},
        {"proposers": (ZERO_ADDRESS,)},
        {"proposers": (HEIR, HEIR)},
        {"proposers": tuple(f"0x{n:040x}" for n in range(1, 18))},
        {"executors": ()},
        {"delay": 3_599},
        {"delay": True},
        {"delay": "172800"},
        {"panel": (ZERO_ADDRESS,)},
        {"quorum": -1},
        {"quorum": 2},
        {"panel": (OWNER, HEIR), "quorum": 3},
        {"bond": 0},
        {"rent_per_day": 0},
        {"ruling_fee": 10**18},
        {"fee_bps": 251, "fee_recipient": HEIR},
        {"fee_bps": 1},
        {"bond_currency": ""},
    ],
)
def test_bad_parameters(bad: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        Parameters(**{"owner": OWNER, **bad})


def test_a_panel_decides_by_more_than_half() -> None:
    judges = tuple(dev_signer(number).address for number in range(5))
    for count, quorum in ((1, 1), (2, 2), (3, 2), (4, 3), (5, 3)):
        parameters = Parameters(OWNER, panel=judges[:count])
        assert parameters.quorum == quorum
        assert [int(member, 16) for member in parameters.panel] == sorted(int(judge, 16) for judge in judges[:count])
    assert Parameters(OWNER).quorum == 1


def test_parameters_are_recorded_without_loss() -> None:
    parameters = Parameters(
        OWNER, (HEIR,), (OWNER, HEIR), 10_000, (HEIR, OWNER), 2, HEIR, 10**30, 7, 5, 250, HEIR, SALT
    )
    plain = json.loads(json.dumps(parameters.to_json()))
    assert plain["bond"] == str(10**30)
    assert Parameters.from_mapping(plain) == parameters
    for broken in ({}, {**plain, "more": 1}, {**plain, "bond": "much"}, {**plain, "delay": "1"}, []):
        with pytest.raises(InputError):
            Parameters.from_mapping(broken)  # type: ignore[arg-type]


def test_a_token_that_is_none(chain: DevChain) -> None:
    for address in (OWNER, FACTORY):
        with pytest.raises(InputError, match="not an ERC-20"):
            deploy(chain.rpc, chain.signers[0], Parameters(OWNER), tokens=[address])


def test_an_argument_that_nobody_provides(monkeypatch: pytest.MonkeyPatch) -> None:
    """A contract placed before what it needs is found before anything is sent."""
    monkeypatch.setattr(_plan, "ORDER", ("SignedActions", "WorkRegistry", "RoyaltyVault"))
    with pytest.raises(DeployError, match="WorkRegistry wants vault"):
        plan(Parameters(OWNER))


def test_a_contract_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    large = {**artifact("RoyaltyVault"), "runtime_size": 24_577}
    monkeypatch.setattr(_plan, "artifact", lambda name: large if name == "RoyaltyVault" else artifact(name))
    with pytest.raises(DeployError, match="RoyaltyVault is larger"):
        plan(Parameters(OWNER))


def test_a_chain_without_the_factory(fresh: DevChain) -> None:
    fresh.rpc.call("anvil_setCode", FACTORY, "0x")
    fresh.rpc.call("anvil_setNonce", FACTORY, "0x0")
    fresh.rpc.call("anvil_setNonce", _create2.FACTORY_SENDER, "0x0")
    with pytest.raises(DeployError, match=r"install.factory"):
        deploy(fresh.rpc, fresh.signers[0], Parameters(OWNER))
    install_factory(fresh.rpc, fresh.signers[0])
    nonce = fresh.rpc.nonce(fresh.signers[0].address)
    install_factory(fresh.rpc, fresh.signers[0])
    assert fresh.rpc.nonce(fresh.signers[0].address) == nonce
    deploy(fresh.rpc, fresh.signers[0], Parameters(OWNER))


def test_another_contract_in_the_factory_s_place(fresh: DevChain) -> None:
    fresh.rpc.call("anvil_setCode", FACTORY, "0x00")
    with pytest.raises(IntegrityError, match="another contract"):
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
