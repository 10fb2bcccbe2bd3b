# SPDX-License-Identifier: Apache-2.0
"""license_uri: valid JSON around a valid SVG for whatever a market answers, and it says what the license says."""

from datetime import UTC, datetime
from typing import Any

import boa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ipto.structs import PERPETUAL
from tests.contracts.Certificates.certificate import ASPECTS, FORBIDS, USAGES, Certificate, read
from tests.contracts.support.build import YEAR, buy, chain_id, on_sale, with_market
from tests.contracts.support.contract import Contract, hostile, reverts
from tests.contracts.support.effort import effort
from tests.contracts.support.system import System, now, travel
from tests.ipto.strategies import addresses, digests, uints


def certificate(system: System, license: int) -> Certificate:
    return read(system.market.tokenURI(license))


def words(found: Certificate, kind: str) -> list[str]:
    return [text for name, text in found.texts if name == kind]


def test_says_what_was_sold(system: System) -> None:
    offer = on_sale(
        system,
        usages=0b1000_0001,
        aspects=0b1_0000_0010,
        forbids=0b100_0001,
        start_ms=61_000,
        end_ms=93_507,
        revenue_share_bps=305,
        report_every=1,
        after_term=2,
        flags=2,
    )
    license = buy(system, offer)
    found = certificate(system, license)
    number = f"{license:064x}"
    where = f"eip155:{chain_id()}:{system.market.address.lower()}"
    assert found.name == f"IPTO license {number[:8]}-1"
    assert found.traits == {
        "Status": "in force",
        "Market": where,
        "Holder": system.licensee.lower(),
        "Sale": "1",
        "Issued": now(),
        "Expires": now() + YEAR,
        "Transferable": "yes",
        "Offer": f"0x{number[:-8]}00000000",
        "Scene": "61.000 to 93.507 s",
        "Revenue share": "3.05 %",
        "After the term": "no new outputs after a grace period",
        "Kind": "non-exclusive",
    }
    assert found.lists == {
        "Usage": ["Train", "Adapt"],
        "Aspect": ["Choreography", "Sound"],
        "Never": ["Likeness or voice", "Biometric identification"],
    }
    assert words(found, "m") == [
        number,
        f"{number[:-8]}00000000",
        "1",
        where,
        system.licensee.lower(),
        f"{datetime.fromtimestamp(now(), UTC):%Y-%m-%d %H:%M} UTC",
        f"{datetime.fromtimestamp(now() + YEAR, UTC):%Y-%m-%d %H:%M} UTC",
        "61.000 to 93.507 s",
        "3.05 %",
        "no new outputs after a grace period",
        "non-exclusive",
    ]
    marked = [text[2:] for text in words(found, "y")[1:]]
    assert marked == ["Train", "Adapt", "Choreography", "Sound", "Likeness or voice", "Biometric identification"]
    assert "earlier ones remain" in found.description
    assert "a claim, not a title" in found.description


def test_for_ever_and_the_whole_work(system: System) -> None:
    traits = certificate(system, buy(system, on_sale(system, term=PERPETUAL))).traits
    assert (traits["Expires"], traits["Scene"], traits["Transferable"]) == ("never", "the whole work", "no")


@pytest.mark.parametrize(
    ("flags", "kind"),
    [(0, "non-exclusive"), (4, "exclusive"), (8, "non-exclusive, for one model"), (12, "exclusive, for one model")],
)
def test_kinds(system: System, flags: int, kind: str) -> None:
    assert certificate(system, buy(system, on_sale(system, flags=flags))).traits["Kind"] == kind


@pytest.mark.parametrize(
    ("code", "text"), [(1, "models survive"), (2, "no new outputs after a grace period"), (3, "models are retired")]
)
def test_after_the_term(system: System, code: int, text: str) -> None:
    assert certificate(system, buy(system, on_sale(system, after_term=code))).traits["After the term"] == text


def test_follows_the_clock_the_holder_and_a_ruling(system: System) -> None:
    ruled = with_market(system, disputes=str(system.keeper))
    offer = on_sale(ruled, flags=2)
    license, other = buy(ruled, offer), buy(ruled, offer)
    ruled.market.transferFrom(ruled.licensee, ruled.heir, license, sender=ruled.licensee)
    assert certificate(ruled, license).traits["Holder"] == ruled.heir.lower()
    travel(YEAR - 1)
    assert certificate(ruled, license).traits["Status"] == "in force"
    ruled.market.end_license(other, sender=ruled.keeper)
    assert certificate(ruled, other).traits["Status"] == "ended by a ruling"
    travel(1)
    assert certificate(ruled, license).traits["Status"] == "expired"
    assert ("y", "expired") in certificate(ruled, license).texts
    assert certificate(ruled, other).traits["Status"] == "ended by a ruling"


def test_unknown(system: System) -> None:
    with reverts("erc721: no such token"):
        system.certificates.license_uri(system.market.address, 1)


def test_is_read_by_a_node_with_gas_to_spare(system: System) -> None:
    """Nodes allow 50 million and more for a call; this one needs a small part of it."""
    license = buy(system, on_sale(system, usages=255, aspects=511, forbids=127))
    data = system.market.data("tokenURI", license)
    done = boa.env.execute_code(to_address=system.market.address, data=data, gas=2_000_000, is_modifying=False)
    assert not done.is_error


@pytest.fixture(scope="module")
def answers(system: System) -> Contract:
    """A market that answers anything."""
    return hostile("Answers")


LICENSES = st.tuples(addresses, uints(40), uints(40), uints(8), digests)
STATUSES = st.tuples(
    st.booleans(),
    uints(32),
    uints(40),
    uints(16),
    uints(16),
    uints(16),
    uints(16),
    uints(32),
    uints(32),
    uints(8),
    uints(8),
)
MOST: tuple[Any, ...] = (True, 2**32 - 1, 2**40 - 1, *[2**16 - 1] * 4, 2**32 - 1, 2**32 - 2, 2, 255)


@effort(8)
@given(uints(256), LICENSES, STATUSES)
@example(2**256 - 1, ("0x" + "ff" * 20, 2**40 - 1, 2**40 - 2, 255, b"\xff" * 32), MOST)
@example(0, ("0x" + "00" * 20, 0, 0, 0, bytes(32)), (False, *[0] * 10))
def test_valid_and_true_for_every_answer(
    system: System, answers: Contract, number: int, license: tuple[Any, ...], status: tuple[Any, ...]
) -> None:
    answers.tell(license, status)
    found = read(system.certificates.license_uri(answers.address, number))
    holder, issued, expires, flags, source = license
    usages, aspects, forbids, share = status[3:7]
    assert found.lists == {
        "Usage": [label for bit, label in enumerate(USAGES) if usages >> bit & 1],
        "Aspect": [label for bit, label in enumerate(ASPECTS) if aspects >> bit & 1],
        "Never": [label for bit, label in enumerate(FORBIDS) if forbids >> bit & 1],
    }
    state = "ended by a ruling" if flags & 2 else "expired" if expires <= now() else "in force"
    assert found.traits["Status"] == state
    assert found.traits["Holder"] == holder.lower()
    assert found.traits["Issued"] == issued
    assert found.traits["Expires"] == ("never" if expires == PERPETUAL else expires)
    assert found.traits["Offer"] == f"0x{source.hex()}"
    assert found.traits["Sale"] == str(number & 0xFFFFFFFF)
    assert found.traits["Revenue share"] == f"{share // 100}.{share % 100:02} %"
    assert len(found.texts) == 55
