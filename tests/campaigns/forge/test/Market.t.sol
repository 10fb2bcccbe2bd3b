// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import "../src/Cast.sol";

/// Registers, offers, sells, withdraws and moves works at random; fees change meanwhile.
contract MarketHandler {
    Vault public vault;
    Registry public registry;
    Market public market;
    Token public usd;
    address[3] public people;
    address public treasury = named("treasury");
    uint256 public calls;
    uint256 public sales;
    Offer[] internal offers;
    mapping(bytes32 => uint256) public sold;
    mapping(uint256 => bool) public known;
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
        calls++;
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
        made.supply = supply % 4 + 1;
        made.closes_at = type(uint40).max;
        made.flags = exclusive ? 4 : 0;
        made.terms = digest;
        vm.prank(creator);
        market.post(made);
        if (sold[market.offer_id(made)] == 0) offers.push(made);
    }

    function buy(uint256 which, uint256 who, uint256 change) external {
        calls++;
        if (offers.length == 0) return;
        Offer memory chosen = offers[which % offers.length];
        address buyer = people[who % 3];
        (uint256 total, uint256 fee, bytes32 acknowledged) = market.quote(chosen);
        uint256 limit = change % 8 == 0 && total > 0 ? total - 1 : total;
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
        require(limit == total, "sold above the buyer's limit");
        require(!known[license], "one license, two sales");
        known[license] = true;
        sales++;
        held[buyer]++;
        sold[market.offer_id(chosen)]++;
        booked[accountOf(registry.ownerOf(chosen.work))][chosen.currency] += chosen.price;
        booked[accountOf(treasury)][chosen.currency] += fee;
        paidIn[chosen.currency] += total;
    }

    function withdrawOffer(uint256 which) external {
        calls++;
        if (offers.length == 0) return;
        Offer memory chosen = offers[which % offers.length];
        vm.prank(chosen.licensor);
        market.withdraw_offer(chosen);
    }

    function moveWork(uint256 which, uint256 to) external {
        calls++;
        if (offers.length == 0) return;
        uint256 work = offers[which % offers.length].work;
        address owner = registry.ownerOf(work);
        vm.prank(owner);
        registry.transferFrom(owner, people[to % 3], work);
    }

    function setFee(uint16 bps) external {
        calls++;
        vm.prank(named("owner"));
        market.set_fee(bps % 300, treasury);
    }

    function later(uint16 seconds_) external {
        calls++;
        vm.warp(block.timestamp + seconds_);
    }
}

contract MarketInvariants {
    MarketHandler internal handler;
    Vault internal vault;
    Market internal market;
    Token internal usd;

    function setUp() external {
        vm.warp(1_800_000_000);
        System memory all = system();
        (vault, market, usd) = (all.vault, all.market, all.usd);
        handler = new MarketHandler(all.vault, all.registry, all.market, all.usd);
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_every_sale_is_one_license_and_pays_its_price() external view {
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
            require(handler.sold(market.offer_id(one)) <= one.supply, "more than its supply");
        }
    }
}
