// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import "../src/Cast.sol";
import {Codes} from "../src/Codes.sol";

struct Fields {
    bool live;
    uint32 sold;
    uint40 postedAt;
    uint16 usages;
    uint16 aspects;
    uint16 forbids;
    uint16 share;
    uint32 start;
    uint32 end;
    uint8 afterTerm;
    uint8 flags;
}

interface Packing {
    function packed(Offer calldata, uint256) external view returns (uint256);
    function fields(uint256) external pure returns (Fields memory);
    function is_one_bit(uint16) external pure returns (bool);
    function issue(address, uint256, bool, uint256) external;
    function read(uint256) external view returns (address, uint256, uint256, uint256);
    function runs_at(uint256, uint256) external view returns (bool);
}

function create(bytes memory code) returns (address where) {
    assembly {
        where := create(0, add(code, 0x20), mload(code))
    }
    require(where != address(0));
}

/// For all inputs, not for many: each `check_` is proven by halmos on the compiled bytecode.
contract PackingProofs {
    Packing internal packing;

    function setUp() public {
        packing = Packing(create(Codes.Packing));
    }

    /// What is read of an offer's word is what was posted, whatever the fields; what was sold stays.
    function check_an_offers_word(Offer memory offer, uint256 before) public view {
        Fields memory read = packing.fields(packing.packed(offer, before));
        assert(read.live);
        assert(read.sold == uint32(before));
        assert(read.postedAt == uint40(block.timestamp));
        assert(read.usages == offer.usages && read.aspects == offer.aspects && read.forbids == offer.forbids);
        assert(read.share == offer.revenue_share_bps && read.start == offer.start_ms && read.end == offer.end_ms);
        assert(read.afterTerm == offer.after_term && read.flags == offer.flags);
    }

    /// Owner, expiry and flags of a license do not touch one another.
    function check_a_licenses_word(address to, uint256 license, bool locked, uint40 expiresAt) public {
        if (to == address(0)) return;
        packing.issue(to, license, locked, expiresAt);
        (address owner, uint256 issued, uint256 expires, uint256 flags) = packing.read(license);
        assert(owner == to);
        assert(issued == block.timestamp && expires == expiresAt && flags == (locked ? 1 : 0));
    }

    /// A term ends exactly when it says; the highest value never.
    function check_a_term(address to, uint256 license, uint40 expiresAt, uint256 at) public {
        if (to == address(0)) return;
        packing.issue(to, license, false, expiresAt);
        assert(packing.runs_at(license, at) == (at < expiresAt || expiresAt == type(uint40).max));
    }

    function check_one_bit(uint16 mask) public view {
        uint256 bits;
        for (uint256 i = 0; i < 16; i++) bits += (mask >> i) & 1;
        assert(packing.is_one_bit(mask) == (bits == 1));
    }
}

/// Money in the vault. Amounts below 2**96, as prices are.
contract VaultProofs {
    Vault internal vault;

    function setUp() public {
        vault = Vault(create(Codes.RoyaltyVault));
    }

    function credited(bytes32 account, uint256 amount) internal {
        bytes32[] memory to = new bytes32[](1);
        uint256[] memory amounts = new uint256[](1);
        (to[0], amounts[0]) = (account, amount);
        vm.deal(address(this), amount);
        vault.credit{value: amount}(to, amounts, ETH);
    }

    /// Of any amount and any division among two, each gets the floor of its share and the rest stays with the split.
    /// That floors of shares never sum to more than the whole is proven apart, in lemmas.py.
    function check_a_split_of_two(uint96 amount, uint32 first) public {
        if (first == 0 || first >= 1_000_000) return;
        Share[] memory shares = new Share[](2);
        shares[0] = Share(bytes32(uint256(0xa)), first);
        shares[1] = Share(bytes32(uint256(0xb)), 1_000_000 - first);
        checkDistribution(shares, amount);
    }

    function check_a_split_of_three(uint96 amount) public {
        Share[] memory shares = new Share[](3);
        shares[0] = Share(bytes32(uint256(0xa)), 333_334);
        shares[1] = Share(bytes32(uint256(0xb)), 333_333);
        shares[2] = Share(bytes32(uint256(0xc)), 333_333);
        checkDistribution(shares, amount);
    }

    function checkDistribution(Share[] memory shares, uint256 amount) internal {
        bytes32 split = vault.declare_split(shares, address(0));
        credited(split, amount);
        uint256 total = vault.distribute(shares, address(0), ETH);
        unchecked {
            uint256 sum;
            for (uint256 i = 0; i < shares.length; i++) {
                uint256 part = amount * shares[i].share / 1_000_000;
                assert(vault.balance_of(shares[i].account, ETH) == part);
                sum += part;
            }
            assert(total == sum);
            assert(vault.balance_of(split, ETH) == amount - sum);
        }
    }

    /// A credit books exactly what came, to exactly whom it names.
    function check_a_credit(address one, address other, uint96 amount) public {
        if (one == address(0) || other == address(0) || one == other) return;
        credited(accountOf(one), amount);
        assert(vault.balance_of(accountOf(one), ETH) == amount);
        assert(vault.balance_of(accountOf(other), ETH) == 0);
        assert(address(vault).balance == amount);
    }
}
