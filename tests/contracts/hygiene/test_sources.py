# SPDX-License-Identifier: Apache-2.0
"""What every source, interface and bytecode has: licence, pragmas, documentation, room to spare."""

import re
from pathlib import Path

import pytest
from vyper import ast as vy_ast

from tests.contracts.support.contract import HOSTILE, ROOT, build

CONTRACTS = ROOT / "contracts"
DEPLOYED = sorted(CONTRACTS.glob("*.vy"))
MODULES = sorted((CONTRACTS / "modules").glob("*.vy"))
INTERFACES = sorted((CONTRACTS / "interfaces").glob("*.vyi"))
TESTING = sorted((CONTRACTS / "testing").glob("*.vy"))
LIMIT = 24_576  # bytes of deployed code (EIP-170)
ROOM = 2_048  # to correct something without moving walls
LESS_ROOM = {"LicenseMarket": 640}
# Every deployed contract, and which of its functions take ETH.
PAYABLE: dict[str, set[str]] = {
    "Attestations": set(),
    "DatasetMarket": {"mint", "mint_at_least"},
    "DisputeResolver": {"open_case", "answer", "ask_hold"},
    "Certificates": set(),
    "LicenseMarket": {"mint", "mint_many"},
    "PanelArbiter": set(),
    "Receivers": set(),
    "RoyaltyVault": {"credit"},
    "SignedActions": set(),
    "Timelock": {"execute", "execute_batch"},  # snekmate's; a call it makes may carry value
    "UsageSettlement": {"report", "report_dataset"},
    "WorkRegistry": set(),
}


def external_functions(path: Path) -> list[vy_ast.FunctionDef]:
    """The external functions a file defines itself."""
    functions = vy_ast.parse_to_ast(path.read_text()).get_children(vy_ast.FunctionDef)
    return [item for item in functions if any(mark.id == "external" for mark in marks(item))]


def marks(function: vy_ast.FunctionDef) -> list[vy_ast.Name]:
    return [mark for mark in function.decorator_list if isinstance(mark, vy_ast.Name)]


def documentation(function: vy_ast.FunctionDef) -> str:
    return function.doc_string.value if function.doc_string is not None else ""


def test_the_rooms() -> None:
    assert [file.stem for file in DEPLOYED] == sorted(PAYABLE)
    assert all(re.fullmatch(r"[a-z0-9_]+", file.stem) for file in MODULES)
    assert {f"I{file.stem}" for file in DEPLOYED} <= {file.stem for file in INTERFACES}


@pytest.mark.parametrize("path", [*DEPLOYED, *MODULES, *INTERFACES, *TESTING], ids=lambda path: path.name)
def test_licence_and_compiler(path: Path) -> None:
    head = path.read_text().splitlines()[:5]
    assert "# pragma version ==0.4.3" in head
    assert "# SPDX-License-Identifier: AGPL-3.0-only" in head


@pytest.mark.parametrize("path", sorted(HOSTILE.glob("*.vy")), ids=lambda path: path.name)
def test_licence_of_the_cast(path: Path) -> None:
    """Whoever imports code under the AGPL is under it too."""
    source = path.read_text()
    is_bound = "snekmate" in source or "from contracts" in source
    assert f"# SPDX-License-Identifier: {'AGPL-3.0-only' if is_bound else 'Apache-2.0'}" in source


@pytest.mark.parametrize("path", DEPLOYED, ids=lambda path: path.name)
def test_deployed_contracts_lock_and_name_their_evm(path: Path) -> None:
    head = path.read_text().splitlines()[:5]
    assert "# pragma nonreentrancy on" in head
    assert "# pragma evm-version cancun" in head


@pytest.mark.parametrize("path", DEPLOYED, ids=lambda path: path.name)
def test_only_token_transfers_are_reentrant(path: Path) -> None:
    """They call the receiver last, and receivers ask the token back; a batch comes back for each of its calls."""
    free = {item.name for item in external_functions(path) if any(mark.id == "reentrant" for mark in marks(item))}
    assert free <= {"transferFrom", "safeTransferFrom"} | ({"execute_many"} if path.stem == "SignedActions" else set())


@pytest.mark.parametrize("path", DEPLOYED, ids=lambda path: path.name)
def test_every_function_is_explained_where_it_is_declared(path: Path) -> None:
    interface = CONTRACTS / "interfaces" / f"I{path.stem}.vyi"
    declared = {item.name for item in external_functions(interface)}
    for item in external_functions(interface):
        assert "@notice" in documentation(item), item.name
    erc721 = {"transferFrom", "safeTransferFrom"}  # explained by the standard
    for item in external_functions(path):
        if item.name not in declared | erc721:
            assert "@notice" in documentation(item), item.name


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_every_function_of_a_module_is_explained(path: Path) -> None:
    if path.stem != "erc721":  # explained by the standard
        for item in external_functions(path):
            assert "@notice" in documentation(item), item.name


@pytest.mark.parametrize("path", [*DEPLOYED, *MODULES], ids=lambda path: path.name)
def test_no_risky_constructs(path: Path) -> None:
    code = re.sub(r"#[^\n]*", "", re.sub(r'""".*?"""', "", path.read_text(), flags=re.S))
    for word in ("delegatecall", "selfdestruct", "decimal", "send(", "tx.origin", "create_from_blueprint"):
        assert word not in code, word


@pytest.mark.parametrize("path", DEPLOYED, ids=lambda path: path.name)
def test_fits_with_room_to_spare(path: Path) -> None:
    # Immutables are appended to the code at deployment.
    assert len(build(path).runtime) + 32 * 8 <= LIMIT - LESS_ROOM.get(path.stem, ROOM)


def test_no_receive_function_takes_bare_money() -> None:
    for path in DEPLOYED:
        assert not any(item["type"] in ("fallback", "receive") for item in build(path).abi), path.name


@pytest.mark.parametrize(("contract", "payable"), sorted(PAYABLE.items()))
def test_only_payments_take_eth(contract: str, payable: set[str]) -> None:
    abi = build(CONTRACTS / f"{contract}.vy").abi
    found = {item["name"] for item in abi if item.get("stateMutability") == "payable" and item["type"] == "function"}
    assert found == payable
