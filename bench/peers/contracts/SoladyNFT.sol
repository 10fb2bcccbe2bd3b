// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ERC721} from "solady/src/tokens/ERC721.sol";

/// The plainest token a project builds on solady: an unguarded, numbered mint and nothing else.
contract SoladyNFT is ERC721 {
    uint256 public minted;

    function name() public pure override returns (string memory) {
        return "Bench";
    }

    function symbol() public pure override returns (string memory) {
        return "BENCH";
    }

    function tokenURI(uint256) public pure override returns (string memory) {
        return "";
    }

    function mint(address to) external {
        _mint(to, ++minted);
    }
}
