// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ERC2771Context} from "@openzeppelin/contracts/metatx/ERC2771Context.sol";

/// A target as small as can be, so that what a forwarded call costs more than a direct one is the forwarder's.
contract ForwardedCounter is ERC2771Context {
    mapping(address actor => uint256) public counts;

    constructor(address forwarder) ERC2771Context(forwarder) {}

    function count() external {
        counts[_msgSender()] += 1;
    }
}
