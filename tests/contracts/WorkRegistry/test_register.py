# SPDX-License-Identifier: Apache-2.0
"""register: who may, what is refused, what is stored, logged and never forgotten."""

import base64
from dataclasses import replace

import pytest
from eth_utils import keccak
from hypothesis import given
from hypothesis import strategies as st

from ipto import ids
from ipto.structs import ZERO32, ZERO_ADDRESS, WorkInput
from tests.contracts.support.build import declare, digest, even_split, work_input, work_of_input
from tests.contracts.support.contract import Reverted, reverts, transact
from tests.contracts.support.effort import effort
from tests.contracts.support.system import System, now, travel

EQUAL = 86_400


def base16_cid(sha256: bytes) -> str:
    return "f01551220" + sha256.hex()


def test_mints_stores_and_logs(system: System) -> None:
    payee = declare(system, even_split(system.creator, system.dancer), system.controller)
    work = work_input(payee=payee, steward=str(system.steward), cultural=digest("notice"), cleared=5)
    number = system.registry.register(system.creator, work, sender=system.creator)
    assert number == ids.work_id(system.creator, work.content) == system.registry.work_id(system.creator, work.content)
    assert system.registry.events("Transfer") == [
        {"sender": ZERO_ADDRESS, "receiver": system.creator, "token_id": number}
    ]
    assert system.registry.events("WorkRegistered") == [
        {
            "work": number,
            "creator": system.creator,
            "content": work.content,
            "metadata": work.metadata,
            "cultural": work.cultural,
            "payee": payee,
            "steward": system.steward,
            "duration_ms": work.duration_ms,
            "cleared": 5,
            "flags": 4 | 8 | 32,
        }
    ]
    assert system.registry.events("Commit") == [
        {
            "recorder": system.creator,
            "assetCid": keccak(text=base16_cid(work.content)),
            "commitData": base16_cid(work.metadata),
        }
    ]
    assert [log.name for log in system.registry.logs] == ["Transfer", "WorkRegistered", "Commit"]
    assert system.registry.work_of(number) == work_of_input(work, system.creator, now(), 4 | 8 | 32)
    assert system.registry.ownerOf(number) == system.creator
    assert system.registry.balanceOf(system.creator) == 1


def test_the_least_a_work_can_have(system: System) -> None:
    work = work_input(duration_ms=1, cleared=1)
    number = system.registry.register(system.creator, work, sender=system.creator)
    assert system.registry.events("WorkRegistered")[0]["flags"] == 0
    assert system.registry.work_of(number) == work_of_input(work, system.creator, now(), 0)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"content": ZERO32}, "registry: content is zero"),
        ({"metadata": ZERO32}, "registry: metadata is zero"),
        ({"duration_ms": 0}, "registry: duration is zero"),
        ({"cleared": 0}, "registry: cleared aspects out of range"),
        ({"cleared": 2**9}, "registry: cleared aspects out of range"),
        ({"cleared": 2**16 - 1}, "registry: cleared aspects out of range"),
        ({"payee": b"\x01" + bytes(31)}, "registry: payee is not a declared split"),
        ({"payee": bytes(12) + b"\x11" * 20}, "registry: payee is not a declared split"),
    ],
)
def test_refuses(system: System, change: dict[str, object], reason: str) -> None:
    with reverts(reason):
        system.registry.register(system.creator, replace(work_input(), **change), sender=system.creator)  # type: ignore[arg-type]


def test_only_for_oneself(system: System) -> None:
    for sender in (system.thief, system.owner, system.market.address, system.vault.address):
        with reverts("registry: not the actor"):
            system.registry.register(system.creator, work_input(), sender=sender)


def test_signed_actions_may_for_its_signer(system: System) -> None:
    number = system.registry.register(system.creator, work_input(), sender=system.signed.address)
    assert system.registry.ownerOf(number) == system.creator


def test_one_creator_claims_a_content_once(system: System) -> None:
    work = work_input()
    system.registry.register(system.creator, work, sender=system.creator)
    again = replace(work, metadata=digest(), duration_ms=1)
    with reverts("registry: already registered"):
        system.registry.register(system.creator, again, sender=system.creator)


def test_not_even_after_it_was_given_away(system: System) -> None:
    work = work_input()
    number = system.registry.register(system.creator, work, sender=system.creator)
    system.registry.transferFrom(system.creator, system.heir, number, sender=system.creator)
    with reverts("registry: already registered"):
        system.registry.register(system.creator, work, sender=system.creator)


def test_paused(system: System) -> None:
    system.registry.set_paused(True, sender=system.owner)
    with reverts("registry: paused"):
        system.registry.register(system.creator, work_input(), sender=system.creator)
    system.registry.set_paused(False, sender=system.owner)
    system.registry.register(system.creator, work_input(), sender=system.creator)


@pytest.mark.parametrize(("later", "flags"), [(0, 0), (1, 0), (EQUAL - 1, 0), (EQUAL, 0), (EQUAL + 1, 2), (10**9, 2)])
def test_a_day_makes_a_later_claim(system: System, later: int, flags: int) -> None:
    work = work_input()
    first = system.registry.register(system.creator, work, sender=system.creator)
    claimed = now()
    travel(later)
    second = system.registry.register(system.thief, work, sender=system.thief)
    assert second != first
    assert system.registry.events("WorkRegistered")[0]["flags"] == flags
    assert system.registry.sale_terms(second)[6] == flags
    assert system.registry.sale_terms(first)[6] == 0
    assert system.registry.first_claim(work.content) == (first, claimed)


def test_squatting_a_digest_blocks_nobody(system: System) -> None:
    work = work_input()
    system.registry.register(system.thief, work, sender=system.thief)
    travel(EQUAL + 1)
    number = system.registry.register(system.creator, work, sender=system.creator)
    assert system.registry.ownerOf(number) == system.creator


@effort(25)
@given(
    st.integers(1, 2**32 - 1),
    st.integers(1, 2**9 - 1),
    st.binary(min_size=32, max_size=32).filter(any),
    st.binary(min_size=32, max_size=32).filter(any),
    st.one_of(st.just(ZERO32), st.binary(min_size=32, max_size=32)),
    st.sampled_from([ZERO_ADDRESS, "0x" + "ff" * 20, "0x" + "00" * 19 + "01"]),
    st.sampled_from([1, 2**32, 2**40 - 1]),
)
def test_fields_do_not_touch_their_neighbours(
    system: System,
    duration: int,
    cleared: int,
    content: bytes,
    metadata: bytes,
    cultural: bytes,
    steward: str,
    when: int,
) -> None:
    travel(when - now())
    work = WorkInput(content, metadata, cultural, ZERO32, steward, duration, cleared)
    number = system.registry.register(system.creator, work, sender=system.creator)
    flags = (8 if steward != ZERO_ADDRESS else 0) | (32 if any(cultural) else 0)
    assert system.registry.work_of(number) == work_of_input(work, system.creator, when, flags)
    uri = system.registry.tokenURI(number)
    packed = b"\x01\x55\x12\x20" + metadata
    assert uri == "ipfs://b" + base64.b32encode(packed).decode().lower().rstrip("=")


def test_the_highest_address_and_time(system: System) -> None:
    travel(2**40 - 1 - now())
    creator, work = "0x" + "fF" * 20, work_input(duration_ms=2**32 - 1)
    number = system.registry.register(creator, work, sender=creator)
    assert system.registry.work_of(number)[1:5] == (2**40 - 1, 2**32 - 1, 2**9 - 1, 0)
    assert system.registry.first_claim(work.content) == (number, 2**40 - 1)


def test_fields_out_of_their_width_do_not_decode(system: System) -> None:
    data = bytearray(system.registry.data("register", system.creator, work_input()))
    for word in (5, 6, 7):  # steward, duration_ms, cleared: the first byte of each word must be zero
        broken = bytearray(data)
        broken[4 + 32 * word] = 1
        with pytest.raises(Reverted):
            transact(system.registry.address, bytes(broken), sender=system.creator)
