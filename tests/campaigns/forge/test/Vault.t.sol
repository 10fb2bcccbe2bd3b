// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import "../src/Books.sol";
import "../src/Cast.sol";

/// Does anything to the vault that anybody can, and keeps its own books.
contract VaultHandler is Books {
    Vault public vault;
    Token public usd;
    address[4] public people;
    bytes32[7] public accounts;
    Share[] internal shares;
    bytes32 internal constant SALT = "salt";
    mapping(bytes32 => mapping(address => uint256)) public booked;
    mapping(address => uint256) public paidIn;
    mapping(address => uint256) public paidOut;

    constructor(Vault vault_, Token usd_) {
        vault = vault_;
        usd = usd_;
        for (uint160 i = 0; i < 4; i++) {
            people[i] = address(0x1000 + i);
            accounts[i] = accountOf(people[i]);
        }
        for (uint256 i = 0; i < 3; i++) shares.push(Share(accounts[i], i == 0 ? 333_334 : 333_333));
        accounts[4] = vault.declare_split(shares, address(0));
        accounts[5] = vault.sub_account(address(this), SALT);
        accounts[6] = accountOf(address(0xdead));
    }

    function currencyOf(bool isEth) internal view returns (address) {
        return isEth ? ETH : address(usd);
    }

    function pay(uint256 first, uint256 second, uint96 a, uint96 b, bool isEth) external {
        bytes32[] memory to = new bytes32[](2);
        uint256[] memory amounts = new uint256[](2);
        (to[0], to[1], amounts[0], amounts[1]) = (accounts[first % 7], accounts[second % 7], a, b);
        uint256 total = uint256(a) + b;
        address currency = currencyOf(isEth);
        if (isEth) {
            vm.deal(address(this), total);
            vault.credit{value: total}(to, amounts, ETH);
        } else {
            usd.mint(address(this), total);
            vault.open(address(usd));
            usd.transfer(address(vault), total);
            vault.credit(to, amounts, address(usd));
        }
        booked[to[0]][currency] += a;
        booked[to[1]][currency] += b;
        paidIn[currency] += total;
    }

    /// A credit that brings less or more than it says must not book anything.
    function cheat(uint256 first, uint96 amount, uint96 brought, bool isEth) external {
        if (amount == brought) brought++;
        bytes32[] memory to = new bytes32[](1);
        uint256[] memory amounts = new uint256[](1);
        (to[0], amounts[0]) = (accounts[first % 7], amount);
        bytes memory call = abi.encodeCall(Vault.credit, (to, amounts, currencyOf(isEth)));
        if (isEth) {
            vm.deal(address(this), brought);
        } else {
            usd.mint(address(this), brought);
            vault.open(address(usd));
            usd.transfer(address(vault), brought);
        }
        (bool isDone,) = address(vault).call{value: isEth ? brought : 0}(call);
        check(!isDone, "booked another sum than came");
    }

    function move(uint256 to_, uint256 amount, bool isEth) external {
        address currency = currencyOf(isEth);
        amount = amount % (booked[accounts[5]][currency] + 2);
        bytes32[] memory to = new bytes32[](1);
        uint256[] memory amounts = new uint256[](1);
        (to[0], amounts[0]) = (accounts[to_ % 7], amount);
        vault.book(SALT, to, amounts, currency);
        booked[accounts[5]][currency] -= amount;
        booked[to[0]][currency] += amount;
    }

    function distribute(bool isEth, bool push) external {
        address currency = currencyOf(isEth);
        uint256 all = booked[accounts[4]][currency];
        uint256 total = push
            ? vault.pay_out(shares, address(0), currency)
            : vault.distribute(shares, address(0), currency);
        uint256 sum;
        for (uint256 i = 0; i < 3; i++) {
            uint256 part = all * shares[i].share / 1_000_000;
            sum += part;
            if (!push) booked[shares[i].account][currency] += part;
        }
        check(sum == total, "distributed another sum");
        booked[accounts[4]][currency] -= total;
        if (push) paidOut[currency] += total;
    }

    function withdraw(uint256 who, bool isEth) external {
        address currency = currencyOf(isEth);
        uint256 sent = vault.withdraw(people[who % 4], currency);
        booked[accounts[who % 4]][currency] -= sent;
        paidOut[currency] += sent;
    }

    function withdrawTo(uint256 who, address to, bool isEth) external {
        address currency = currencyOf(isEth);
        vm.prank(people[who % 4]);
        uint256 sent = vault.withdraw_to(to, currency);
        if (to == address(vault)) return;
        booked[accounts[who % 4]][currency] -= sent;
        paidOut[currency] += sent;
    }

    function redirect(uint256 who, address to) external {
        if (to == address(vault)) return;
        vm.prank(people[who % 4]);
        vault.redirect(to);
    }

    function bare(uint96 amount) external {
        usd.mint(address(vault), amount);
    }
}

contract VaultInvariants is Campaign {
    VaultHandler internal handler;
    Vault internal vault;
    Token internal usd;

    function setUp() external {
        vault = Vault(deployed("RoyaltyVault", ""));
        usd = Token(deployed("TestUSD", ""));
        handler = new VaultHandler(vault, usd);
        target = address(handler);
    }

    function invariant_balances_are_what_was_booked_and_held() external view {
        nothingIsBroken();
        everyBalanceIsWhatWasBooked();
        theVaultHoldsWhatItOwes();
    }

    function everyBalanceIsWhatWasBooked() internal view {
        for (uint256 i = 0; i < 7; i++) {
            bytes32 account = handler.accounts(i);
            require(vault.balance_of(account, ETH) == handler.booked(account, ETH), "ETH");
            require(vault.balance_of(account, address(usd)) == handler.booked(account, address(usd)), "USD");
        }
    }

    function theVaultHoldsWhatItOwes() internal view {
        (uint256 eth, uint256 tokens) = (0, 0);
        for (uint256 i = 0; i < 7; i++) {
            bytes32 account = handler.accounts(i);
            eth += vault.balance_of(account, ETH);
            tokens += vault.balance_of(account, address(usd));
        }
        require(address(vault).balance >= eth && usd.balanceOf(address(vault)) >= tokens, "owes more than it holds");
        require(eth == handler.paidIn(ETH) - handler.paidOut(ETH), "ETH in is not out plus held");
        require(tokens == handler.paidIn(address(usd)) - handler.paidOut(address(usd)), "USD in is not out plus held");
    }
}
