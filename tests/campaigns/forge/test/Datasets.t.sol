// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import "../src/Books.sol";
import "../src/Cast.sol";

/// Adds, takes out, expels, sells, settles and moves works of two datasets at random; knows who was in at each sale.
contract DatasetHandler is Books {
    System internal all;
    address[3] public people;
    address public buyer = address(0x3003);
    Dataset[2] internal sets;
    bytes32[2] public ids;
    Offer[6] internal offers;
    bytes32[6] public offerIds;
    uint256 public constant SETS = 2;
    uint256 public constant OFFERS = 6;
    mapping(uint256 => mapping(uint256 => bool)) public isIn;
    mapping(uint256 => mapping(uint256 => uint32)) public spells;
    mapping(uint256 => mapping(uint256 => uint256)) public owed;
    mapping(address => uint256) public paid;
    mapping(address => uint256) public curators;
    uint256 public paidIn;
    uint256[] public licenses;
    mapping(uint256 => uint256) public setOf;
    mapping(uint256 => mapping(uint256 => uint32)) public spellAt;

    constructor(System memory all_) {
        all = all_;
        for (uint160 i = 0; i < 3; i++) people[i] = address(0x3000 + i);
        for (uint256 i = 0; i < SETS; i++) {
            Dataset memory made;
            (made.curator, made.currency, made.usages, made.aspects) = (address(this), address(all.usd), 1, 1);
            (made.term, made.after_term, made.terms, made.salt) = (3600, 1, bytes32(uint256(7)), bytes32(i));
            made.curator_fee_bps = uint16(i * 333);
            sets[i] = made;
            ids[i] = all.datasets.open(made);
        }
        for (uint256 i = 0; i < OFFERS; i++) {
            address creator = people[i % 3];
            bytes32 digest = bytes32(i + 1);
            vm.prank(creator);
            uint256 work = all.registry.register(creator, WorkInput(digest, digest, 0, 0, address(0), 1, 511));
            Offer memory made;
            (made.work, made.licensor, made.usages, made.aspects) = (work, creator, 3, 511);
            (made.end_ms, made.currency, made.term) = (type(uint32).max, address(all.usd), 3600);
            made.price = uint96(10 ** (i * 4)) + uint96(i);
            (made.after_term, made.supply, made.closes_at) = (1, type(uint32).max, type(uint40).max);
            (made.flags, made.terms) = (1, bytes32(uint256(7)));
            vm.prank(creator);
            offerIds[i] = all.market.post(made);
            offers[i] = made;
        }
    }

    function one(uint256 o) internal view returns (Offer[] memory list) {
        list = new Offer[](1);
        list[0] = offers[o];
    }

    function isOwn(uint256 o) internal view returns (bool) {
        return all.registry.ownerOf(offers[o].work) == offers[o].licensor;
    }

    /// Mostly one for which the step makes sense (in or not, good or not), now and then any.
    function pick(uint256 s, uint256 o, bool wanted, bool good) internal view returns (uint256, uint256) {
        uint256 start = o / 8;
        for (uint256 i = 0; i < SETS * OFFERS && o % 8 != 0; i++) {
            uint256 at = (s + start + i) % (SETS * OFFERS);
            (uint256 set, uint256 offer) = (at / OFFERS, at % OFFERS);
            if (isIn[set][offer] == wanted && (isOwn(offer) && !withdrawn[offer]) == good) return (set, offer);
        }
        return (s % SETS, start % OFFERS);
    }

    function add(uint256 s, uint256 o) public {
        (s, o) = pick(s % 97, o, false, true);
        all.datasets.add(sets[s], one(o));
        check(!isIn[s][o], "added twice");
        isIn[s][o] = true;
        spells[s][o]++;
    }

    function takeOut(uint256 s, uint256 o) external {
        (s, o) = pick(s % 97, o, true, o % 3 != 0);
        address owner = all.registry.ownerOf(offers[o].work);
        vm.prank(owner);
        all.datasets.take_out(owner, ids[s], offers[o]);
        check(isIn[s][o], "taken out, never in");
        isIn[s][o] = false;
    }

    function expel(uint256 s, uint256 o) external {
        bool isBad;
        for (uint256 i = 0; i < OFFERS; i++) if ((isIn[0][i] || isIn[1][i]) && (!isOwn(i) || withdrawn[i])) isBad = true;
        if (!isBad && o % 8 != 0) return add(s, o);
        (s, o) = pick(s % 97, o, true, false);
        bool good = isOwn(o);
        all.datasets.expel(ids[s], offers[o]);
        check(isIn[s][o] && !(good && !withdrawn[o]), "a good member was expelled");
        isIn[s][o] = false;
    }

    mapping(uint256 => bool) public withdrawn;

    function withdrawOffer(uint256 o, uint256 chance) external {
        if (chance % 4 != 0) return postAgain(o);
        o %= OFFERS;
        for (uint256 i = 0; i < OFFERS && withdrawn[o]; i++) o = (o + 1) % OFFERS;
        vm.prank(offers[o].licensor);
        all.market.withdraw_offer(offers[o]);
        withdrawn[o] = true;
    }

    function postAgain(uint256 o) public {
        o %= OFFERS;
        for (uint256 i = 0; i < OFFERS && !(withdrawn[o] && isOwn(o)); i++) o = (o + 1) % OFFERS;
        vm.warp(block.timestamp + 1);
        vm.prank(offers[o].licensor);
        all.market.post(offers[o]);
        withdrawn[o] = false;
    }

    /// Mostly back to whoever offered it, who can post again.
    function moveWork(uint256 o, uint256 to, uint256 chance) external {
        o %= OFFERS;
        if (chance % 4 != 0) to = o;
        address owner = all.registry.ownerOf(offers[o].work);
        vm.warp(block.timestamp + 1);
        vm.prank(owner);
        all.registry.transferFrom(owner, people[to % 3], offers[o].work);
        withdrawn[o] = true; // the offer died with the epoch it was posted in
    }

    function buy(uint256 s) external {
        s %= SETS;
        (,, uint32 members,) = all.datasets.dataset_of(ids[s]);
        if (members == 0) s = 1 - s;
        (uint256 total, uint256 price, uint256 curatorFee,,, bytes32 state) = all.datasets.quote(sets[s]);
        all.usd.mint(buyer, total);
        vm.prank(buyer);
        all.usd.approve(address(all.datasets), total);
        vm.prank(buyer);
        uint256 license = all.datasets.mint(sets[s], buyer, 0, total, state);
        uint256 sum;
        for (uint256 o = 0; o < OFFERS; o++) {
            if (!isIn[s][o]) continue;
            owed[s][o] += offers[o].price;
            sum += offers[o].price;
            spellAt[license][o] = spells[s][o];
        }
        check(sum == price && total == price + curatorFee, "another price than its members'");
        paidIn += total;
        curators[address(this)] += curatorFee;
        licenses.push(license);
        setOf[license] = s;
    }

    function collect(uint256 s, uint256 first, uint256 second) external {
        s %= SETS;
        Offer[] memory list = new Offer[](2);
        (first, second) = (member(s, first), member(s, second));
        (list[0], list[1]) = (offers[first], offers[second]);
        all.datasets.collect(ids[s], list);
        settle(s, first);
        settle(s, second);
    }

    function member(uint256 s, uint256 o) internal view returns (uint256) {
        o %= OFFERS;
        for (uint256 i = 0; i < OFFERS && spells[s][o] == 0; i++) o = (o + 1) % OFFERS;
        return o;
    }

    function settle(uint256 s, uint256 o) internal {
        paid[all.registry.ownerOf(offers[o].work)] += owed[s][o];
        owed[s][o] = 0;
    }

    function licenseCount() external view returns (uint256) {
        return licenses.length;
    }
}

contract DatasetInvariants is Campaign {
    DatasetHandler internal handler;
    System internal all;

    function setUp() external {
        vm.warp(1_800_000_000);
        all = system(address(0));
        handler = new DatasetHandler(all);
        target = address(handler);
    }

    function invariant_members_are_paid_exactly_and_covered_exactly() external view {
        nothingIsBroken();
        uint256 waiting;
        for (uint256 s = 0; s < handler.SETS(); s++) {
            uint256 owed;

            for (uint256 o = 0; o < handler.OFFERS(); o++) {
                owed += handler.owed(s, o);

            }
            bytes32 account = all.vault.sub_account(address(all.datasets), handler.ids(s));
            require(all.vault.balance_of(account, address(all.usd)) == owed, "what waits is what is owed");
            waiting += owed;
        }
        for (uint256 i = 0; i < 3; i++) {
            address who = handler.people(i);
            require(all.vault.balance_of(accountOf(who), address(all.usd)) == handler.paid(who), "paid another sum");
            waiting += handler.paid(who);
        }
        waiting += handler.curators(address(handler));
        require(waiting == handler.paidIn() && all.usd.balanceOf(address(all.vault)) == waiting, "in is not out");
        uint256 sold = handler.licenseCount();
        for (uint256 i = sold > 3 ? sold - 3 : 0; i < sold; i++) {
            uint256 license = handler.licenses(i);
            for (uint256 o = 0; o < handler.OFFERS(); o++) {
                uint32 spell = handler.spellAt(license, o);
                if (spell != 0) require(all.datasets.covers(license, handler.offerIds(o), spell), "not covered");
                uint32 next = handler.spells(handler.setOf(license), o) + 1;
                for (uint32 other = 0; other <= next; other++) {
                    if (other != spell) require(!all.datasets.covers(license, handler.offerIds(o), other), "covered");
                }
            }
        }
    }
}
