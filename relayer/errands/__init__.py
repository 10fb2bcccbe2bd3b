# SPDX-License-Identifier: Apache-2.0
"""What a relayer's operator does on its own account, with keys, queues and budgets apart from those of the creators:
pushing payouts to people who are owed (`keeper`) and gas money to lanes (`treasury`).

An errand is decided here and signed for by nobody else. It travels on a durable lane like a signed action, so that a
crash between deciding, signing, broadcasting and confirming neither loses nor repeats it.
"""

from __future__ import annotations

# Kinds of actions that nobody signed: kind → contract and function.
PAYOUTS = {
    "PayOut": ("RoyaltyVault", "pay_out"),
    "Distribute": ("RoyaltyVault", "distribute"),
    "Withdraw": ("RoyaltyVault", "withdraw"),
    "WithdrawInvited": ("RoyaltyVault", "withdraw_invited"),
    "Collect": ("DatasetMarket", "collect"),
    "ClaimShares": ("UsageSettlement", "claim"),
}
REFILL = "Refill"
ERRANDS = frozenset((*PAYOUTS, REFILL))
