// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import "./SumTree.sol";

/// What handlers ask of forge (its cheat codes), and nothing else.
interface Vm {
    function getCode(string calldata path) external view returns (bytes memory);
    function prank(address sender) external;
    function deal(address who, uint256 amount) external;
    function warp(uint256 time) external;
}

Vm constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
address constant ETH = 0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE;

struct Share {
    bytes32 account;
    uint32 share;
}

struct WorkInput {
    bytes32 content;
    bytes32 metadata;
    bytes32 cultural;
    bytes32 payee;
    address steward;
    uint32 duration_ms;
    uint16 cleared;
}

struct Offer {
    uint256 work;
    address licensor;
    uint16 usages;
    uint16 aspects;
    uint16 forbids;
    uint32 start_ms;
    uint32 end_ms;
    address currency;
    uint96 price;
    uint40 term;
    uint16 revenue_share_bps;
    uint8 unit;
    uint96 unit_price;
    uint32 report_every;
    uint8 after_term;
    uint32 supply;
    address licensee;
    uint40 opens_at;
    uint40 closes_at;
    uint8 flags;
    bytes32 terms;
}

interface Vault {
    function declare_split(Share[] calldata, address) external returns (bytes32);
    function open(address) external;
    function credit(bytes32[] calldata, uint256[] calldata, address) external payable;
    function book(bytes32, bytes32[] calldata, uint256[] calldata, address) external;
    function distribute(Share[] calldata, address, address) external returns (uint256);
    function pay_out(Share[] calldata, address, address) external returns (uint256);
    function withdraw(address, address) external returns (uint256);
    function withdraw_to(address, address) external returns (uint256);
    function redirect(address) external;
    function balance_of(bytes32, address) external view returns (uint256);
    function sub_account(address, bytes32) external view returns (bytes32);
}

interface Token {
    function mint(address, uint256) external;
    function approve(address, uint256) external returns (bool);
    function transfer(address, uint256) external returns (bool);
    function balanceOf(address) external view returns (uint256);
}

interface Registry {
    function register(address, WorkInput calldata) external returns (uint256);
    function transferFrom(address, address, uint256) external;
    function ownerOf(uint256) external view returns (address);
    function hold(uint256, uint40) external;
    function reassign(uint256, address, uint40, bool) external;
    function name_steward(uint256, address) external;
    function held_until(uint256) external view returns (uint256);
    function work_of(uint256)
        external
        view
        returns (address, uint40, uint32, uint16, uint8, bytes32, bytes32, bytes32, address);
}

interface Market {
    function post(Offer calldata) external returns (bytes32);
    function withdraw_offer(Offer calldata) external;
    function mint(Offer calldata, address, bytes32, uint256, bytes32) external payable returns (uint256);
    function mint_many(Offer[] calldata, address, bytes32, uint256, bytes32[] calldata)
        external
        payable
        returns (uint256[] memory);
    function quote(Offer calldata) external view returns (uint256, uint256, bytes32);
    function set_fee(uint16, address) external;
    function ownerOf(uint256) external view returns (address);
    function balanceOf(address) external view returns (uint256);
}

function named(string memory name) pure returns (address) {
    return address(uint160(uint256(keccak256(bytes(name)))));
}

function accountOf(address who) pure returns (bytes32) {
    return bytes32(uint256(uint160(who)));
}

/// Deploys one of the protocol's compiled contracts.
function deployed(string memory name, bytes memory arguments) returns (address where) {
    bytes memory code = bytes.concat(vm.getCode(string.concat("artifacts/", name, ".json")), arguments);
    assembly {
        where := create(0, add(code, 0x20), mload(code))
    }
    require(where != address(0), name);
}

struct Dataset {
    address curator;
    address currency;
    uint16 usages;
    uint16 aspects;
    uint16 forbids;
    uint40 term;
    uint16 revenue_share_bps;
    uint8 unit;
    uint96 unit_price;
    uint32 report_every;
    uint8 after_term;
    uint16 curator_fee_bps;
    address licensee;
    bytes32 terms;
    bytes32 salt;
}

interface Datasets {
    function open(Dataset calldata) external returns (bytes32);
    function add(Dataset calldata, Offer[] calldata) external;
    function take_out(address, bytes32, Offer calldata) external;
    function expel(bytes32, Offer calldata) external;
    function mint(Dataset calldata, address, bytes32, uint256, bytes32) external payable returns (uint256);
    function collect(bytes32, Offer[] calldata) external;
    function dataset_of(bytes32) external view returns (bytes32, uint32, uint32, uint256);
    function member_of(bytes32, bytes32) external view returns (bool, uint32, uint32);
    function covers(uint256, bytes32, uint32) external view returns (bool);
    function quote(Dataset calldata)
        external
        view
        returns (uint256, uint256, uint256, uint256, uint32, bytes32);
}

struct UsageReport {
    uint256 license;
    bytes32 model;
    uint32 number;
    uint40 through;
    uint8 flags;
    uint104 total;
    bytes32 root;
    bytes32 manifest;
}

struct UsageLeaf {
    uint32 index;
    uint32 spell;
    uint256 amount;
    Offer offer;
}

interface Settlement {
    function report(Offer calldata, UsageReport calldata) external payable returns (bytes32);
    function report_dataset(Dataset calldata, UsageReport calldata) external payable returns (bytes32);
    function restate(address, address, uint256, uint32, bytes32, bytes32) external;
    function claim(address, uint256, uint32, uint32, UsageLeaf[] calldata, SumNode[] calldata)
        external
        returns (uint256);
    function hold_report(bytes32, bool) external;
    function void_report(bytes32, bytes32) external;
    function due_at(uint256, Offer calldata) external view returns (uint256, uint256);
    function due_at_dataset(uint256, Dataset calldata) external view returns (uint256, uint256);
    function in_good_standing(uint256, Offer calldata) external view returns (bool);
    function in_good_standing_dataset(uint256, Dataset calldata) external view returns (bool);
    function ledger_of(address, uint256) external view returns (uint40, uint32, uint32, uint32, uint32);
    function report_id(address, uint256, uint32) external view returns (bytes32);
    function report_of(bytes32) external view returns (uint256, uint256, uint40, uint8, bytes32);
}

struct Case {
    address opener;
    address respondent;
    uint8 effect;
    uint8 phase;
    uint8 outcome;
    bool is_answered;
    bool is_executed;
    bool is_settled;
    uint40 opened_at;
    uint40 ruled_at;
    address target;
    address market;
    uint256 subject;
    bytes32 remedy;
}

interface Disputes {
    function open_case(uint8, address, address, uint256, uint32, uint256, bytes32) external payable returns (uint256);
    function answer(uint256, bytes32) external payable;
    function ask_hold(uint256, uint256) external payable;
    function end_hold(address, uint256) external;
    function withdraw_case(uint256) external;
    function refer(uint256) external;
    function execute(uint256) external;
    function settle(uint256) external;
    function rule(uint256, uint8, bytes32, bytes32) external;
    function order_hold(uint256, bool) external;
    function case_of(uint256) external view returns (Case memory);
    function rent_of(uint256) external view returns (uint256, uint256, address);
    function hold_of(address, uint256) external view returns (uint256, uint256, uint256, uint256);
}

interface Panel {
    function vote(address, uint256, uint8, bytes32, bytes32) external;
    function vote_hold(address, uint256, bool) external;
    function share_fee(address, uint256) external;
}

struct System {
    address signed;
    Vault vault;
    Registry registry;
    Market market;
    Datasets datasets;
    Panel panel;
    Disputes disputes;
    Settlement settlement;
    Token usd;
}

interface Link {
    function set_dataset_market(address) external;
}

uint256 constant BOND = 1e17;
uint256 constant FEE = 5e16 + 1;
uint256 constant RENT = 1e16;

/// The protocol as it is deployed, owned by named("owner"); its panel is `judges()`, of whom two decide. ruler: who rules in its place; zero: dispute resolution itself.
function system(address ruler) returns (System memory all) {
    address owner = named("owner");
    all.signed = deployed("SignedActions", abi.encode(owner));
    all.vault = Vault(deployed("RoyaltyVault", ""));
    all.panel = Panel(deployed("PanelArbiter", abi.encode(owner, judges(), 2)));
    all.disputes =
        Disputes(deployed("DisputeResolver", abi.encode(all.panel, all.vault, all.signed, ETH, BOND, FEE, RENT)));
    if (ruler == address(0)) ruler = address(all.disputes);
    wire(all, owner, ruler);
    vm.prank(owner);
    Link(address(all.market)).set_dataset_market(address(all.datasets));
    all.usd = Token(deployed("TestUSD", ""));
}

function wire(System memory all, address owner, address ruler) {
    address receivers = deployed("Receivers", abi.encode(all.vault));
    address certificates = deployed("Certificates", "");
    all.registry = Registry(deployed("WorkRegistry", abi.encode(owner, all.vault, all.signed, ruler, receivers)));
    all.market = Market(
        deployed(
            "LicenseMarket", abi.encode(owner, all.vault, all.registry, all.signed, ruler, certificates, receivers)
        )
    );
    all.datasets = Datasets(
        deployed(
            "DatasetMarket", abi.encode(owner, all.vault, all.registry, all.signed, ruler, all.market, certificates)
        )
    );
    all.settlement = Settlement(
        deployed("UsageSettlement", abi.encode(all.vault, all.registry, all.signed, ruler, all.market, all.datasets))
    );
}

function judges() pure returns (address[] memory members) {
    members = new address[](3);
    for (uint256 i = 0; i < 3; i++) members[i] = address(uint160(0x5000 + i));
}

/// An offer of a whole work for an hour, training only, which a caller changes to its taste.
function offerOf(uint256 work, address licensor, address currency, uint96 price) pure returns (Offer memory made) {
    (made.work, made.licensor, made.usages, made.aspects) = (work, licensor, 1, 511);
    (made.end_ms, made.currency, made.price, made.term) = (type(uint32).max, currency, price, 3600);
    (made.after_term, made.supply, made.closes_at) = (1, type(uint32).max, type(uint40).max);
    made.terms = bytes32(uint256(7));
}

/// As the market names it: the last 32 bits are for its licenses.
function offerId(Offer memory offer) pure returns (bytes32) {
    return bytes32(uint256(keccak256(abi.encode(offer))) & ~uint256(type(uint32).max));
}

/// Registers the creator's work with that content.
function registered(Registry registry, address creator, uint256 content) returns (uint256) {
    vm.prank(creator);
    return registry.register(creator, WorkInput(bytes32(content), bytes32(content), 0, 0, address(0), 1, 511));
}
