# SPDX-License-Identifier: Apache-2.0
"""What each event of the vault changes: balances, what each person had from each split, and the ledger's lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from indexer.event import Event, Handler, u256
from indexer.rows import Add, Change, Put, Read, Set
from indexer.schema import ACCOUNTS, BALANCES, LEDGER, MEMBERS, SPLIT_PAID, SPLITS

_SHARE_BYTES = 36
_TAG_INVITED = b"\x03"


class Recipient(NamedTuple):
    """One recipient of a split: a 32-byte account and its parts of 1,000,000."""

    account: bytes
    share: int


def pack_shares(shares: Sequence[tuple[bytes, int]]) -> bytes:
    """A split's recipients in their order, 36 bytes each."""
    return b"".join(account + share.to_bytes(4) for account, share in shares)


def unpack_shares(packed: bytes) -> list[Recipient]:
    """The reverse of `pack_shares`."""
    parts = (packed[at : at + _SHARE_BYTES] for at in range(0, len(packed), _SHARE_BYTES))
    return [Recipient(part[:32], int.from_bytes(part[32:])) for part in parts]


def account_of(address: bytes) -> bytes:
    """The vault's account of an address."""
    return bytes(12) + address


def is_address(account: bytes) -> bool:
    """Whether an account is an address (and not a split or a sub-account)."""
    return account.startswith(bytes(12))


def split_declared(event: Event, _read: Read) -> Sequence[Change]:
    args = event.args
    split = args["split"]
    row = {"controller": args["controller"], "shares": pack_shares(args["shares"])}
    members = [Set(MEMBERS, (account, split), {"share": share}) for account, share in args["shares"]]
    return [Set(SPLITS, (split,), row), *members]


def credited(event: Event, _read: Read) -> Sequence[Change]:
    args = event.args
    account, currency, amount = args["account"], args["currency"], args["amount"]
    return (
        Add(BALANCES, (account, currency), {"balance": amount, "credited": amount}),
        _line(event, 0, account, "credited", amount, account_of(args["market"])),
    )


def booked(event: Event, _read: Read) -> Sequence[Change]:
    args = event.args
    source, account, currency, amount = args["source"], args["account"], args["currency"], args["amount"]
    return (
        Add(BALANCES, (source, currency), {"balance": -amount, "booked_out": amount}),
        Add(BALANCES, (account, currency), {"balance": amount, "booked_in": amount}),
        _line(event, 0, source, "booked_out", amount, account),
        _line(event, 1, account, "booked_in", amount, source),
    )


def distributed(event: Event, _read: Read) -> Sequence[Change]:
    args = event.args
    split, currency, kept = args["split"], args["currency"], args["kept"]
    amounts: tuple[int, ...] = args["amounts"]
    total = sum(amounts)
    changes: list[Change] = [
        Add(BALANCES, (split, currency), {"balance": -total, "distributed": total}),
        _line(event, 0, split, "distributed", total, split),
    ]
    # Told by the event itself: a split that nobody declared can be paid as well.
    for at, ((account, _), amount) in enumerate(zip(args["shares"], amounts, strict=True)):
        if not amount:
            continue
        if kept >> at & 1:
            pushed, kind, sums = 0, "share_booked", {"balance": amount, "shared_in": amount}
        else:
            pushed, kind, sums = amount, "share_sent", {"pushed": amount}
        changes += (
            Add(BALANCES, (account, currency), sums),
            Add(SPLIT_PAID, (split, account, currency), {"amount": amount, "pushed": pushed}),
            _line(event, at + 1, account, kind, amount, split),
        )
    return changes


def withdrawn(event: Event, _read: Read) -> Sequence[Change]:
    args = event.args
    account, currency, amount = args["account"], args["currency"], args["amount"]
    return (
        Add(BALANCES, (account, currency), {"balance": -amount, "withdrawn": amount}),
        _line(event, 0, account, "withdrawn", amount, account_of(args["to"])),
    )


def refused(event: Event, _read: Read) -> Sequence[Change]:
    # Nothing moved; the person should still see that somebody tried to pay.
    args = event.args
    return (_line(event, 0, args["account"], "refused", args["amount"], account_of(args["to"])),)


def redirected(event: Event, _read: Read) -> Sequence[Change]:
    return (Set(ACCOUNTS, (account_of(event.args["account"]),), {"redirect": event.args["to"]}),)


def invitation_accepted(event: Event, _read: Read) -> Sequence[Change]:
    account = _TAG_INVITED + bytes(11) + event.args["key"]
    return (Set(ACCOUNTS, (account,), {"accepted_by": event.args["to"]}),)


def _line(event: Event, line: int, account: bytes, kind: str, amount: int, other: bytes) -> Change:
    row = {
        "seq": event.seq,
        "line": line,
        "account": account,
        "currency": event.args["currency"],
        "kind": kind,
        "amount": u256(amount),
        "other": other,
    }
    return Put(LEDGER, row)


HANDLERS: dict[tuple[str, str], Handler] = {
    ("RoyaltyVault", "SplitDeclared"): split_declared,
    ("RoyaltyVault", "Credited"): credited,
    ("RoyaltyVault", "Booked"): booked,
    ("RoyaltyVault", "Distributed"): distributed,
    ("RoyaltyVault", "Withdrawn"): withdrawn,
    ("RoyaltyVault", "Refused"): refused,
    ("RoyaltyVault", "Redirected"): redirected,
    ("RoyaltyVault", "InvitationAccepted"): invitation_accepted,
}
