// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// What a handler writes down beside the contracts. A handler that reverts is only a refused call to forge, so what must
/// not happen is noted here and asked for by the invariant.
abstract contract Books {
    string public broken;

    function check(bool holds, string memory what) internal {
        if (!holds) broken = what;
    }
}

interface Handler {
    function broken() external view returns (string memory);
}

/// Points forge at one handler.
abstract contract Campaign {
    address internal target;

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = target;
    }

    function nothingIsBroken() internal view {
        string memory broken = Handler(target).broken();
        require(bytes(broken).length == 0, broken);
    }
}
