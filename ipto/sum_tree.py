# SPDX-License-Identifier: Apache-2.0
"""The Merkle-sum tree of a usage report: built from its leaves, proven for many leaves at once.

Every node carries the sum of what is below it, so the root says what all leaves share; it also says how many there
are. The form is that of `contracts/interfaces/IUsageSettlement.vyi`. A node takes 48 bytes here: a tree of 131,072
leaves 13 MB, built in one pass over them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ipto._keccak import keccak
from ipto.errors import InputError
from ipto.structs import SumNode

__all__ = ["MAX_LEAVES", "MAX_SUM", "Share", "SumTree", "root_of"]

MAX_LEAVES = 2**32 - 1
MAX_SUM = 2**104 - 1  # what one report can bring

_LEAF, _NODE, _ROOT = (keccak(f"IPTO usage {kind}".encode()) for kind in ("leaf", "node", "root"))
_SUM = 16  # bytes of a sum as it is kept
_RECORD = 32 + _SUM
_PAD = bytes(32 - _SUM)
_NOTHING = (bytes(32), 0)


class Share(NamedTuple):
    """One leaf: what the report brings to one offer. spell: of a dataset's member, 0 for a license of one offer."""

    offer_id: bytes
    spell: int
    amount: int  # smallest unit


def _leaf(share: Share) -> bytes:
    if len(share.offer_id) != 32 or not 0 <= share.spell < 2**32 or not 0 <= share.amount <= MAX_SUM:
        raise InputError(f"{share} is no share: an offer id of 32 bytes, a spell of 32 bits, an amount of 104 bits")
    return keccak(_LEAF + share.offer_id + share.spell.to_bytes(32, "big") + share.amount.to_bytes(32, "big"))


def _node(left: bytes, left_sum: int, right: bytes, right_sum: int) -> bytes:
    return keccak(_NODE + left + left_sum.to_bytes(32, "big") + right + right_sum.to_bytes(32, "big"))


def _root(count: int, total: int, top: bytes) -> bytes:
    return keccak(_ROOT + count.to_bytes(32, "big") + total.to_bytes(32, "big") + top)


class SumTree:
    """A tree over shares, in the order given. Raises InputError for none, too many, and a sum beyond 104 bits."""

    def __init__(self, shares: Iterable[Share]) -> None:
        level = bytearray()
        total = 0
        for share in shares:
            level += _leaf(share) + share.amount.to_bytes(_SUM, "big")
            total += share.amount
        if not level:
            raise InputError("a tree needs at least one share; a report that brings nothing has no tree")
        if total > MAX_SUM:
            raise InputError("the shares sum to more than 104 bits; split the report")
        self.count = len(level) // _RECORD
        if self.count > MAX_LEAVES:
            raise InputError(f"{self.count} shares are too many; a report has at most {MAX_LEAVES}")
        self.total = total
        self._levels = [level]
        while len(self._levels[-1]) > _RECORD:
            self._levels.append(_level_above(self._levels[-1]))
        self.root = _root(self.count, total, bytes(self._levels[-1][:32]))

    def proof(self, indexes: Sequence[int]) -> list[SumNode]:
        """The nodes beside the paths of these leaves, in the order the contract takes them.

        indexes: strictly ascending. Raises InputError otherwise.
        """
        known = _checked(indexes, self.count)
        proof: list[SumNode] = []
        for level in self._levels[:-1]:
            width = len(level) // _RECORD
            given = set(known)
            for place in known:
                if place ^ 1 not in given and place ^ 1 < width:
                    at = (place ^ 1) * _RECORD
                    amount = int.from_bytes(level[at + 32 : at + _RECORD], "big")
                    proof.append(SumNode(bytes(level[at : at + 32]), amount))
            known = list(dict.fromkeys(place >> 1 for place in known))
        return proof


def _level_above(level: bytearray) -> bytearray:
    above = bytearray()
    for at in range(0, len(level), 2 * _RECORD):
        pair = bytes(level[at : at + 2 * _RECORD]).ljust(2 * _RECORD, b"\0")
        left, left_sum = pair[:32], pair[32:48]
        right, right_sum = pair[48:80], pair[80:]
        above += keccak(_NODE + left + _PAD + left_sum + right + _PAD + right_sum)
        above += (int.from_bytes(left_sum, "big") + int.from_bytes(right_sum, "big")).to_bytes(_SUM, "big")
    return above


def _checked(indexes: Sequence[int], count: int) -> list[int]:
    known = list(indexes)
    if not known or known != sorted(set(known)) or known[0] < 0 or known[-1] >= count:
        raise InputError(f"name leaves in ascending order, each once, from 0 to {count - 1}")
    return known


def root_of(count: int, leaves: Sequence[tuple[int, Share]], proof: Sequence[SumNode]) -> tuple[bytes, int]:
    """The root and total that leaves, by their indexes, and a proof lead to; what the contract compares.

    Raises InputError for a proof that does not fit the leaves' places.
    """
    _checked([index for index, _ in leaves], count)
    known = {index: (_leaf(share), share.amount) for index, share in leaves}
    rest = iter(proof)
    width = count
    while width > 1:
        above: dict[int, tuple[bytes, int]] = {}
        for place in sorted(known):
            if place >> 1 in above:
                continue
            pair = []
            for side in (place & ~1, place | 1):
                if side in known:
                    pair.append(known[side])
                elif side >= width:
                    pair.append(_NOTHING)
                elif (node := next(rest, None)) is not None:
                    pair.append((node.digest, node.amount))
                else:
                    raise InputError("the proof is too short for these leaves")
            above[place >> 1] = (_node(*pair[0], *pair[1]), pair[0][1] + pair[1][1])
        known, width = above, (width + 1) >> 1
    if next(rest, None) is not None:
        raise InputError("the proof is too long for these leaves")
    top, total = known[0]
    return _root(count, total, top), total
