# SPDX-License-Identifier: Apache-2.0
"""report_with_authorization: a signed payment reports exactly what was signed, whoever submits it."""

from dataclasses import replace

import pytest
from eth_abi import encode
from eth_utils import keccak

from ipto import ids
from ipto.structs import UsageReport
from tests.contracts.support.build import authorization, chain_id, digest
from tests.contracts.support.contract import reverts
from tests.contracts.support.system import balance, travel
from tests.contracts.support.usage import FINAL, MONTH, Usage


def prepared(usage: Usage):  # type: ignore[no-untyped-def]
    token, licensee = usage.system.usd, usage.system.licensee
    offer, license = usage.sell(currency=token.address, price=0)
    travel(MONTH)
    token.mint(licensee, 1_000)
    return offer, usage.reported(license), token, licensee


def test_anyone_submits(usage: Usage) -> None:
    offer, said, token, licensee = prepared(usage)
    proof = usage.authorize(licensee, token.address, said)
    report = usage.contract.report_with_authorization(offer, said, proof, sender=usage.system.relayer)
    assert usage.held_by(report, token.address) == 1_000
    assert balance(token.address, licensee) == 0
    (event,) = usage.contract.events("UsageReported")
    assert event["reporter"] == licensee


def test_a_developer_pays_where_it_was_allowed(usage: Usage) -> None:
    offer, said, token, licensee = prepared(usage)
    token.mint(usage.developer, 1_000)
    proof = usage.authorize(usage.developer, token.address, said)
    with reverts("usage: not a reporter"):
        usage.contract.report_with_authorization(offer, said, proof)
    usage.contract.authorize(licensee, usage.market, said.license, usage.developer, True, sender=licensee)
    usage.contract.report_with_authorization(offer, said, proof)
    assert balance(token.address, licensee) == 1_000
    assert balance(token.address, usage.developer) == 0


@pytest.mark.parametrize(
    "changes",
    [{"through": 1}, {"flags": FINAL}, {"root": digest("r")}, {"manifest": digest("m")}, {"model": bytes(32)}],
)
def test_nothing_of_it_can_be_changed(usage: Usage, changes: dict[str, object]) -> None:
    offer, said, token, licensee = prepared(usage)
    if "through" in changes:
        changes = {"through": said.through - 1}
    proof = usage.authorize(licensee, token.address, said)
    with reverts("token: bad signature"):
        usage.contract.report_with_authorization(offer, replace(said, **changes), proof, sender=usage.system.thief)


def test_not_for_another_amount(usage: Usage) -> None:
    offer, said, token, licensee = prepared(usage)
    proof = usage.authorize(licensee, token.address, said, value=999)
    with reverts("token: bad signature"):
        usage.contract.report_with_authorization(offer, said, proof)


def test_a_payment_meant_for_the_market_reports_nothing(usage: Usage) -> None:
    offer, said, token, licensee = prepared(usage)
    order = usage.contract.order_hash(said)
    for spender in (usage.market, usage.system.vault.address):
        nonce = ids.authorization_nonce(spender, order)
        proof = authorization(token.address, licensee, usage.system.vault.address, 1_000, nonce)
        with reverts("token: bad signature"):
            usage.contract.report_with_authorization(offer, said, proof)


def test_once(usage: Usage) -> None:
    offer, said, token, licensee = prepared(usage)
    token.mint(licensee, 1_000)
    proof = usage.authorize(licensee, token.address, said)
    usage.contract.report_with_authorization(offer, said, proof)
    with reverts("usage: not the next report"):
        usage.contract.report_with_authorization(offer, said, proof)


def test_a_report_of_nothing_needs_no_payment(usage: Usage) -> None:
    offer, said, token, licensee = prepared(usage)
    nothing = usage.reported(said.license, total=0)
    with reverts("usage: nothing to authorize"):
        usage.contract.report_with_authorization(offer, nothing, usage.authorize(licensee, token.address, nothing))


def test_the_offer_must_be_the_licenses(usage: Usage) -> None:
    offer, said, token, licensee = prepared(usage)
    proof = usage.authorize(licensee, token.address, said)
    with reverts("usage: not the license's offer"):
        usage.contract.report_with_authorization(replace(offer, price=1), said, proof)


def test_order_hash(usage: Usage) -> None:
    _, said, _, _ = prepared(usage)
    kinds = ["uint256", UsageReport.abi_type()]
    assert usage.contract.order_hash(said) == keccak(encode(kinds, [chain_id(), said.as_tuple()]))
