// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import "../src/Cast.sol";
import {Codes} from "../src/Codes.sol";

interface Cheats {
    function store(address, bytes32, bytes32) external;
    function load(address, bytes32) external view returns (bytes32);
}

Cheats constant cheats = Cheats(address(vm));

/// Vault, registry and market of a proof: notes what is booked and answers as an honest one does.
contract Neighbour {
    uint256 public booked;
    uint256 public times;
    bytes32 public source;
    bytes32 public to;
    address public currency;
    address public owner = address(0xbeef);

    function book(bytes32 salt, bytes32[] calldata accounts, uint256[] calldata amounts, address money) external {
        require(accounts.length == 1 && amounts.length == 1);
        (booked, times, source) = (amounts[0], times + 1, salt);
        (to, currency) = (accounts[0], money);
    }

    function sale_terms(uint256) external view returns (address, uint40, bytes32, address, bytes32, uint16, uint8) {
        return (owner, 0, bytes32(uint256(0xfeed)), address(0), 0, 0, 0);
    }

    function ownerOf(uint256) external view returns (address) {
        return owner;
    }

    function unbundle(uint256) external {}
}

function made(bytes memory code, bytes memory arguments) returns (address where) {
    code = bytes.concat(code, arguments);
    assembly {
        where := create(0, add(code, 0x20), mload(code))
    }
    require(where != address(0));
}

function slotOf(bytes32 slot, bytes32 key) pure returns (bytes32) {
    return keccak256(abi.encode(slot, key));
}

/// A dataset's books, for every word that could stand there.
contract DatasetOwedProofs {
    uint256 internal constant COUNT = type(uint32).max;
    Datasets internal datasets;
    Neighbour internal beside;
    bytes32 internal constant ID = bytes32(uint256(0xda7a) << 32);

    function setUp() public {
        beside = new Neighbour();
        address at = address(beside);
        datasets = Datasets(made(Codes.DatasetMarket, abi.encode(at, at, at, at, at, at, at)));
    }

    function put(bytes32 offer, uint256 member, uint256 dataset) internal returns (bytes32 place) {
        place = slotOf(slotOf(bytes32(Codes.DatasetMarket_members), ID), offer);
        cheats.store(address(datasets), place, bytes32(member));
        cheats.store(address(datasets), slotOf(bytes32(Codes.DatasetMarket_datasets), ID), bytes32(dataset));
    }

    /// What `collect` pays a member is its price for each sale that it is owed: those of ended spells, and of the
    /// running one those since it was settled. After that it is owed none.
    function check_collect(uint96 price, uint256 member, uint256 dataset) public {
        Offer memory offer = offerOf(1, address(0xbeef), ETH, price);
        bytes32 place = put(offerId(offer), member, dataset);
        Offer[] memory list = new Offer[](1);
        list[0] = offer;
        datasets.collect(ID, list);

        uint256 sales = dataset & COUNT;
        uint256 settled = member >> 64 & COUNT;
        uint256 owed = member >> 96 & COUNT;
        if (member >> 160 & 1 == 1) {
            assert(settled <= sales);
            owed += sales - settled;
        }
        uint256 after_ = uint256(cheats.load(address(datasets), place));
        if (owed == 0) {
            assert(beside.times() == 0 && after_ == member);
            return;
        }
        assert(beside.times() == 1 && beside.source() == ID && beside.to() == bytes32(uint256(0xfeed)));
        assert(beside.booked() == owed * price && beside.currency() == ETH);
        uint256 mask = COUNT << 96 | COUNT << 64;
        assert(after_ == (member & ~mask | sales << 64));
    }

    /// Collected twice, paid once.
    function check_collect_twice(uint96 price, uint256 member, uint256 dataset) public {
        Offer memory offer = offerOf(1, address(0xbeef), ETH, price);
        put(offerId(offer), member, dataset);
        Offer[] memory list = new Offer[](1);
        list[0] = offer;
        datasets.collect(ID, list);
        uint256 times = beside.times();
        datasets.collect(ID, list);
        assert(beside.times() == times);
    }

    /// Leaving keeps what is owed as a number of sales, takes the price off the sum and the member off the count.
    function check_leave(uint96 price, uint256 member, uint256 dataset) public {
        Offer memory offer = offerOf(1, address(0xbeef), ETH, price);
        bytes32 place = put(offerId(offer), member, dataset);
        // More sales owed than there were cannot be: lemmas.py.
        unchecked {
            if ((member >> 96 & COUNT) + (dataset & COUNT) - (member >> 64 & COUNT) > COUNT) return;
        }
        vm.prank(address(0xbeef));
        datasets.take_out(address(0xbeef), ID, offer);
        uint256 sales = dataset & COUNT;
        assert(member >> 64 & COUNT <= sales);
        uint256 owed = (member >> 96 & COUNT) + sales - (member >> 64 & COUNT);
        assert(member >> 160 & 1 == 1);
        uint256 after_ = uint256(cheats.load(address(datasets), place));
        assert(after_ >> 160 & 1 == 0 && after_ >> 128 & COUNT == member >> 128 & COUNT);
        assert(after_ >> 96 & COUNT == owed);
        assert(after_ >> 64 & COUNT == sales);
        uint256 word = uint256(cheats.load(address(datasets), slotOf(bytes32(Codes.DatasetMarket_datasets), ID)));
        assert(word == dataset - (uint256(price) << 64) - (1 << 32));
        assert(beside.times() == 0);
    }
}

/// A report's books, for every word, bitmap, amount and node beside.
contract ClaimProofs {
    uint256 internal constant AMOUNT = (1 << 104) - 1;
    Settlement internal settlement;
    Neighbour internal beside;

    function setUp() public {
        beside = new Neighbour();
        address at = address(beside);
        settlement = Settlement(made(Codes.UsageSettlement, abi.encode(at, at, at, at, at, at)));
    }

    struct Setting {
        bytes32 report;
        bytes32 wordAt;
        bytes32 bitsAt;
        Offer offer;
        uint256 license;
    }

    function setting(uint256 word, uint256 bits, uint256 amount, SumNode memory other, uint256 side)
        internal
        returns (Setting memory s)
    {
        s.offer = offerOf(1, address(0xbeef), ETH, 0);
        bytes32 root = rootOf(SumTree.leaf(offerId(s.offer), 0, amount), other, side);
        s.license = uint256(offerId(s.offer)) | 1;
        s.report = settlement.report_id(address(beside), s.license, 1);
        s.wordAt = slotOf(bytes32(Codes.UsageSettlement_reports), s.report);
        cheats.store(address(settlement), s.wordAt, bytes32(word));
        cheats.store(address(settlement), slotOf(bytes32(Codes.UsageSettlement_roots), s.report), root);
        bytes32 bitmap = keccak256(abi.encode(s.report, root));
        s.bitsAt = slotOf(slotOf(bytes32(Codes.UsageSettlement_claimed), bitmap), 0);
        cheats.store(address(settlement), s.bitsAt, bytes32(bits));
    }

    /// side: 0 and 1 of two leaves, 2 of one alone.
    function rootOf(SumNode memory leaf, SumNode memory other, uint256 side) internal pure returns (bytes32) {
        if (side == 2) return keccak256(abi.encode(SumTree.ROOT, 1, leaf.amount, leaf.digest));
        (SumNode memory left, SumNode memory right) = side == 0 ? (leaf, other) : (other, leaf);
        bytes32 top = keccak256(abi.encode(SumTree.NODE, left.digest, left.amount, right.digest, right.amount));
        unchecked {
            return keccak256(abi.encode(SumTree.ROOT, 2, leaf.amount + other.amount, top));
        }
    }

    function claimed(Setting memory s, uint256 amount, uint32 index, SumNode[] memory proof, uint32 count)
        internal
        returns (uint256)
    {
        UsageLeaf[] memory leaves = new UsageLeaf[](1);
        leaves[0] = UsageLeaf(index, 0, amount, s.offer);
        return settlement.claim(address(beside), s.license, 1, count, leaves, proof);
    }

    /// After a claim that went through.
    function check(Setting memory s, uint256 word, uint256 bits, uint256 amount, uint256 index, uint256 paid)
        internal
        view
    {
        uint256 total = word & AMOUNT;
        uint256 before = word >> 104 & AMOUNT;
        assert(word >> 248 & (8 | 16) == 0 && block.timestamp >= word >> 208 & (1 << 40) - 1);
        assert(amount <= total);
        uint256 after_ = uint256(cheats.load(address(settlement), s.wordAt));
        uint256 bitsAfter = uint256(cheats.load(address(settlement), s.bitsAt));
        if (bits >> index & 1 == 1 || amount == 0) {
            assert(paid == 0 && beside.times() == 0 && after_ == word && bitsAfter == bits);
            return;
        }
        assert(paid == amount && before + paid <= total);
        assert(after_ >> 104 & AMOUNT == before + paid && after_ & AMOUNT == total && after_ >> 208 == word >> 208);
        assert(bitsAfter == bits | 1 << index);
        assert(beside.times() == 1 && beside.booked() == paid && beside.source() == s.report);
        assert(beside.to() == bytes32(uint256(0xfeed)));
    }

    /// The only leaf of a tree: it is paid once, at its amount, which is all that the report brought, or not at all.
    function check_a_claim_of_one(uint256 word, uint256 bits, uint256 amount) public {
        Setting memory s = setting(word, bits, amount, SumNode(0, 0), 2);
        uint256 paid = claimed(s, amount, 0, new SumNode[](0), 1);
        assert(amount == word & AMOUNT);
        check(s, word, bits, amount, 0, paid);
    }

    /// One of two leaves, beside any other: never more than its amount, never beyond what the report brought.
    function check_a_claim_of_two(uint256 word, uint256 bits, uint256 amount, SumNode memory other, bool isRight)
        public
    {
        uint32 index = isRight ? 1 : 0;
        Setting memory s = setting(word, bits, amount, other, index);
        SumNode[] memory proof = new SumNode[](1);
        proof[0] = other;
        uint256 paid = claimed(s, amount, index, proof, 2);
        assert(other.amount <= word & AMOUNT && amount + other.amount == word & AMOUNT);
        check(s, word, bits, amount, index, paid);
    }

    /// A leaf that was paid is never paid again.
    function check_a_claim_twice(uint256 word, uint256 bits, uint256 amount) public {
        Setting memory s = setting(word, bits, amount, SumNode(0, 0), 2);
        claimed(s, amount, 0, new SumNode[](0), 1);
        uint256 times = beside.times();
        assert(claimed(s, amount, 0, new SumNode[](0), 1) == 0);
        assert(beside.times() == times);
    }
}
