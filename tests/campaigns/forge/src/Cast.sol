// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

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
}

interface Market {
    function post(Offer calldata) external returns (bytes32);
    function withdraw_offer(Offer calldata) external;
    function mint(Offer calldata, address, bytes32, uint256, bytes32) external payable returns (uint256);
    function quote(Offer calldata) external view returns (uint256, uint256, bytes32);
    function offer_id(Offer calldata) external view returns (bytes32);
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

struct System {
    address signed;
    Vault vault;
    Registry registry;
    Market market;
    Datasets datasets;
    Token usd;
}

interface Link {
    function set_dataset_market(address) external;
}

/// The protocol as it is deployed, owned by named("owner"), without arbiter and certificates.
function system() returns (System memory all) {
    address owner = named("owner");
    address none = address(0);
    all.signed = deployed("SignedActions", abi.encode(owner));
    all.vault = Vault(deployed("RoyaltyVault", ""));
    address receivers = deployed("Receivers", abi.encode(all.vault));
    all.registry = Registry(deployed("WorkRegistry", abi.encode(owner, all.vault, all.signed, none, receivers)));
    all.market = Market(
        deployed("LicenseMarket", abi.encode(owner, all.vault, all.registry, all.signed, none, none, receivers))
    );
    all.datasets = Datasets(
        deployed("DatasetMarket", abi.encode(owner, all.vault, all.registry, all.signed, none, all.market, none))
    );
    vm.prank(owner);
    Link(address(all.market)).set_dataset_market(address(all.datasets));
    all.usd = Token(deployed("TestUSD", ""));
}
