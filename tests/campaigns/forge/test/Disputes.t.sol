// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import "../src/Books.sol";
import "../src/Cast.sol";

uint8 constant MOVE_CLAIM = 1;
uint8 constant NAME_STEWARD = 2;
uint8 constant VOID_REPORT = 3;
uint8 constant END_LICENSE = 4;
uint8 constant FOR_OPENER = 1;
uint8 constant NO_FAULT = 3;

/// What can be disputed: works, a license, reports. order: until when the arbiter ordered a hold, and in which case.
struct Subject {
    address target;
    uint256 id;
    uint32 number;
    address owner;
    uint256 orderer;
    uint256 orderedUntil;
}

/// An asked hold of a subject.
struct Asked {
    uint256 inCase;
    uint256 start;
    uint256 end;
    bool isOver;
}

struct File {
    uint256 subject;
    uint8 effect;
    address opener;
    address respondent;
    uint256 openedAt;
    bool isAnswered;
    bool isReferred;
    uint8 outcome;
    uint256 ruledAt;
    bytes32 remedy;
    bool isClosed; // withdrawn or lapsed
    bool isSettled;
    bool isExecuted;
    uint256 daysPaid;
    address rentTo;
    uint256 chest;
    uint256 fee;
}

/// Opens, answers, holds, votes, executes and settles cases on two works, a license and reports, in any order, while
/// works are sold; keeps bonds, rents, holds and owners in books of its own.
contract DisputeHandler is Books {
    System internal all;
    address[4] public people;
    address internal constant HOLDER = address(0x6100);
    Subject[] internal subjects; // 0 and 1 works, 2 a license, then reports
    Asked[][] internal asked;
    File[] internal files; // case n is at n - 1
    Offer internal reported; // its license owes reports
    uint256 internal reportedLicense;
    mapping(uint256 => mapping(address => bytes32)) internal ballots;
    mapping(uint256 => uint256) internal voters;
    mapping(address => uint256) internal purses;
    mapping(uint256 => address) internal stewards;
    uint256 internal shared; // of the arbiter's fees, among those who voted

    constructor() {
        all = system(address(0));
        for (uint256 i = 0; i < 4; i++) people[i] = address(uint160(0x6000 + i));
        for (uint256 i = 0; i < 2; i++) {
            file(address(all.registry), registered(all.registry, people[0], i + 1), 0, people[0]);
        }
        Offer memory made = offerOf(subjects[0].id, people[0], address(all.usd), 0);
        file(address(all.market), sold(made), 0, HOLDER);
        (made.revenue_share_bps, made.report_every) = (100, 30 days);
        reportedLicense = sold(made);
        reported = made;
    }

    function sold(Offer memory made) internal returns (uint256 license) {
        vm.prank(people[0]);
        all.market.post(made);
        (,, bytes32 acknowledged) = all.market.quote(made);
        license = all.market.mint(made, HOLDER, 0, 0, acknowledged);
    }

    function file(address target, uint256 id, uint32 number, address owner) internal {
        subjects.push(Subject(target, id, number, owner, 0, 0));
        asked.push();
    }

    function report() external {
        uint32 number = uint32(subjects.length - 2);
        SumNode[] memory tree = new SumNode[](1);
        tree[0] = SumTree.leaf(offerId(reported), 0, 100);
        UsageReport memory said =
            UsageReport(reportedLicense, 0, number, uint40(block.timestamp), 0, 100, SumTree.root(tree), "m");
        all.usd.mint(HOLDER, 100);
        vm.prank(HOLDER);
        all.usd.approve(address(all.settlement), 100);
        vm.prank(HOLDER);
        bytes32 id = all.settlement.report(reported, said);
        file(address(all.settlement), uint256(id), number, HOLDER);
    }

    // ---- books

    function account(uint256 number) internal view returns (bytes32) {
        return all.vault.sub_account(address(all.disputes), bytes32(number));
    }

    function feeAccount(uint256 number) internal view returns (bytes32) {
        return all.vault.sub_account(address(all.panel), keccak256(abi.encode(all.disputes, number)));
    }

    function isRunning(File storage it) internal view returns (bool) {
        return it.outcome == 0 && !it.isClosed && block.timestamp < it.openedAt + 90 days;
    }

    /// Asked holds of a subject never add up to more than 90 days without a rest of 180.
    function checkCap(uint256 subject) internal {
        uint256 used;
        uint256 last;
        for (uint256 i = 0; i < asked[subject].length; i++) {
            Asked storage one = asked[subject][i];
            check(one.start >= last, "two asked holds at once");
            if (one.start >= last + 180 days) used = 0;
            used += one.end - one.start;
            last = one.end;
            check(used <= 90 days, "held longer than 90 days");
        }
    }

    function ask(uint256 number, uint256 length) internal {
        File storage it = files[number - 1];
        endAskedOf(it.subject); // it ran out, else it would not have been granted
        asked[it.subject].push(Asked(number, block.timestamp, block.timestamp + length * 1 days, false));
        it.daysPaid = length;
        it.rentTo = subjects[it.subject].owner;
        it.chest += RENT * length;
        checkCap(it.subject);
        check(block.timestamp + length * 1 days <= it.openedAt + 90 days, "a hold outlives its case");
    }

    function endAskedOf(uint256 subject) internal {
        uint256 count = asked[subject].length;
        if (count == 0 || asked[subject][count - 1].isOver) return;
        Asked storage last = asked[subject][count - 1];
        if (last.end > block.timestamp) last.end = block.timestamp;
        last.isOver = true;
    }

    function endAskedIn(uint256 number) internal {
        uint256 subject = files[number - 1].subject;
        uint256 count = asked[subject].length;
        if (count != 0 && asked[subject][count - 1].inCase == number) endAskedOf(subject);
    }

    function unorder(uint256 number) internal {
        Subject storage subject = subjects[files[number - 1].subject];
        if (subject.orderer == number) (subject.orderer, subject.orderedUntil) = (0, 0);
    }

    function rentOf(uint256 number) internal view returns (uint256) {
        Asked[] storage of_ = asked[files[number - 1].subject];
        for (uint256 i = 0; i < of_.length; i++) {
            if (of_[i].inCase != number) continue;
            uint256 length = of_[i].end - of_[i].start;
            return length * RENT / 1 days + (length * RENT % 1 days == 0 ? 0 : 1);
        }
        return 0;
    }

    function pay(File storage it, address who, uint256 amount) internal {
        purses[who] += amount;
        it.chest -= amount;
    }

    function close(uint256 number) internal {
        File storage it = files[number - 1];
        check(!it.isSettled, "settled twice");
        it.isSettled = true;
        bool isWon = it.outcome == FOR_OPENER;
        uint256 rent = rentOf(number);
        if (!isWon) pay(it, it.rentTo, rent);
        pay(it, it.opener, RENT * it.daysPaid - (isWon ? 0 : rent));
        if (it.outcome == 0) {
            pay(it, it.opener, BOND);
            if (it.isAnswered) pay(it, it.respondent, BOND);
        } else if (!it.isAnswered) {
            pay(it, it.opener, BOND - FEE);
        } else if (it.outcome == NO_FAULT) {
            pay(it, it.opener, BOND - (FEE - FEE / 2));
            pay(it, it.respondent, BOND - FEE / 2);
        } else {
            pay(it, isWon ? it.opener : it.respondent, 2 * BOND - FEE);
        }
        check(it.chest == 0, "something of a settled case is left");
    }

    function ruled(uint256 number, uint8 outcome, bytes32 remedy) internal {
        File storage it = files[number - 1];
        (it.outcome, it.ruledAt, it.remedy) = (outcome, block.timestamp, remedy);
        endAskedIn(number);
        unorder(number);
        if (outcome == FOR_OPENER && it.effect != END_LICENSE) {
            Subject storage subject = subjects[it.subject];
            (subject.orderer, subject.orderedUntil) = (number, block.timestamp + 37 days);
        }
        it.chest -= FEE;
        it.fee = FEE;
    }

    // ---- picking

    /// A case in the wanted state: 0 open, 1 referred, 2 ruled and not executed, 3 any, 4 open and not answered,
    /// 5 ruled and not settled, 6 one in which a hold can be asked,
    /// 7 open and ready for the arbiter.
    function some(uint256 which, uint256 state) internal view returns (uint256) {
        uint256 count = files.length;
        for (uint256 i = 0; i < count; i++) {
            uint256 number = count - (which + i) % count;
            File storage it = files[number - 1];
            if (isIn(it, state)) return number;
        }
        return count - which % count;
    }

    function isIn(File storage it, uint256 state) internal view returns (bool) {
        if (state == 0) return isRunning(it) && !it.isReferred;
        if (state == 1) return isRunning(it) && it.isReferred;
        if (state == 2) return it.outcome != 0 && !it.isExecuted;
        if (state == 4) {
            bool isInTime = isRunning(it) && !it.isReferred && block.timestamp < it.openedAt + 14 days;
            return isInTime && !it.isAnswered && subjects[it.subject].owner != it.opener;
        }
        if (state == 7) return isIn(it, 0) && (it.isAnswered || block.timestamp >= it.openedAt + 14 days);
        if (state == 6) {
            if (!isRunning(it) || it.daysPaid != 0 || it.effect == END_LICENSE) return false;
            uint256 count = asked[it.subject].length;
            return count == 0 || asked[it.subject][count - 1].end <= block.timestamp;
        }
        return state == 3 || (it.outcome != 0 && !it.isSettled);
    }

    /// Mostly waits until something can be done.
    function ripen(uint256 at, uint256 chance) internal {
        if (chance % 4 != 0 && block.timestamp < at) vm.warp(at);
    }

    // ---- steps

    function open(uint256 which, uint256 who, uint256 length, uint256 seed) public {
        uint256 count = subjects.length;
        which = which % 4 == 3 && count > 3 ? count - 1 - which / 4 % 2 : which / 4 % count;
        uint8 effect = which < 2 ? uint8(1 + seed % 2) : which == 2 ? END_LICENSE : VOID_REPORT;
        length = effect == END_LICENSE || length % 2 == 0 ? 0 : length / 2 % 46;
        bool isNamed = effect == VOID_REPORT || (effect == MOVE_CLAIM && seed % 4 < 2);
        address opener = people[who % 4];
        uint256 number = opened(subjects[which], effect, opener, length, isNamed ? address(all.market) : address(0));
        check(number == files.length + 1, "a case of another number");
        check(opener != subjects[which].owner, "against itself");
        File storage it = files.push();
        (it.subject, it.effect, it.opener, it.respondent) = (which, effect, opener, subjects[which].owner);
        (it.openedAt, it.chest) = (block.timestamp, BOND);
        if (length != 0) ask(number, length);
    }

    function opened(Subject storage subject, uint8 effect, address opener, uint256 length, address market)
        internal
        returns (uint256)
    {
        uint256 value = BOND + RENT * length;
        uint256 id = effect == VOID_REPORT ? reportedLicense : subject.id;
        vm.deal(opener, value);
        vm.prank(opener);
        return all.disputes.open_case{value: value}(
            effect, subject.target, market, id, subject.number, length, "evidence"
        );
    }

    function answer(uint256 which, uint256 who) public {
        uint256 number = some(which, 4);
        File storage it = files[number - 1];
        if (!isIn(it, 4) && who % 8 != 0) return open(which, who / 8, who / 32, which / 8);
        address owner = subjects[it.subject].owner;
        address by = who % 8 == 0 ? people[who / 8 % 4] : owner;
        vm.deal(by, BOND);
        vm.prank(by);
        all.disputes.answer{value: BOND}(number, "evidence");
        check(isRunning(it) && !it.isReferred && !it.isAnswered, "answered when nothing was asked");
        check(by == owner && by != it.opener, "somebody else answered");
        check(block.timestamp < it.openedAt + 14 days, "answered too late");
        (it.isAnswered, it.respondent) = (true, by);
        it.chest += BOND;
    }

    function askHold(uint256 which, uint256 length) external {
        uint256 number = some(which, 6);
        File storage it = files[number - 1];
        if (!isIn(it, 6) && length % 8 != 0) return open(which, length / 8, length / 64 | 1, which / 8);
        length = length % 4 == 0 ? length / 4 % 60 + 1 : length / 4 % 10 + 1;
        vm.deal(it.opener, RENT * length);
        vm.prank(it.opener);
        all.disputes.ask_hold{value: RENT * length}(number, length);
        check(isRunning(it) && it.daysPaid == 0, "held twice, or after the end");
        ask(number, length);
    }

    function withdraw(uint256 which) external {
        if (which % 4 != 0) return answer(which / 4, which);
        uint256 number = some(which, 0);
        File storage it = files[number - 1];
        vm.prank(it.opener);
        all.disputes.withdraw_case(number);
        check(isRunning(it) && !it.isReferred, "withdrawn after the arbiter had it");
        it.isClosed = true;
        endAskedIn(number);
        unorder(number);
        close(number);
    }

    function refer(uint256 which) public {
        uint256 number = some(which, 7);
        File storage it = files[number - 1];
        if (!isIn(it, 7) && which % 8 != 0) return answer(which, which / 8);
        if (!it.isAnswered) ripen(it.openedAt + 14 days, which / 8);
        all.disputes.refer(number);
        check(isRunning(it) && !it.isReferred, "referred twice");
        check(it.isAnswered || block.timestamp >= it.openedAt + 14 days, "referred before its answer");
        it.isReferred = true;
    }

    /// Judges vote for what is allowed, and now and then for what is not.
    function vote(uint256 which, uint256 who, uint8 outcome, uint256 seed) public {
        uint256 number = some(which, 1);
        File storage it = files[number - 1];
        if (!it.isReferred && isRunning(it)) return refer(which);
        if (seed % 4 != 0 && voters[number] != 0) return join(number, who);
        outcome = seed % 32 == 1 ? uint8(4 + outcome % 252) : outcome % 3 + 1;
        bytes32 remedy;
        if (seed % 3 == 0) {
            uint256 cleanSince = block.timestamp - seed % 1000 | seed % 2 << 40;
            remedy = bytes32(it.effect == VOID_REPORT ? seed : cleanSince);
        }
        if (seed % 32 == 2) remedy = bytes32(1 << 41 | seed);
        cast(number, who, outcome, remedy);
    }

    struct Vote {
        uint8 outcome;
        bytes32 remedy;
    }

    mapping(uint256 => Vote) internal lastVote;

    /// Votes as somebody did before.
    function join(uint256 number, uint256 who) internal {
        cast(number, who, lastVote[number].outcome, lastVote[number].remedy);
    }

    function isRemedy(File storage it, uint8 outcome, bytes32 remedy) internal view returns (bool) {
        if (outcome > 3) return false;
        if (remedy == 0) return true;
        if (outcome != FOR_OPENER || it.effect == NAME_STEWARD || it.effect == END_LICENSE) return false;
        return it.effect == VOID_REPORT || uint256(remedy) & ~uint256(1 << 40) <= block.timestamp;
    }

    function cast(uint256 number, uint256 who, uint8 outcome, bytes32 remedy) internal {
        File storage it = files[number - 1];
        address judge = judges()[who % 3];
        bytes32 ballot = keccak256(abi.encode(outcome, remedy));
        uint256 votes = 1;
        for (uint256 i = 0; i < 3; i++) {
            if (i != who % 3 && ballots[number][judges()[i]] == ballot) votes++;
        }
        vm.prank(judge);
        all.panel.vote(address(all.disputes), number, outcome, remedy, "reasons");
        check(it.isReferred && it.outcome == 0 && !it.isClosed, "voted on what is decided, or not referred");
        check(outcome <= 3, "an outcome that there is not");
        if (ballots[number][judge] == 0) voters[number]++;
        ballots[number][judge] = ballot;
        lastVote[number] = Vote(outcome, remedy);
        if (votes < 2) return;
        check(isRunning(it), "ruled after the end");
        check(isRemedy(it, outcome, remedy), "a remedy that there is not");
        ruled(number, outcome, remedy);
    }

    mapping(uint256 => mapping(address => uint8)) internal holdVotes;

    function voteHold(uint256 which, uint256 who, bool isHeld) external {
        uint256 number = some(which, 1);
        File storage it = files[number - 1];
        if (!it.isReferred && isRunning(it)) return refer(which);
        uint8 wish = isHeld ? 1 : 2;
        uint256 votes = 1;
        for (uint256 i = 0; i < 3; i++) if (i != who % 3 && holdVotes[number][judges()[i]] == wish) votes++;
        vm.prank(judges()[who % 3]);
        all.panel.vote_hold(address(all.disputes), number, isHeld);
        check(it.isReferred && it.outcome == 0 && !it.isClosed, "voted on what is decided, or not referred");
        holdVotes[number][judges()[who % 3]] = wish;
        if (votes < 2) return;
        check(isRunning(it), "a hold was ordered after the end");
        check(it.effect != END_LICENSE, "a license was held");
        for (uint256 i = 0; i < 3; i++) holdVotes[number][judges()[i]] = 0;
        Subject storage subject = subjects[it.subject];
        if (isHeld) {
            (subject.orderer, subject.orderedUntil) = (number, it.openedAt + 90 days);
        } else {
            endAskedIn(number);
            unorder(number);
        }
    }

    function execute(uint256 which) external {
        uint256 number = some(which, which % 3 == 0 ? 3 : 2);
        File storage it = files[number - 1];
        if (!isIn(it, 2) && which % 8 > 2) return vote(which / 8, which, uint8(which / 3), which / 16);
        if (it.outcome != 0) ripen(it.ruledAt + 7 days, which / 3);
        all.disputes.execute(number);
        check(!it.isClosed && !it.isExecuted, "executed twice");
        if (it.outcome == 0) {
            check(block.timestamp >= it.openedAt + 90 days, "lapsed before its time");
            it.isClosed = true;
            endAskedIn(number);
            unorder(number);
            close(number);
            return;
        }
        check(block.timestamp >= it.ruledAt + 7 days, "executed before the public delay");
        it.isExecuted = true;
        if (!it.isSettled) close(number);
        if (it.outcome != FOR_OPENER) return;
        unorder(number);
        if (it.effect == MOVE_CLAIM || it.effect == VOID_REPORT) endAskedOf(it.subject);
        if (it.effect == MOVE_CLAIM) {
            subjects[it.subject].owner = it.opener;
            if (uint256(it.remedy) >> 40 == 0) stewards[it.subject] = address(0);
        } else if (it.effect == NAME_STEWARD) {
            stewards[it.subject] = it.opener;
        }
    }

    function settle(uint256 which) external {
        uint256 number = some(which, which % 3 == 0 ? 3 : 5);
        File storage it = files[number - 1];
        if (!isIn(it, 5) && which % 8 != 0) return vote(which / 8, which, uint8(which / 3), which / 16);
        if (it.outcome != 0) ripen(it.ruledAt + 7 days, which / 3);
        all.disputes.settle(number);
        check(it.outcome != 0 && block.timestamp >= it.ruledAt + 7 days, "settled before the public delay");
        close(number);
    }

    function shareFee(uint256 which) external {
        uint256 count = files.length;
        for (uint256 i = 0; i < count; i++) {
            uint256 number = 1 + (which + i) % count;
            File storage it = files[number - 1];
            if (it.fee == 0) continue;
            all.panel.share_fee(address(all.disputes), number);
            shared += it.fee;
            it.fee = 0;
            return;
        }
        vote(which / 8, which, uint8(which / 3), which / 16);
    }

    function endHold(uint256 which) external {
        Subject storage subject = subjects[which % subjects.length];
        all.disputes.end_hold(subject.target, subject.id);
    }

    function sell(uint256 which, uint256 to) external {
        Subject storage subject = subjects[which % 2];
        to %= 4;
        vm.prank(subject.owner);
        all.registry.transferFrom(subject.owner, people[to], subject.id);
        subject.owner = people[to];
    }

    /// What nobody but the parties, the arbiter and dispute resolution may do.
    function steal(uint256 which, uint256 what) external {
        address thief = address(0xbad);
        uint256 number = files.length == 0 ? 1 : 1 + which % files.length;
        Subject storage work = subjects[which % 2];
        bytes[10] memory calls = [
            abi.encodeCall(Disputes.rule, (number, 1, 0, "r")),
            abi.encodeCall(Disputes.order_hold, (number, true)),
            abi.encodeCall(Disputes.withdraw_case, (number)),
            abi.encodeCall(Disputes.ask_hold, (number, 0)),
            abi.encodeCall(Panel.vote, (address(all.disputes), number, 1, 0, "r")),
            abi.encodeCall(Panel.vote_hold, (address(all.disputes), number, true)),
            abi.encodeCall(Registry.reassign, (work.id, thief, 0, false)),
            abi.encodeCall(Registry.hold, (work.id, type(uint40).max)),
            abi.encodeCall(Registry.name_steward, (work.id, thief)),
            abi.encodeCall(Settlement.void_report, (bytes32(subjects[subjects.length - 1].id), 0))
        ];
        what %= 10;
        address to = what < 4
            ? address(all.disputes)
            : what < 6 ? address(all.panel) : what < 9 ? address(all.registry) : address(all.settlement);
        vm.prank(thief);
        (bool isDone,) = to.call(calls[what]);
        check(!isDone, "a thief did it");
    }

    function later(uint256 how) external {
        uint256[8] memory waits = [uint256(1), 1 hours, 1 days, 1 days, 1 days, 3 days, 7 days, 40 days];
        vm.warp(block.timestamp + waits[how % 8]);
    }

    // ---- for the invariant

    function checkMoney() external view {
        uint256 sum = shared;
        for (uint256 i = 0; i < files.length; i++) {
            File storage it = files[i];
            require(all.vault.balance_of(account(i + 1), ETH) == it.chest, "a case holds another sum");
            require(all.vault.balance_of(feeAccount(i + 1), ETH) == it.fee, "another fee");
            sum += it.chest + it.fee;
        }
        for (uint256 i = 0; i < 5; i++) {
            address who = i < 4 ? people[i] : HOLDER;
            require(all.vault.balance_of(accountOf(who), ETH) == purses[who], "a party has another sum");
            sum += purses[who];
        }
        require(address(all.vault).balance == sum, "bonds in are not bonds out and held");
        uint256 fees;
        for (uint256 i = 0; i < 3; i++) fees += all.vault.balance_of(accountOf(judges()[i]), ETH);
        require(fees == shared, "judges have another sum");
    }

    function checkStatusQuo() external view {
        for (uint256 i = 0; i < 2; i++) {
            Subject storage work = subjects[i];
            require(all.registry.ownerOf(work.id) == work.owner, "a claim moved without a ruling");
            (,,,,,,,, address steward) = all.registry.work_of(work.id);
            require(steward == stewards[i], "a steward nobody named");
            uint256 until = work.orderedUntil > block.timestamp ? work.orderedUntil : 0;
            uint256 count = asked[i].length;
            if (count != 0 && !asked[i][count - 1].isOver) {
                uint256 end = asked[i][count - 1].end;
                if (end > block.timestamp && end > until) until = end;
            }
            uint256 found = all.registry.held_until(work.id);
            require(until == 0 ? found <= block.timestamp : found == until, "on hold for another time");
        }
    }

    function checkPhases() external view {
        for (uint256 i = files.length > 8 ? files.length - 8 : 0; i < files.length; i++) {
            File storage it = files[i];
            Case memory found = all.disputes.case_of(i + 1);
            require(found.outcome == it.outcome && found.is_answered == it.isAnswered, "another outcome");
            require(found.is_settled == it.isSettled && found.is_executed == it.isExecuted, "another state");
            require((found.phase >= 4) == it.isClosed && found.remedy == it.remedy, "another end");
            require(found.respondent == it.respondent && found.opener == it.opener, "other parties");
        }
    }
}

contract DisputeInvariants is Campaign {
    DisputeHandler internal handler;

    function setUp() external {
        vm.warp(1_800_000_000);
        handler = new DisputeHandler();
        target = address(handler);
    }

    function invariant_bonds_conserve_holds_are_capped_and_only_rulings_move_claims() external view {
        nothingIsBroken();
        handler.checkMoney();
        handler.checkStatusQuo();
        handler.checkPhases();
    }
}
