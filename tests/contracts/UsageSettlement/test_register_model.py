# SPDX-License-Identifier: Apache-2.0
"""register_model: a developer's model, by the digest of its card."""

from eth_abi import encode
from eth_utils import keccak

from ipto.structs import ZERO32, ZERO_ADDRESS
from tests.contracts.support.build import digest
from tests.contracts.support.contract import reverts
from tests.contracts.support.usage import Usage


def test_a_model_is_its_developer_and_its_card(usage: Usage) -> None:
    card, developer = digest(), usage.developer
    model = usage.contract.register_model(developer, card, sender=developer)
    assert model == keccak(encode(["address", "bytes32"], [developer, card]))
    assert model == usage.contract.model_id(developer, card)
    assert usage.contract.events("ModelRegistered") == [{"model": model, "developer": developer, "card": card}]
    assert usage.contract.developer_of(model) == developer


def test_the_same_card_of_another_developer_is_another_model(usage: Usage) -> None:
    card = digest()
    models = {usage.contract.register_model(who, card, sender=who) for who in (usage.developer, usage.system.thief)}
    assert len(models) == 2


def test_once(usage: Usage) -> None:
    card, developer = digest(), usage.developer
    usage.contract.register_model(developer, card, sender=developer)
    with reverts("usage: model registered already"):
        usage.contract.register_model(developer, card, sender=developer)


def test_a_card_there_must_be(usage: Usage) -> None:
    with reverts("usage: card is zero"):
        usage.contract.register_model(usage.developer, ZERO32, sender=usage.developer)


def test_in_nobody_elses_name(usage: Usage) -> None:
    for actor in (usage.developer, ZERO_ADDRESS):
        with reverts("usage: not the actor"):
            usage.contract.register_model(actor, digest(), sender=usage.system.thief)


def test_through_signed_actions(usage: Usage) -> None:
    model = usage.contract.register_model(usage.developer, digest(), sender=usage.system.signed.address)
    assert usage.contract.developer_of(model) == usage.developer


def test_an_unknown_model_has_no_developer(usage: Usage) -> None:
    assert usage.contract.developer_of(digest()) == ZERO_ADDRESS
