# SPDX-License-Identifier: Apache-2.0
"""Artifacts, calls, logs, transactions and the deployment file."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import encode
from hypothesis import given

from ipto import chain as public
from ipto._abi import Abi
from ipto.accounts import LocalSigner
from ipto.chain import (
    Contract,
    Deployment,
    RevertedError,
    TransactionError,
    TransactionTimeoutError,
    abi,
    artifact,
    call_data,
    send,
    topics_of,
    wait_for_receipt,
)
from ipto.devchain import DevChain
from ipto.errors import InputError, IntegrityError, NotFoundError
from ipto.rpc import Rpc
from ipto.structs import Offer
from scripts import export_artifacts
from tests.ipto.strategies import structures

STRANGER = "0x" + "77" * 20


def test_the_public_names() -> None:
    assert sorted(public.__all__) == [name for name in sorted(public.__all__) if hasattr(public, name)]


@pytest.mark.slow
def test_committed_artifacts_are_what_the_contracts_compile_to() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scripts.export_artifacts", "--check"],
        cwd=export_artifacts.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_contracts_fit_the_chain() -> None:
    names = {source.stem for source in export_artifacts.sources()}
    assert {"LicenseMarket", "RoyaltyVault", "SignedActions", "TestUSD", "WorkRegistry"} <= names
    for name in names:
        assert 0 < artifact(name)["runtime_size"] <= 24_576


@pytest.mark.parametrize("name", ["Nothing", "../artifacts/TestUSD", "", "TestUSD.json", "a" * 500])
def test_unknown_artifacts(name: str) -> None:
    with pytest.raises(NotFoundError):
        artifact(name)


def test_well_known_selectors_and_topics() -> None:
    token = abi("TestUSD")
    assert token.function("transfer").selector.hex() == "a9059cbb"
    assert token.function("receiveWithAuthorization").selector.hex() == "ef55bec6"
    assert topics_of("TestUSD", ["Transfer"]) == ["0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"]
    found = token.function_of(bytes.fromhex("a9059cbb"))
    assert found is not None
    assert found.name == "transfer"
    assert token.function_of(bytes(4)) is token.event_of(bytes(32)) is None


def test_encoding_is_eth_abi_s_and_reads_back() -> None:
    data = call_data("TestUSD", "mint", STRANGER, 5)
    assert data[4:] == encode(["address", "uint256"], [STRANGER, 5])
    assert abi("TestUSD").function("mint").decode_input(data) == {"to": STRANGER, "amount": 5}
    assert abi("TestUSD").function("mint").encode(amount=5, to=STRANGER) == data
    with pytest.raises(IntegrityError):
        abi("TestUSD").function("transfer").decode_input(data)


@given(structures(Offer))
def test_structs_go_in_any_form_and_come_out_by_name(offer: Offer) -> None:
    post = abi("LicenseMarket").function("post")
    fields = dataclasses.asdict(offer)
    assert post.encode(offer) == post.encode(fields) == post.encode(offer.as_tuple()) == post.encode(offer=offer)
    assert Offer(**post.decode_input(post.encode(offer))["offer"]) == offer


@pytest.mark.parametrize(
    "args", [(), (STRANGER,), (STRANGER, 5, 5), ("0x12", 5), (STRANGER, -1), (STRANGER, 2**256), (STRANGER, "x")]
)
def test_wrong_arguments(args: tuple[Any, ...]) -> None:
    with pytest.raises(InputError):
        call_data("TestUSD", "mint", *args)


def test_wrong_names() -> None:
    with pytest.raises(InputError, match="to, amount"):
        abi("TestUSD").function("mint").encode(to=STRANGER, value=5)
    with pytest.raises(NotFoundError, match="no function nothing"):
        abi("TestUSD").function("nothing")
    with pytest.raises(NotFoundError, match="no event"):
        abi("TestUSD").event("Nothing")
    with pytest.raises(InputError, match="the fields"):
        call_data("LicenseMarket", "post", {"work": 1})


def test_overloads_are_told_apart() -> None:
    def entry(*kinds: str) -> dict[str, Any]:
        inputs = [{"name": f"a{n}", "type": kind} for n, kind in enumerate(kinds)]
        return {"type": "function", "name": "f", "inputs": inputs, "outputs": [], "stateMutability": "view"}

    both = Abi("Test", [entry("uint256"), entry("uint256", "bytes32"), entry("address", "bytes32")])
    assert both.function("f", 1).signature == "f(uint256)"
    assert both.function("f(address,bytes32)").inputs[0].type == "address"
    with pytest.raises(InputError, match="ambiguous"):
        both.function("f", 2)


def _contract(deployment: Deployment, chain: DevChain, name: str = "TestUSD") -> Contract:
    return deployment.contract(name, chain.rpc)


def test_transactions_and_logs(chain: DevChain, deployment: Deployment) -> None:
    token, sender = _contract(deployment, chain), chain.signers[1]
    before = chain.rpc.balance(sender.address)
    receipt = token.send(sender, "mint", STRANGER, 7)
    assert token.call("balanceOf", STRANGER) == 7
    assert chain.rpc.balance(sender.address) == before - receipt.cost
    (log,) = token.events(receipt)
    assert log.event == "Transfer"
    assert log.args["receiver"] == STRANGER
    assert log.args["value"] == 7
    assert (log.tx_hash, log.block_number) == (receipt.tx_hash, receipt.block_number)
    assert deployment.decode_log(receipt.logs[0]) == log
    assert token.events(receipt, "Approval") == []
    assert _contract(deployment, chain, "RoyaltyVault").events(receipt) == []
    elsewhere = {**receipt.logs[0], "address": STRANGER}
    assert deployment.decode_log(elsewhere) is None
    assert token.decode_log({**receipt.logs[0], "topics": []}) is None
    assert token.decode_log({**receipt.logs[0], "topics": ["0x" + "00" * 32]}) is None


def test_a_log_that_does_not_fit_its_abi(chain: DevChain, deployment: Deployment) -> None:
    token = _contract(deployment, chain)
    log = token.send(chain.signers[1], "mint", STRANGER, 7).logs[0]
    with pytest.raises(IntegrityError):
        token.decode_log({**log, "data": "0x"})
    with pytest.raises(IntegrityError):
        token.decode_log({**log, "topics": log["topics"][:2]})


def test_the_past_can_be_asked(chain: DevChain, deployment: Deployment) -> None:
    token = _contract(deployment, chain)
    receipt = token.send(chain.signers[1], "mint", STRANGER, 7)
    assert token.call("balanceOf", STRANGER, block=receipt.block_number - 1) == 0
    assert token.call("balanceOf", STRANGER, block=receipt.block_hash) == 7


def test_refusals_carry_the_contract_s_words(chain: DevChain, deployment: Deployment) -> None:
    token, poor = _contract(deployment, chain), chain.signers[1]
    with pytest.raises(RevertedError, match="exceeds balance") as caught:
        token.send(poor, "transfer", STRANGER, 1)
    assert caught.value.reason == "erc20: transfer amount exceeds balance"
    assert caught.value.tx_hash is None
    with pytest.raises(RevertedError, match="exceeds balance"):
        token.call("transfer", STRANGER, 1, sender=poor.address)
    # With a gas limit given nothing is estimated: it is mined and fails there.
    with pytest.raises(RevertedError, match="exceeds balance") as caught:
        token.send(poor, "transfer", STRANGER, 1, gas=200_000)
    assert caught.value.tx_hash is not None
    with pytest.raises(RevertedError):
        wait_for_receipt(chain.rpc, caught.value.tx_hash)


def test_an_empty_account_cannot_send(chain: DevChain) -> None:
    with pytest.raises(TransactionError):
        send(chain.rpc, LocalSigner.random(), STRANGER, value=1)


def test_sending_ether_and_nonces(chain: DevChain) -> None:
    sender = chain.signers[2]
    nonce = chain.rpc.nonce(sender.address)
    send(chain.rpc, sender, STRANGER, value=5, nonce=nonce)
    assert chain.rpc.balance(STRANGER) == 5
    with pytest.raises(TransactionError, match="nonce"):
        send(chain.rpc, sender, STRANGER, value=5, nonce=nonce)


def test_a_transaction_that_is_not_mined(chain: DevChain) -> None:
    chain.set_automine(False)
    try:
        with pytest.raises(TransactionTimeoutError, match="look it up") as caught:
            send(chain.rpc, chain.signers[2], STRANGER, value=5, timeout=0.2)
        chain.mine()
    finally:
        chain.set_automine(True)
    assert caught.value.tx_hash is not None
    assert wait_for_receipt(chain.rpc, caught.value.tx_hash).gas_used == 21_000


def test_nothing_there(chain: DevChain) -> None:
    with pytest.raises(NotFoundError, match="check deployment file"):
        Contract("TestUSD", STRANGER, chain.rpc).call("totalSupply")
    with pytest.raises(InputError, match="rpc="):
        Contract("TestUSD", STRANGER).call("totalSupply")


def test_deployment_file(deployment: Deployment, tmp_path: Path) -> None:
    path = deployment.save(tmp_path / "deployments")
    assert path.name == "31337.json"
    assert Deployment.load(path) == Deployment.load(31337, path.parent) == deployment
    assert deployment.save(path.parent) == path
    assert [item.name for item in path.parent.iterdir()] == ["31337.json"]
    assert deployment.token("tUSD").decimals == 6
    with pytest.raises(NotFoundError, match="it has tUSD"):
        deployment.token("USDC")
    with pytest.raises(NotFoundError, match="LicenseMarket"):
        deployment.address("Nothing")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 99}', '{"format": 1}', '{"format": 1, "chain_id": 1}'])
def test_what_is_no_deployment_file(tmp_path: Path, content: str) -> None:
    path = tmp_path / "1.json"
    path.write_text(content)
    with pytest.raises(InputError, match="deploy again"):
        Deployment.load(path)


def test_a_wrong_address_in_the_file(deployment: Deployment, tmp_path: Path) -> None:
    data = json.loads(json.dumps(deployment.to_json()))
    data["contracts"]["TestUSD"] = data["contracts"]["TestUSD"].swapcase().replace("0X", "0x")
    with pytest.raises(InputError, match="checksum"):
        Deployment.from_mapping(data)
    with pytest.raises(NotFoundError, match="deploy first"):
        Deployment.load(99, tmp_path)


def test_another_chain_is_noticed(chain: DevChain, deployment: Deployment) -> None:
    deployment.check(chain.rpc)
    with pytest.raises(IntegrityError, match="on chain 31337, the deployment on 1"):
        dataclasses.replace(deployment, chain_id=1).check(chain.rpc)
    # The same chain id, started anew.
    with DevChain() as other, Rpc(other.url) as rpc:
        with pytest.raises(IntegrityError, match="deploy again"):
            deployment.check(rpc)
        other.mine(20)
        with pytest.raises(IntegrityError, match="deploy again"):
            deployment.check(rpc)
