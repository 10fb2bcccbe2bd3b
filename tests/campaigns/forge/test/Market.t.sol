// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import "../src/Books.sol";
import "../src/Cast.sol";

/// Registers, offers, sells, withdraws and moves works at random; fees change meanwhile.
contract MarketHandler is Books {
    Vault public vault;
    Registry public registry;
    Market public market;
    Token public usd;
    address[3] public people;
    address public treasury = named("treasury");
    uint256 public sales;
    Offer[] internal offers;
    mapping(bytes32 => uint256) public sold;
    mapping(uint256 => bool) public known;
    mapping(bytes32 => bool) internal isKnown;
    mapping(uint256 => uint256) internal blocked; // work: until when an exclusive license runs, and on which usages
    mapping(uint256 => uint16) internal blockedUsages;
    mapping(bytes32 => bool) internal isDead; // withdrawn, or its work has moved since
    mapping(address => uint256) public held;
    mapping(bytes32 => mapping(address => uint256)) public booked;
    mapping(address => uint256) public paidIn;

    constructor(Vault vault_, Registry registry_, Market market_, Token usd_) {
        (vault, registry, market, usd) = (vault_, registry_, market_, usd_);
        for (uint160 i = 0; i < 3; i++) people[i] = address(0x2000 + i);
    }

    function count() external view returns (uint256) {
        return offers.length;
    }

    function offerAt(uint256 i) external view returns (Offer memory) {
        return offers[i];
    }

    function offer(uint256 who, uint8 content, uint96 price, uint8 usages, bool isEth, uint32 supply, bool exclusive)
        external
    {
        address creator = people[who % 3];
        bytes32 digest = bytes32(uint256(content % 8) + 1);
        uint256 work = uint256(keccak256(abi.encode(creator, digest)));
        (bool exists, bytes memory owner) = address(registry).staticcall(abi.encodeCall(Registry.ownerOf, (work)));
        if (!exists) {
            vm.prank(creator);
            registry.register(creator, WorkInput(digest, digest, 0, 0, address(0), 1, 511));
        } else {
            creator = abi.decode(owner, (address));
        }
        Offer memory made;
        made.work = work;
        made.licensor = creator;
        made.usages = usages == 0 ? 1 : usages;
        made.aspects = 1;
        made.end_ms = type(uint32).max;
        made.currency = isEth ? ETH : address(usd);
        made.price = price;
        made.term = 3600;
        made.after_term = 1;
        made.supply = supply % 8 + 1;
        made.closes_at = type(uint40).max;
        made.flags = exclusive && content % 4 == 0 ? 4 : 0;
        made.terms = digest;
        vm.prank(creator);
        market.post(made);
        if (!isKnown[offerId(made)]) offers.push(made);
        isKnown[offerId(made)] = true;
        isDead[offerId(made)] = false;
    }

    /// Mostly one that can be sold, now and then any.
    function some(uint256 which) internal view returns (Offer memory) {
        uint256 start = which / 8 % offers.length;
        for (uint256 i = 0; i < offers.length && i < 16 && which % 8 != 0; i++) {
            Offer storage one = offers[(start + i) % offers.length];
            bytes32 id = offerId(one);
            if (isDead[id] || blocked[one.work] > block.timestamp) continue;
            if (sold[id] < one.supply && registry.ownerOf(one.work) == one.licensor) return one;
        }
        return offers[start];
    }

    function buy(uint256 which, uint256 who, uint256 change) public {
        Offer memory chosen = some(which);
        address buyer = people[who % 3];
        (uint256 total, uint256 fee, bytes32 acknowledged) = market.quote(chosen);
        uint256 limit = change % 16 == 0 && total > 0 ? total - 1 : total;
        uint256 license;
        if (chosen.currency == ETH) {
            vm.deal(buyer, total);
            vm.prank(buyer);
            license = market.mint{value: total}(chosen, buyer, 0, limit, acknowledged);
        } else {
            usd.mint(buyer, total);
            vm.prank(buyer);
            usd.approve(address(market), total);
            vm.prank(buyer);
            license = market.mint(chosen, buyer, 0, limit, acknowledged);
        }
        check(limit == total, "sold above the buyer's limit");
        enter(chosen, buyer, license, fee);
    }

    function enter(Offer memory chosen, address buyer, uint256 license, uint256 fee) internal {
        check(!known[license], "one license, two sales");
        known[license] = true;
        sales++;
        held[buyer]++;
        sold[offerId(chosen)]++;
        check(
            blocked[chosen.work] <= block.timestamp || chosen.usages & blockedUsages[chosen.work] == 0,
            "sold beside an exclusive license"
        );
        if (chosen.flags == 4) {
            if (blocked[chosen.work] <= block.timestamp) blockedUsages[chosen.work] = 0;
            blocked[chosen.work] = block.timestamp + chosen.term;
            blockedUsages[chosen.work] |= chosen.usages;
        }
        booked[accountOf(registry.ownerOf(chosen.work))][chosen.currency] += chosen.price;
        booked[accountOf(treasury)][chosen.currency] += fee;
        paidIn[chosen.currency] += chosen.price + fee;
    }

    /// Two or three in one transaction, perhaps one of them twice.
    function buyMany(uint256 which, uint256 who, uint256 change) external {
        Offer[] memory chosen = new Offer[](2 + change % 2);
        bytes32[] memory acknowledged = new bytes32[](chosen.length);
        uint256[] memory fees = new uint256[](chosen.length);
        uint256 total;
        for (uint256 i = 0; i < chosen.length; i++) {
            // Steps of one place from a start that they share.
            chosen[i] = some(which % type(uint128).max + (change % 4 == 0 ? 0 : 8 * i));
            uint256 due;
            (due, fees[i], acknowledged[i]) = market.quote(chosen[i]);
            total += due;
        }
        address buyer = people[who % 3];
        bool isEth = chosen[0].currency == ETH;
        if (isEth) {
            vm.deal(buyer, total);
        } else {
            usd.mint(buyer, total);
            vm.prank(buyer);
            usd.approve(address(market), total);
        }
        vm.prank(buyer);
        uint256[] memory ids = market.mint_many{value: isEth ? total : 0}(chosen, buyer, 0, total, acknowledged);
        for (uint256 i = 0; i < chosen.length; i++) {
            check(chosen[i].currency == chosen[0].currency, "sold in two currencies at once");
            enter(chosen[i], buyer, ids[i], fees[i]);
        }
    }

    function withdrawOffer(uint256 which) external {
        if (which % 4 != 0) return buy(which / 4, which, 1);
        Offer memory chosen = some(which);
        vm.prank(chosen.licensor);
        market.withdraw_offer(chosen);
        isDead[offerId(chosen)] = true;
    }

    function moveWork(uint256 which, uint256 to) external {
        if (which % 4 != 0) return buy(which / 4, to, 1);
        uint256 work = offers[which % offers.length].work;
        if (to % 2 == 0) to = uint160(offers[which % offers.length].licensor) - 0x2000; // back to who offered it
        address owner = registry.ownerOf(work);
        vm.prank(owner);
        registry.transferFrom(owner, people[to % 3], work);
        for (uint256 i = 0; i < offers.length; i++) if (offers[i].work == work) isDead[offerId(offers[i])] = true;
    }

    function setFee(uint16 bps) external {
        vm.prank(named("owner"));
        market.set_fee(bps % 300, treasury);
    }

    function later(uint16 seconds_) external {
        vm.warp(block.timestamp + seconds_);
    }
}

contract MarketInvariants is Campaign {
    MarketHandler internal handler;
    Vault internal vault;
    Market internal market;
    Token internal usd;

    function setUp() external {
        vm.warp(1_800_000_000);
        System memory all = system(address(0));
        (vault, market, usd) = (all.vault, all.market, all.usd);
        handler = new MarketHandler(all.vault, all.registry, all.market, all.usd);
        target = address(handler);
    }

    function invariant_every_sale_is_one_license_and_pays_its_price() external view {
        nothingIsBroken();
        paidInIsWhatTheVaultHolds();
        payeesGetExactlyThePrice();
        everyLicenseIsOneSaleInSupply();
    }

    function paidInIsWhatTheVaultHolds() internal view {
        require(address(vault).balance == handler.paidIn(ETH), "ETH");
        require(usd.balanceOf(address(vault)) == handler.paidIn(address(usd)), "USD");
    }

    function payeesGetExactlyThePrice() internal view {
        for (uint256 i = 0; i < 4; i++) {
            bytes32 account = accountOf(i < 3 ? handler.people(i) : handler.treasury());
            require(vault.balance_of(account, ETH) == handler.booked(account, ETH), "ETH");
            require(vault.balance_of(account, address(usd)) == handler.booked(account, address(usd)), "USD");
        }
    }

    function everyLicenseIsOneSaleInSupply() internal view {
        uint256 all;
        for (uint256 i = 0; i < 3; i++) {
            address who = handler.people(i);
            require(market.balanceOf(who) == handler.held(who), "a license nobody sold");
            all += handler.held(who);
        }
        require(all == handler.sales(), "sales");
        uint256 number = handler.count();
        for (uint256 i = 0; i < number; i++) {
            Offer memory one = handler.offerAt(i);
            require(handler.sold(offerId(one)) <= one.supply, "more than its supply");
        }
    }
}
