# SPDX-License-Identifier: Apache-2.0
"""bind_model: a ONE_MODEL license names its model once."""

from dataclasses import replace

from ipto.structs import ZERO32
from tests.contracts.support.build import digest
from tests.contracts.support.contract import reverts
from tests.contracts.support.usage import Usage

ONE_MODEL, TRANSFERABLE = 8, 2


def test_once_and_for_good(usage: Usage) -> None:
    offer, license = usage.sell(flags=ONE_MODEL | TRANSFERABLE)
    licensee, heir = usage.system.licensee, usage.system.heir
    assert usage.contract.bound_model(license) == ZERO32
    usage.contract.bind_model(licensee, license, offer, usage.model, sender=licensee)
    assert usage.contract.events("ModelBound") == [{"license": license, "model": usage.model, "holder": licensee}]
    assert usage.contract.bound_model(license) == usage.model
    other = usage.contract.register_model(usage.developer, digest(), sender=usage.developer)
    usage.system.market.transferFrom(licensee, heir, license, sender=licensee)
    for model in (other, usage.model):
        with reverts("usage: license is bound already"):
            usage.contract.bind_model(heir, license, offer, model, sender=heir)


def test_only_where_the_offer_says_so(usage: Usage) -> None:
    offer, license = usage.sell(flags=TRANSFERABLE)
    licensee = usage.system.licensee
    with reverts("usage: license is for any model"):
        usage.contract.bind_model(licensee, license, offer, usage.model, sender=licensee)
    with reverts("usage: not the license's offer"):
        usage.contract.bind_model(licensee, license, replace(offer, flags=ONE_MODEL), usage.model, sender=licensee)


def test_by_the_holder(usage: Usage) -> None:
    offer, license = usage.sell(flags=ONE_MODEL)
    licensee, thief, developer = usage.system.licensee, usage.system.thief, usage.developer
    usage.contract.authorize(licensee, usage.market, license, developer, True, sender=licensee)
    for stranger in (thief, developer, usage.system.creator):
        with reverts("usage: not the holder"):
            usage.contract.bind_model(stranger, license, offer, usage.model, sender=stranger)
    with reverts("usage: not the actor"):
        usage.contract.bind_model(licensee, license, offer, usage.model, sender=thief)
    usage.contract.bind_model(licensee, license, offer, usage.model, sender=usage.system.signed.address)


def test_to_a_model_there_is(usage: Usage) -> None:
    offer, license = usage.sell(flags=ONE_MODEL)
    licensee = usage.system.licensee
    for model in (digest(), ZERO32):
        with reverts("usage: no such model"):
            usage.contract.bind_model(licensee, license, offer, model, sender=licensee)


def test_a_license_there_is(usage: Usage) -> None:
    offer, license = usage.sell(flags=ONE_MODEL)
    licensee = usage.system.licensee
    with reverts("erc721: no such token"):
        usage.contract.bind_model(licensee, license + 1, offer, usage.model, sender=licensee)
