# SPDX-License-Identifier: Apache-2.0
"""license_of, quote, order_hash, locks, terms in time, texts, wiring."""

import json

import pytest

from ipto import ids
from ipto.structs import PERPETUAL, ZERO32, ZERO_ADDRESS
from tests.contracts.support.build import (
    YEAR,
    buy,
    chain_id,
    digest,
    hold,
    offer_for,
    on_sale,
    post,
    register,
    with_market,
)
from tests.contracts.support.contract import deploy, reverts
from tests.contracts.support.system import CONTRACTS, System, now, travel


def test_unknown_licenses(system: System) -> None:
    calls = [
        ("license_of", 1),
        ("locked", 1),
        ("startTime", 1),
        ("endTime", 1),
        ("isTokenExpired", 1),
        ("tokenURI", 1),
        ("royaltyInfo", 1, 1),
        ("isTransferable", 1, system.creator, system.heir),
        ("isTransferable", 1, system.creator, ZERO_ADDRESS),
        ("isTransferable", 1, ZERO_ADDRESS, ZERO_ADDRESS),
    ]
    for name, *arguments in calls:
        with reverts("erc721: no such token"):
            getattr(system.market, name)(*arguments)


def test_quote(system: System) -> None:
    notice = digest()
    offer = offer_for(register(system, cultural=notice), system.creator, price=10_000)
    assert system.market.quote(offer) == (10_000, 0, ids.acknowledgement(offer.terms, notice, 0))
    system.market.set_fee(250, system.treasury, sender=system.owner)
    system.market.set_paused(True, sender=system.owner)
    assert system.market.quote(offer)[:2] == (10_250, 250)
    hold(system, offer.work)
    with reverts("registry: work is on hold"):
        system.market.quote(offer)
    with reverts("erc721: no such token"):
        system.market.quote(offer_for(1, system.creator))


def test_order_hash(system: System) -> None:
    offer = on_sale(system)
    party, acknowledged = digest(), digest()
    expected = ids.order_hash(chain_id(), ids.offer_id(offer), str(system.heir), party, acknowledged)
    assert system.market.order_hash(ids.offer_id(offer), system.heir, party, acknowledged) == expected


@pytest.mark.parametrize("flags", [0, 2])
def test_locks(system: System, flags: int) -> None:
    """ERC-5192 and ERC-6454; the zero addresses ask about the token in general, about minting, about burning."""
    license = buy(system, on_sale(system, flags=flags))
    is_free = flags == 2
    assert system.market.locked(license) is not is_free
    assert system.market.isTransferable(license, system.licensee, system.heir) is is_free
    assert system.market.isTransferable(license, ZERO_ADDRESS, ZERO_ADDRESS) is is_free
    assert system.market.isTransferable(license, system.licensee, ZERO_ADDRESS) is False
    assert system.market.isTransferable(1, ZERO_ADDRESS, system.heir) is True


def test_terms_in_time(system: System) -> None:
    license, endless = buy(system, on_sale(system)), buy(system, on_sale(system, term=PERPETUAL))
    issued = now()
    assert system.market.expiryType() == 1
    assert (system.market.startTime(license), system.market.endTime(license)) == (issued, issued + YEAR)
    assert (system.market.startTime(endless), system.market.endTime(endless)) == (issued, 2**256 - 1)
    travel(YEAR - 1)
    assert not system.market.isTokenExpired(license)
    travel(1)
    assert system.market.isTokenExpired(license)
    travel(2**40 - 1 - now())
    assert not system.market.isTokenExpired(endless)


def test_texts(system: System) -> None:
    license = buy(system, on_sale(system))
    assert system.market.tokenURI(license) == system.certificates.license_uri(system.market.address, license)
    head, body = system.market.contractURI().split(",", 1)
    assert head == "data:application/json;utf8"
    data = json.loads(body)
    assert (data["name"], data["symbol"]) == ("IPTO licenses", "LIC")
    assert (system.market.name(), system.market.symbol()) == ("IPTO licenses", "LIC")


def test_a_renderer_is_asked(system: System) -> None:
    renderer = deploy(CONTRACTS.parent / "tests" / "contracts" / "hostile" / "Renderer.vy")
    market = system.new_market(certificates=renderer.address)
    offer = offer_for(register(system), system.creator, price=0)
    market.post(offer, sender=system.creator)
    license = market.mint(offer, system.licensee, ZERO32, 0, market.quote(offer)[2])
    assert market.tokenURI(license) == "certificate"
    assert renderer.asked(market.address, license)


def test_without_a_renderer_there_is_no_certificate(system: System) -> None:
    plain = with_market(system, certificates=ZERO_ADDRESS)
    assert plain.market.tokenURI(buy(plain, on_sale(plain))) == ""


def test_offer_status_of_nothing(system: System) -> None:
    assert system.market.offer_status(digest()) == (False, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


def test_has_no_consent_to_begin_with(system: System) -> None:
    assert not system.market.has_consent(ids.offer_id(on_sale(system)), system.steward)
    assert system.market.exclusive_until(1, 1) == 0


def test_wiring(system: System) -> None:
    names = ("VAULT", "REGISTRY", "SIGNED_ACTIONS", "DISPUTES", "CERTIFICATES", "RECEIVERS")
    found = [getattr(system.market, name)() for name in names]
    wired = [system.vault, system.registry, system.signed, system.disputes]
    assert found == [part.address for part in (*wired, system.certificates, system.receivers)]
    assert system.market.owner() == system.owner


def test_bad_wiring(system: System) -> None:
    wrong = {"owner": ZERO_ADDRESS}
    wrong |= {name: str(system.thief) for name in ("vault", "registry", "signed", "receivers")}
    for name, address in wrong.items():
        with reverts("market: bad wiring"):
            system.new_market(**{name: address})


def test_posting_twice_in_one_second_after_a_return(system: System) -> None:
    """The licensor has not changed within that second, so nobody is surprised: the offer is still the owner's."""
    offer = post(system, register(system))
    system.registry.transferFrom(system.creator, system.heir, offer.work, sender=system.creator)
    with reverts("market: work has another owner"):
        buy(system, offer)
    system.registry.transferFrom(system.heir, system.creator, offer.work, sender=system.heir)
    buy(system, offer)
