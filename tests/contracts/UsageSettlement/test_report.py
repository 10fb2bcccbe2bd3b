# SPDX-License-Identifier: Apache-2.0
"""report: who may, what it must say, what it brings."""

from dataclasses import replace

import pytest

from ipto import ids
from ipto.structs import ETH, ZERO32, UsageReport
from tests.contracts.support.build import YEAR, digest, offer_for
from tests.contracts.support.contract import hostile, reverts
from tests.contracts.support.system import balance, now, travel
from tests.contracts.support.usage import FINAL, GRACE, LATE, MANIFEST, MONTH, SUPPLEMENT, WINDOW, Usage


def test_a_report_is_paid_in_full_and_remembered(usage: Usage) -> None:
    offer, license = usage.sell()
    sold_at = now()
    travel(MONTH)
    said = usage.reported(license)
    report = usage.report(offer, said)
    assert report == usage.contract.report_id(usage.market, license, 1)
    (event,) = usage.contract.events("UsageReported")
    assert event == {
        "report": report,
        "license": license,
        "model": usage.model,
        "market": usage.market,
        "reporter": usage.system.licensee,
        "number": 1,
        "since": sold_at,
        "through": now(),
        "currency": ETH,
        "total": 1_000,
        "root": said.root,
        "manifest": MANIFEST,
        "flags": 0,
        "opens_at": now() + WINDOW,
    }
    assert usage.contract.report_of(report) == (1_000, 0, now() + WINDOW, 0, said.root)
    assert usage.contract.ledger_of(usage.market, license) == (now(), 1, 0, 0, 0)
    assert usage.held_by(report) == 1_000


@pytest.mark.parametrize("total", [1, 10**24, 2**104 - 1])
def test_in_a_token(usage: Usage, total: int) -> None:
    token = usage.system.usd
    _, _, report = usage.made(currency=token.address, price=0, total=total)
    assert usage.held_by(report, token.address) == total
    assert balance(token.address, usage.system.licensee) == 0


def test_ids_of_reports_are_the_ledgers_and_the_number(usage: Usage) -> None:
    offer, license, first = usage.made()
    travel(MONTH)
    second = usage.report(offer, usage.reported(license))
    assert first[28:] == (1).to_bytes(4, "big")
    assert second == first[:28] + (2).to_bytes(4, "big")


def test_each_period_begins_where_the_last_one_ended(usage: Usage) -> None:
    offer, license, _ = usage.made()
    ended = now()
    travel(MONTH)
    usage.report(offer, usage.reported(license, through=now() - 5))
    assert usage.contract.events("UsageReported")[0]["since"] == ended
    travel(MONTH)
    with reverts("usage: period was reported already"):
        usage.report(offer, usage.reported(license, through=ended))


def test_a_period_cannot_end_in_the_future(usage: Usage) -> None:
    offer, license = usage.sell()
    with reverts("usage: period is not over"):
        usage.report(offer, usage.reported(license, through=now() + 1))


def test_no_report_is_sent_twice(usage: Usage) -> None:
    offer, license = usage.sell()
    travel(MONTH)
    said = usage.reported(license)
    usage.report(offer, said)
    travel(1)
    for number in (0, 1, 3, 2**32 - 1):
        with reverts("usage: not the next report"):
            usage.report(offer, replace(said, number=number))


def test_nothing_used_is_a_report_too(usage: Usage) -> None:
    _, license, report = usage.made(total=0)
    assert usage.contract.report_of(report)[0] == 0
    assert usage.contract.ledger_of(usage.market, license)[1] == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"total": 0, "root": digest("a root")}, "usage: root and total disagree"),
        ({"root": ZERO32}, "usage: root and total disagree"),
        ({"manifest": ZERO32}, "usage: manifest is zero"),
        ({"model": digest("nobody's")}, "usage: no such model"),
        ({"flags": 2}, "usage: flags out of range"),
        ({"flags": 255}, "usage: flags out of range"),
    ],
)
def test_what_it_says_must_fit_together(usage: Usage, changes: dict[str, object], reason: str) -> None:
    offer, license = usage.sell()
    travel(MONTH)
    with reverts(reason):
        usage.report(offer, usage.reported(license, **changes))


def test_usage_that_is_no_models(usage: Usage) -> None:
    usage.made(model=ZERO32)
    assert usage.contract.events("UsageReported")[0]["model"] == ZERO32


def test_a_supplement_brings_money_for_what_was_reported(usage: Usage) -> None:
    offer, license, _ = usage.made()
    through = now()
    travel(3 * MONTH)
    with reverts("usage: supplement without money"):
        usage.report(offer, usage.reported(license, through=through, total=0))
    report = usage.report(offer, usage.reported(license, through=through, total=7))
    assert usage.contract.report_of(report)[3] == SUPPLEMENT  # never late: it is owed to nobody by any date
    assert usage.contract.ledger_of(usage.market, license) == (through, 2, 0, 0, 0)
    assert usage.held_by(report) == 7


def test_late_is_for_ever_visible(usage: Usage) -> None:
    offer, license = usage.sell()
    travel(MONTH + GRACE)
    assert usage.contract.report_of(usage.report(offer, usage.reported(license)))[3] == 0
    travel(MONTH + GRACE + 1)
    assert usage.contract.report_of(usage.report(offer, usage.reported(license)))[3] == LATE
    assert usage.contract.ledger_of(usage.market, license)[2] == 1


def test_a_late_final_report(usage: Usage) -> None:
    offer, license = usage.sell()
    travel(MONTH + GRACE + 1)
    report = usage.report(offer, usage.reported(license, flags=FINAL))
    assert usage.contract.report_of(report)[3] == FINAL | LATE


def test_the_duty_outlives_the_term(usage: Usage) -> None:
    offer, license = usage.sell()
    travel(2 * YEAR)
    usage.report(offer, usage.reported(license))
    assert usage.contract.ledger_of(usage.market, license)[1] == 1


def test_by_whom(usage: Usage) -> None:
    offer, license = usage.sell()
    travel(MONTH)
    said = usage.reported(license)
    for stranger in (usage.system.thief, usage.developer, usage.system.creator, usage.system.relayer):
        with reverts("usage: not a reporter"):
            usage.report(offer, said, by=stranger)
    usage.contract.authorize(
        usage.system.licensee, usage.market, license, usage.developer, True, sender=usage.system.licensee
    )
    usage.report(offer, said, by=usage.developer)
    assert usage.contract.events("UsageReported")[0]["reporter"] == usage.developer


def test_the_offer_must_be_the_licenses(usage: Usage) -> None:
    offer, license = usage.sell()
    other, _ = usage.sell()
    for wrong in (other, replace(offer, report_every=0), replace(offer, currency=usage.system.usd.address)):
        with reverts("usage: not the license's offer"):
            usage.report(wrong, usage.reported(license))


def test_a_license_that_was_never_sold(usage: Usage) -> None:
    offer, license = usage.sell()
    unsold = license + 1
    with reverts("erc721: no such token"):
        usage.report(offer, usage.reported(unsold))
    never = offer_for(1, usage.system.creator, revenue_share_bps=1, report_every=1)
    with reverts("erc721: no such token"):
        usage.report(never, usage.reported(ids.license_id(ids.offer_id(never), 1)))


def test_a_flat_license_owes_no_reports(usage: Usage) -> None:
    offer, license = usage.sell(revenue_share_bps=0, report_every=0)
    with reverts("usage: license owes no reports"):
        usage.report(offer, usage.reported(license))


# ---- one model


def test_a_bound_license_reports_its_model_alone(usage: Usage) -> None:
    offer, license = usage.sell(flags=8)
    travel(MONTH)
    for model in (usage.model, ZERO32):
        with reverts("usage: license is bound to another model"):
            usage.report(offer, usage.reported(license, model=model))
    usage.contract.bind_model(usage.system.licensee, license, offer, usage.model, sender=usage.system.licensee)
    other = usage.contract.register_model(usage.developer, digest("other"), sender=usage.developer)
    for model in (other, ZERO32):
        with reverts("usage: license is bound to another model"):
            usage.report(offer, usage.reported(license, model=model))
    usage.report(offer, usage.reported(license))


# ---- final reports


def test_a_final_report_ends_the_duty_and_a_later_one_brings_it_back(usage: Usage) -> None:
    offer, license, report = usage.made(flags=FINAL)
    assert usage.contract.report_of(report)[3] == FINAL
    assert usage.contract.ledger_of(usage.market, license)[4] == 1
    travel(YEAR)
    usage.report(offer, usage.reported(license))
    assert usage.contract.ledger_of(usage.market, license) == (now(), 2, 0, 0, 0)


def test_a_supplement_leaves_a_final_report_standing(usage: Usage) -> None:
    offer, license, _ = usage.made(flags=FINAL)
    usage.report(offer, usage.reported(license))
    assert usage.contract.ledger_of(usage.market, license)[4] == 1


def test_a_final_report_may_come_without_time_or_money(usage: Usage) -> None:
    offer, license, _ = usage.made()
    report = usage.report(offer, usage.reported(license, total=0, flags=FINAL))
    assert usage.contract.report_of(report)[3] == FINAL
    assert usage.contract.ledger_of(usage.market, license)[4] == 2


# ---- money


@pytest.mark.parametrize("value", [0, 999, 1_001])
def test_exactly_the_total_in_ether(usage: Usage, value: int) -> None:
    offer, license = usage.sell()
    travel(MONTH)
    with reverts("usage: ETH sent differs from the total"):
        usage.report(offer, usage.reported(license), value=value)


def test_no_ether_with_a_report_of_nothing(usage: Usage) -> None:
    offer, license = usage.sell()
    travel(MONTH)
    with reverts("usage: ETH sent differs from the total"):
        usage.report(offer, usage.reported(license, total=0), value=1)


def test_no_ether_for_a_license_in_a_token(usage: Usage) -> None:
    offer, license = usage.sell(currency=usage.system.usd.address)
    travel(MONTH)
    with reverts("usage: license is not in ETH"):
        usage.report(offer, usage.reported(license), value=1_000)


FALSE, TRUE, TWO = ((number).to_bytes(32, "big") for number in (0, 1, 2))


@pytest.mark.parametrize(
    ("moves", "answer", "reason"),
    [
        (True, FALSE, "usage: token refused"),
        (False, FALSE, "usage: token refused"),
        (True, TWO, "usage: token refused"),
        (False, TRUE, "vault: received differs from the sum"),
        (False, b"", "vault: received differs from the sum"),
        (True, TRUE, None),
        (True, b"", None),
    ],
)
def test_a_token_that_answers_anything(usage: Usage, moves: bool, answer: bytes, reason: str | None) -> None:
    token = hostile("Answering")
    offer, license = usage.sell(currency=token.address, price=0)
    travel(MONTH)
    token.behave(moves, answer)
    if reason is None:
        assert usage.held_by(usage.report(offer, usage.reported(license)), token.address) == 1_000
        return
    with reverts(reason):
        usage.report(offer, usage.reported(license))
    assert usage.contract.ledger_of(usage.market, license)[1] == 0


def test_a_fee_taking_token_reports_nothing(usage: Usage) -> None:
    token = hostile("FeeTaking")
    offer, license = usage.sell(currency=token.address, price=0)
    travel(MONTH)
    token.set_fees(1, 0)
    with reverts("vault: received differs from the sum"):
        usage.report(offer, usage.reported(license))


def test_only_the_caller_pays(usage: Usage) -> None:
    """The holder's allowance is not the developer's to spend."""
    token, licensee = usage.system.usd, usage.system.licensee
    offer, license = usage.sell(currency=token.address, price=0)
    travel(MONTH)
    usage.system.fund(token, licensee, 1_000, usage.contract.address)
    usage.contract.authorize(licensee, usage.market, license, usage.developer, True, sender=licensee)
    with reverts(""):
        usage.report(offer, usage.reported(license), by=usage.developer, value=0)
    assert balance(token.address, licensee) == 1_000


def test_no_field_of_the_word_touches_another(usage: Usage) -> None:
    """Largest total beside largest clock and flags."""
    token = usage.system.usd.address
    offer, license, report = usage.made(currency=token, price=0, total=2**104 - 1, flags=FINAL)
    total, paid, opens_at, flags, _ = usage.contract.report_of(report)
    assert paid == 0
    assert (total, flags) == (2**104 - 1, FINAL)
    assert opens_at == now() + 30 * 86_400
    assert isinstance(usage.reported(license), UsageReport)
    assert usage.contract.due_at(license, offer)[0] == 2**256 - 1
