// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import "../src/Books.sol";
import "../src/Cast.sol";

uint256 constant EVERY = 30 days;
uint256 constant GRACE = 14 days;
uint256 constant WINDOW = 7 days;
uint256 constant FINAL_WINDOW = 30 days;

/// A report as its maker knows it. total: what its tree shares out, of which so much was paid.
struct Told {
    uint256 total;
    uint256 paid;
    uint256 opensAt;
    uint256 left;
    bool isHeld;
    bool isVoid;
    bool isFinal;
    bytes32 root;
    uint256[] shares;
}

struct License {
    uint256 id;
    address market;
    address currency;
    uint256 through;
    uint256 late;
    uint256 last; // the number of the last final report, if nothing came after it
    uint256 brought;
    uint256 paidOut;
}

/// Reports, challenges, rulings and claims at random, over two licenses of one offer each (in ETH and in a token) and
/// two of a dataset of three works, one of which had left before the second was sold. This contract holds the licenses
/// and is the ruler; a thief tries what is not its own.
contract SettlementHandler is Books {
    System internal all;
    License[4] internal licenses;
    Told[][4] internal told;
    Offer[5] internal offers; // 0 and 1 of their own licenses, the others of the dataset
    bytes32[5] internal offerIds;
    Dataset internal dataset;
    uint256 internal held; // bit i: the work of offer i is on hold
    address internal constant THIEF = address(0xbad);
    mapping(bytes32 => mapping(bytes32 => mapping(uint256 => bool))) internal isPaid; // report, root, leaf
    mapping(uint256 => uint256) public earned; // by offer

    constructor() {
        all = system(address(this));
        for (uint256 i = 0; i < 5; i++) {
            address creator = creatorOf(i);
            Offer memory made =
                offerOf(registered(all.registry, creator, i + 1), creator, i == 0 ? ETH : address(all.usd), 0);
            (made.revenue_share_bps, made.report_every, made.flags) = (300, uint32(EVERY), i < 2 ? 0 : 1);
            vm.prank(creator);
            offerIds[i] = all.market.post(made);
            offers[i] = made;
        }
        for (uint256 i = 0; i < 2; i++) {
            (,, bytes32 acknowledged) = all.market.quote(offers[i]);
            uint256 id = all.market.mint(offers[i], address(this), 0, 0, acknowledged);
            licenses[i] = License(id, address(all.market), offers[i].currency, block.timestamp, 0, 0, 0, 0);
        }
        (dataset.curator, dataset.currency, dataset.usages, dataset.aspects) = (address(this), address(all.usd), 1, 1);
        (dataset.term, dataset.after_term, dataset.terms) = (3600, 1, bytes32(uint256(7)));
        (dataset.revenue_share_bps, dataset.report_every) = (300, uint32(EVERY));
        bytes32 number = all.datasets.open(dataset);
        Offer[] memory members = new Offer[](3);
        for (uint256 i = 0; i < 3; i++) members[i] = offers[i + 2];
        all.datasets.add(dataset, members);
        for (uint256 i = 2; i < 4; i++) {
            (,,,,, bytes32 state) = all.datasets.quote(dataset);
            uint256 id = all.datasets.mint(dataset, address(this), 0, 0, state);
            licenses[i] = License(id, address(all.datasets), address(all.usd), block.timestamp, 0, 0, 0, 0);
            if (i == 2) {
                vm.prank(creatorOf(2));
                all.datasets.take_out(creatorOf(2), number, offers[2]);
            }
        }
    }

    function creatorOf(uint256 offer) internal pure returns (address) {
        return address(uint160(0x4000 + offer));
    }

    // ---- what a license is

    /// Which offer a leaf names: the license's own, or the dataset's members in turn.
    function offerAt(uint256 which, uint256 place) internal pure returns (uint256) {
        return which < 2 ? which : 2 + place % 3;
    }

    function isCovered(uint256 which, uint256 place) internal pure returns (bool) {
        return which != 3 || place % 3 != 0;
    }

    function spellOf(uint256 which) internal pure returns (uint32) {
        return which < 2 ? 0 : 1;
    }

    function dueAt(uint256 which) public view returns (uint256) {
        License storage license = licenses[which];
        if (license.last != 0 && !told[which][license.last - 1].isVoid) return type(uint256).max;
        return license.through + EVERY + GRACE;
    }

    function idOf(uint256 which, uint256 place) internal view returns (bytes32) {
        return all.settlement.report_id(licenses[which].market, licenses[which].id, uint32(place + 1));
    }

    function some(uint256 which, uint256 number) internal view returns (uint256, uint256) {
        which %= 4;
        for (uint256 i = 0; i < 4 && told[which].length == 0; i++) which = (which + 1) % 4;
        uint256 count = told[which].length;
        // Mostly one of the last few: the others are settled.
        uint256 recent = count < 4 ? count : 4;
        return (which, number % 8 == 0 ? number / 8 % count : count - 1 - number / 8 % recent);
    }

    // ---- trees

    function sharesOf(uint256 seed) internal pure returns (uint256[] memory shares) {
        shares = new uint256[](seed % 5 + 1);
        uint256[5] memory sizes = [uint256(0), 1, 3, 500, 1e18];
        for (uint256 i = 0; i < shares.length; i++) shares[i] = sizes[(seed >> (8 * (i + 1))) % 5];
    }

    function sumOf(uint256[] memory shares) internal pure returns (uint256 sum) {
        for (uint256 i = 0; i < shares.length; i++) sum += shares[i];
    }

    function treeOf(uint256 which, uint256[] memory shares) internal view returns (SumNode[] memory leaves) {
        leaves = new SumNode[](shares.length);
        for (uint256 i = 0; i < shares.length; i++) {
            leaves[i] = SumTree.leaf(offerIds[offerAt(which, i)], spellOf(which), shares[i]);
        }
    }

    function rootOf(uint256 which, uint256[] memory shares) internal view returns (bytes32) {
        return sumOf(shares) == 0 ? bytes32(0) : SumTree.root(treeOf(which, shares));
    }

    // ---- reports

    function report(uint256 which, uint256 seed, uint256 ends, uint256 twist) external {
        which %= 4;
        License storage license = licenses[which];
        uint256[] memory shares = sharesOf(seed);
        UsageReport memory said;
        (said.license, said.number) = (license.id, uint32(told[which].length + 1));
        said.through = uint40(ends % 4 == 0 ? license.through : block.timestamp - ends % 3);
        said.flags = ends % 7 == 0 ? 1 : 0;
        (said.total, said.root) = (uint104(sumOf(shares)), rootOf(which, shares));
        said.manifest = bytes32(seed | 1);
        address by = address(this);
        // Everything that must be refused.
        twist %= 64;
        if (twist == 1) by = THIEF;
        if (twist == 2) said.number++;
        if (twist == 3) said.number--;
        if (twist == 4) said.through = uint40(block.timestamp + 1);
        if (twist == 5) said.flags = 2;
        if (twist == 6) said.total++;
        uint256 brought = twist == 6 ? said.total - 1 : said.total;
        bytes32 id = send(which, said, by, brought);
        check(twist == 0 || twist > 6, "a report that is none");
        check(id == idOf(which, said.number - 1), "a report of another name");
        check(said.through >= license.through && said.through <= block.timestamp, "a period twice, or not over");
        enter(which, said, shares);
    }

    function send(uint256 which, UsageReport memory said, address by, uint256 brought) internal returns (bytes32) {
        uint256 value;
        if (licenses[which].currency == ETH) {
            vm.deal(by, brought);
            value = brought;
        } else {
            all.usd.mint(by, brought);
            vm.prank(by);
            all.usd.approve(address(all.settlement), brought);
        }
        vm.prank(by);
        if (which < 2) return all.settlement.report{value: value}(offers[which], said);
        return all.settlement.report_dataset{value: value}(dataset, said);
    }

    function enter(uint256 which, UsageReport memory said, uint256[] memory shares) internal {
        License storage license = licenses[which];
        bool isFinal = said.flags == 1;
        if (said.through > license.through || isFinal) {
            if (block.timestamp > dueAt(which)) license.late++;
            license.last = isFinal ? said.number : 0;
        }
        license.through = said.through;
        license.brought += said.total;
        Told storage made = told[which].push();
        (made.total, made.isFinal, made.root, made.shares) = (said.total, isFinal, said.root, shares);
        made.opensAt = block.timestamp + (isFinal ? FINAL_WINDOW : WINDOW);
    }

    function restate(uint256 which, uint256 number, uint256 seed, bool byThief) external {
        (which, number) = isVoidNear(which, number);
        Told storage it = told[which][number];
        if (!it.isVoid && seed % 4 != 0) ruleOn(which, number, new uint256[](1), 0);
        uint256[] memory shares = new uint256[](2);
        shares[0] = it.total == 0 ? 0 : seed % it.total;
        shares[1] = it.total - shares[0];
        bytes32 root = rootOf(which, shares);
        address by = byThief && seed % 4 == 0 ? THIEF : address(this);
        License storage license = licenses[which];
        vm.prank(by);
        all.settlement.restate(by, license.market, license.id, uint32(number + 1), root, bytes32(seed | 1));
        check(by == address(this) && it.isVoid, "restated by a thief, or what stands");
        (it.isVoid, it.root, it.shares) = (false, root, shares);
        it.opensAt = block.timestamp + (it.isFinal ? FINAL_WINDOW : WINDOW);
    }

    function isVoidNear(uint256 which, uint256 number) internal view returns (uint256, uint256) {
        (uint256 first, uint256 place) = some(which, number);
        for (uint256 i = 0; i < 4; i++) {
            uint256 license = (first + i) % 4;
            for (uint256 back = told[license].length; back != 0 && back + 6 > told[license].length; back--) {
                if (told[license][back - 1].isVoid) return (license, back - 1);
            }
        }
        return (first, place);
    }

    // ---- challenges

    function hold(uint256 which, uint256 number) external {
        (which, number) = challengeable(which, number);
        Told storage it = told[which][number];
        all.settlement.hold_report(idOf(which, number), !it.isHeld);
        if (it.isHeld) {
            it.opensAt = block.timestamp + it.left;
        } else {
            check(block.timestamp < it.opensAt && !it.isVoid, "held when nothing can be held");
            it.left = it.opensAt - block.timestamp;
        }
        it.isHeld = !it.isHeld;
    }

    /// One that is held or can be, if there is one near.
    function challengeable(uint256 which, uint256 number) internal view returns (uint256, uint256) {
        (uint256 first, uint256 place) = some(which, number);
        for (uint256 i = 0; i < 4; i++) {
            uint256 license = (first + i) % 4;
            for (uint256 back = told[license].length; back != 0 && back + 4 > told[license].length; back--) {
                Told storage it = told[license][back - 1];
                if (it.isHeld || (!it.isVoid && block.timestamp < it.opensAt)) return (license, back - 1);
            }
        }
        return (first, place);
    }

    /// No root, one that shares out what is left, or one that does not.
    function rule(uint256 which, uint256 number, uint256 seed) external {
        (which, number) = some(which, number);
        Told storage it = told[which][number];
        uint256 left = it.total - it.paid;
        uint256[] memory shares = sharesOf(seed);
        if (seed % 3 == 0) {
            shares = new uint256[](3);
            shares[0] = left / 3;
            shares[2] = left - left / 3;
        }
        bytes32 root = seed % 4 == 0 ? bytes32(0) : rootOf(which, shares);
        ruleOn(which, number, shares, root);
    }

    function ruleOn(uint256 which, uint256 number, uint256[] memory shares, bytes32 root) internal {
        Told storage it = told[which][number];
        uint256 left = it.total - it.paid;
        all.settlement.void_report(idOf(which, number), root);
        check(root == 0 || left != 0, "nothing was shared out anew");
        (it.total, it.paid, it.isHeld, it.isVoid) = (left, 0, false, root == 0);
        (it.root, it.shares, it.opensAt) = (root, shares, block.timestamp);
    }

    /// Whoever is not the ruler rules nothing.
    function meddle(uint256 which, uint256 number, bool voids) external {
        (which, number) = some(which, number);
        bytes32 id = idOf(which, number);
        bytes memory call =
            voids ? abi.encodeCall(Settlement.void_report, (id, 0)) : abi.encodeCall(Settlement.hold_report, (id, true));
        vm.prank(THIEF);
        (bool isDone,) = address(all.settlement).call(call);
        check(!isDone, "a thief ruled");
    }

    // ---- claims

    struct Attempt {
        bytes32 id;
        uint256 mask;
        uint256 expected;
        uint256[5] byOffer;
        bool mustFail;
    }

    function claim(uint256 which, uint256 number, uint256 mask, uint256 twist) external {
        (which, number) = claimable(which, number);
        Told storage it = told[which][number];
        uint256[] memory shares = it.shares;
        Attempt memory at;
        at.mask = mask % (1 << shares.length);
        if (which == 3 && twist % 4 != 0) at.mask &= ~uint256(9); // places 0 and 3 are not covered
        if (at.mask == 0) at.mask = 1 << (shares.length - 1);
        at.id = idOf(which, number);
        at.mustFail = it.isHeld || it.isVoid || block.timestamp < it.opensAt || it.root == 0
            || sumOf(shares) != it.total;
        UsageLeaf[] memory leaves = leavesOf(which, it, shares, at);
        SumNode[] memory proof = SumTree.proof(treeOf(which, shares), at.mask);
        at.mustFail = forge(leaves, proof, shares, which < 2, twist % 64) || at.mustFail;
        License storage license = licenses[which];
        uint256 paid = all.settlement.claim(
            license.market, license.id, uint32(number + 1), uint32(shares.length), leaves, proof
        );
        check(!at.mustFail, "paid what cannot be claimed");
        check(paid == at.expected, "paid another sum than the leaves that were due");
        it.paid += paid;
        check(it.paid <= it.total, "paid more than the report brought");
        license.paidOut += paid;
        for (uint256 i = 0; i < 5; i++) earned[i] += at.byOffer[i];
        for (uint256 i = 0; i < shares.length; i++) {
            if (at.mask >> i & 1 == 1 && held >> offerAt(which, i) & 1 == 0 && shares[i] != 0) {
                isPaid[at.id][it.root][i] = true;
            }
        }
    }

    /// The leaves of a mask; what they should pay, and whether one is not the license's to pay.
    function leavesOf(uint256 which, Told storage it, uint256[] memory shares, Attempt memory at)
        internal
        view
        returns (UsageLeaf[] memory leaves)
    {
        uint256 count;
        for (uint256 i = 0; i < shares.length; i++) count += at.mask >> i & 1;
        leaves = new UsageLeaf[](count);
        count = 0;
        for (uint256 i = 0; i < shares.length; i++) {
            if (at.mask >> i & 1 == 0) continue;
            uint256 offer = offerAt(which, i);
            leaves[count++] = UsageLeaf(uint32(i), spellOf(which), shares[i], offers[offer]);
            if (shares[i] == 0 || isPaid[at.id][it.root][i]) continue;
            if (!isCovered(which, i)) at.mustFail = true;
            if (held >> offer & 1 == 1) continue;
            at.expected += shares[i];
            at.byOffer[offer] += shares[i];
        }
    }

    /// A thief's change to a true claim; whether it is one that must be refused.
    function forge(
        UsageLeaf[] memory leaves,
        SumNode[] memory proof,
        uint256[] memory shares,
        bool isOneOffer,
        uint256 twist
    ) internal view returns (bool) {
        UsageLeaf memory last = leaves[leaves.length - 1];
        if (twist == 1) {
            last.amount++;
        } else if (twist == 2) {
            uint256 next = last.index + 1;
            // Where the next leaf is just such a one, this would be a true claim.
            if (isOneOffer && next < shares.length && shares[next] == last.amount) return false;
            last.index++;
        } else if (twist == 3) {
            last.spell++;
        } else if (twist == 4) {
            last.offer = last.offer.work == offers[0].work ? offers[1] : offers[0];
        } else if (twist == 5 && leaves.length > 1) {
            leaves[leaves.length - 1] = leaves[0];
        } else if (twist == 6 && proof.length != 0 && proof[0].amount != 0) {
            last.amount++;
            proof[0].amount--;
        } else {
            return false;
        }
        return true;
    }

    /// One that can be claimed, if there is one near.
    function claimable(uint256 which, uint256 number) internal view returns (uint256, uint256) {
        (uint256 first, uint256 place) = some(which, number);
        if (number % 5 == 0) return (first, place);
        for (uint256 i = 0; i < 4; i++) {
            uint256 license = (first + i) % 4;
            for (uint256 back = told[license].length; back != 0 && back + 8 > told[license].length; back--) {
                Told storage it = told[license][back - 1];
                if (it.isHeld || it.isVoid || block.timestamp < it.opensAt || it.paid == it.total) continue;
                if (sumOf(it.shares) != it.total) continue; // a ruling that shares out another sum
                return (license, back - 1);
            }
        }
        return (first, place);
    }

    function holdWork(uint256 offer) external {
        offer %= 5;
        held ^= 1 << offer;
        all.registry.hold(offers[offer].work, held >> offer & 1 == 1 ? type(uint40).max : 0);
    }

    function later(uint256 how) external {
        uint256[6] memory waits = [uint256(1), 1 days, 3 days, WINDOW, EVERY, EVERY + GRACE];
        vm.warp(block.timestamp + waits[how % 6]);
    }

    // ---- for the invariant

    function checkMoney() external view {
        uint256[2] memory waiting;
        for (uint256 i = 0; i < 4; i++) {
            License storage license = licenses[i];
            uint256 here;
            for (uint256 j = 0; j < told[i].length; j++) {
                Told storage it = told[i][j];
                uint256 left = it.total - it.paid;
                bytes32 account = all.vault.sub_account(address(all.settlement), idOf(i, j));
                require(all.vault.balance_of(account, license.currency) == left, "a report holds another sum");
                here += left;
            }
            require(here + license.paidOut == license.brought, "a license's money in is not out plus held");
            waiting[i == 0 ? 0 : 1] += here;
        }
        uint256 usd;
        for (uint256 i = 0; i < 5; i++) {
            address currency = i == 0 ? ETH : address(all.usd);
            require(all.vault.balance_of(accountOf(creatorOf(i)), currency) == earned[i], "earned another sum");
            if (i != 0) usd += earned[i];
        }
        require(address(all.vault).balance == waiting[0] + earned[0], "the vault's ETH");
        require(all.usd.balanceOf(address(all.vault)) == waiting[1] + usd, "the vault's USD");
    }

    function checkDuties() external view {
        for (uint256 i = 0; i < 4; i++) {
            License storage license = licenses[i];
            uint256 voids;
            for (uint256 j = 0; j < told[i].length; j++) if (told[i][j].isVoid) voids++;
            uint256 due = dueAt(i);
            (uint256 found, uint256 missing) = i < 2
                ? all.settlement.due_at(license.id, offers[i])
                : all.settlement.due_at_dataset(license.id, dataset);
            require(found == due, "due at another time");
            uint256 overdue = block.timestamp <= due ? 0 : (block.timestamp - due + EVERY - 1) / EVERY;
            require(missing == overdue, "another number overdue");
            bool isGood = i < 2
                ? all.settlement.in_good_standing(license.id, offers[i])
                : all.settlement.in_good_standing_dataset(license.id, dataset);
            require(isGood == (voids == 0 && block.timestamp <= due), "in good standing");
            checkLedger(i, voids, due);
        }
    }

    function checkLedger(uint256 i, uint256 voids, uint256 due) internal view {
        License storage license = licenses[i];
        (uint40 through, uint32 reports, uint32 late, uint32 voided, uint32 last) =
            all.settlement.ledger_of(license.market, license.id);
        require(reports == told[i].length && late == license.late && voided == voids, "another ledger");
        require(through == (reports == 0 ? 0 : license.through), "reported through");
        require(last == (due == type(uint256).max ? license.last : 0), "another final report");
    }
}

contract SettlementInvariants is Campaign {
    SettlementHandler internal handler;

    function setUp() external {
        vm.warp(1_800_000_000);
        handler = new SettlementHandler();
        target = address(handler);
    }

    function invariant_reports_pay_exactly_what_they_brought_and_duties_are_public() external view {
        nothingIsBroken();
        handler.checkMoney();
        handler.checkDuties();
    }
}
