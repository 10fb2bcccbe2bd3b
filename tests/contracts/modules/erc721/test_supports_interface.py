# SPDX-License-Identifier: Apache-2.0
"""supportsInterface: ids computed here from the functions each standard names, and the functions exist."""

from functools import reduce

from eth_utils import keccak

from tests.contracts.support.contract import Contract
from tests.contracts.support.system import System

ERC165 = ["supportsInterface(bytes4)"]
ERC721 = [
    "balanceOf(address)",
    "ownerOf(uint256)",
    "safeTransferFrom(address,address,uint256,bytes)",
    "safeTransferFrom(address,address,uint256)",
    "transferFrom(address,address,uint256)",
    "approve(address,uint256)",
    "setApprovalForAll(address,bool)",
    "getApproved(uint256)",
    "isApprovedForAll(address,address)",
]
METADATA = ["name()", "symbol()", "tokenURI(uint256)"]
ERC2981 = ["royaltyInfo(uint256,uint256)"]
ERC5192 = ["locked(uint256)"]
ERC6454 = ["isTransferable(uint256,address,address)"]
ERC7572 = ["contractURI()"]
ERC7858 = ["expiryType()", "isTokenExpired(uint256)", "startTime(uint256)", "endTime(uint256)"]
# ERC-4906 has events alone; its id is chosen by the standard.
ERC4906_ID = bytes.fromhex("49064906")
ENUMERABLE = ["totalSupply()", "tokenByIndex(uint256)", "tokenOfOwnerByIndex(address,uint256)"]


def interface_id(functions: list[str]) -> bytes:
    number = reduce(lambda x, y: x ^ y, (int.from_bytes(keccak(text=item)[:4], "big") for item in functions))
    return number.to_bytes(4, "big")


def check(contract: Contract, supported: list[list[str]], refused: list[bytes]) -> None:
    known = {function.signature for function in contract.functions.values()}
    for functions in supported:
        assert set(functions) <= known
        assert contract.supportsInterface(interface_id(functions))
    for number in [b"\xff" * 4, bytes(4), *refused]:
        assert not contract.supportsInterface(number)


def test_ids_as_the_standards_print_them() -> None:
    printed = {
        "01ffc9a7": ERC165,
        "80ac58cd": ERC721,
        "5b5e139f": METADATA,
        "2a55205a": ERC2981,
        "b45a3c0e": ERC5192,
        "91a6262f": ERC6454,
        "3ebdfa31": ERC7858,
    }
    assert {interface_id(functions).hex(): functions for functions in printed.values()} == printed


def test_works(system: System) -> None:
    supported = [ERC165, ERC721, METADATA, ERC2981, ERC7572]
    check(system.registry, supported, [interface_id(item) for item in (ERC5192, ERC6454, ERC7858, ENUMERABLE)])
    assert system.registry.supportsInterface(ERC4906_ID)


def test_licenses(system: System) -> None:
    supported = [ERC165, ERC721, METADATA, ERC2981, ERC5192, ERC6454, ERC7572, ERC7858]
    check(system.market, supported, [interface_id(ENUMERABLE)])
    assert system.market.supportsInterface(ERC4906_ID)
