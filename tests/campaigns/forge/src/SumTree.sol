// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

struct SumNode {
    bytes32 digest;
    uint256 amount;
}

/// A Merkle-sum tree written from its description, level by level, for handlers to report with and to claim from.
library SumTree {
    bytes32 internal constant LEAF = keccak256("IPTO usage leaf");
    bytes32 internal constant NODE = keccak256("IPTO usage node");
    bytes32 internal constant ROOT = keccak256("IPTO usage root");

    function leaf(bytes32 offer, uint256 spell, uint256 amount) internal pure returns (SumNode memory) {
        return SumNode(keccak256(abi.encode(LEAF, offer, spell, amount)), amount);
    }

    function above(SumNode[] memory level) internal pure returns (SumNode[] memory next) {
        next = new SumNode[]((level.length + 1) / 2);
        for (uint256 i = 0; i < next.length; i++) {
            SumNode memory left = level[2 * i];
            SumNode memory right;
            if (2 * i + 1 < level.length) right = level[2 * i + 1];
            next[i].digest = keccak256(abi.encode(NODE, left.digest, left.amount, right.digest, right.amount));
            next[i].amount = left.amount + right.amount;
        }
    }

    function root(SumNode[] memory leaves) internal pure returns (bytes32) {
        SumNode[] memory level = leaves;
        while (level.length > 1) level = above(level);
        return keccak256(abi.encode(ROOT, leaves.length, level[0].amount, level[0].digest));
    }

    /// mask: bit i is set when leaf i is claimed.
    function proof(SumNode[] memory leaves, uint256 mask) internal pure returns (SumNode[] memory found) {
        SumNode[] memory most = new SumNode[](64);
        uint256 count;
        SumNode[] memory level = leaves;
        while (level.length > 1) {
            uint256 upper;
            for (uint256 i = 0; i < level.length; i++) {
                if (mask >> i & 1 == 0) continue;
                uint256 beside = i ^ 1;
                if (beside < level.length && mask >> beside & 1 == 0) most[count++] = level[beside];
                upper |= 1 << (i / 2);
            }
            (mask, level) = (upper, above(level));
        }
        found = new SumNode[](count);
        for (uint256 i = 0; i < count; i++) found[i] = most[i];
    }
}
