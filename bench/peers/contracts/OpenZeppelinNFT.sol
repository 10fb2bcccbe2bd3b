// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";

/// The plainest token a project builds on OpenZeppelin: an unguarded, numbered mint and nothing else.
contract OpenZeppelinNFT is ERC721 {
    uint256 public minted;

    constructor() ERC721("Bench", "BENCH") {}

    function mint(address to) external {
        _mint(to, ++minted);
    }
}
