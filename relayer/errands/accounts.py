# SPDX-License-Identifier: Apache-2.0
"""Balances of the vault: splits are paid out, people and invited people get what is booked to them.

A recipient that makes a split's `pay_out` fail or cost more than it brings harms only itself: the split is then
divided into its recipients' accounts, each of which is pushed by itself.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from ipto import ids
from ipto.chain import abi
from ipto.structs import ZERO_ADDRESS, Share, checksum_address
from relayer.errands.desk import Need, Turn
from relayer.errands.sight import Candidate, Option, Sight
from relayer.errands.worth import Worth

LEAST_GAS = 40_000  # no payout costs less
_SPLIT, _INVITED = 1, 3

Asked = Mapping[tuple[str, str], int]


async def account_needs(sight: Sight, asked: Asked) -> AsyncIterator[Candidate]:
    """Everything that rests in the vault. asked: (account, currency) → the number of the request for it."""
    async for item in sight.items("balances", limit=500):
        account = item["account"]["account"]
        currency = checksum_address(item["balance"]["currency"])
        options = _options(sight, bytes.fromhex(account[2:]), currency, item["split"])
        if options is None:
            continue
        need = Need(f"{account} {currency}", item["left_before"]["amount"], asked.get((account, currency)))
        yield Candidate(need, currency, int(item["balance"]["amount"]), LEAST_GAS, _walk(options))


def _walk(options: list[Option]) -> Any:
    async def walk(turn: Turn, _: Worth) -> AsyncIterator[Option]:
        # What was tried last time did not help: begin with another way.
        start = turn.attempt % len(options)
        for option in options[start:] + options[:start]:
            yield option

    return walk


def _options(sight: Sight, account: bytes, currency: str, split: Any) -> list[Option] | None:
    vault, calls = sight.deployment.address("RoyaltyVault"), abi("RoyaltyVault")
    if account[0] == _SPLIT:
        if split is None:
            return None  # never declared: nobody but its payers knows the shares
        shares = tuple(Share(bytes.fromhex(item["account"][2:]), item["share"]) for item in split["shares"])
        controller = split["controller"] or ZERO_ADDRESS
        if ids.split_account(shares, controller) != account:
            return None
        arguments = (shares, controller, currency)
        return [
            Option("PayOut", vault, calls.function("pay_out").encode(*arguments)),
            Option("Distribute", vault, calls.function("distribute").encode(*arguments)),
        ]
    who = checksum_address("0x" + account[12:].hex())
    if account[:12] == bytes(12):
        return [Option("Withdraw", vault, calls.function("withdraw").encode(who, currency))]
    if account[0] == _INVITED:
        return [Option("WithdrawInvited", vault, calls.function("withdraw_invited").encode(who, currency))]
    return None
