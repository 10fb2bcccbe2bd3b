# SPDX-License-Identifier: Apache-2.0
"""An offer in plain words, derived from its fields alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ipto import _words
from ipto._odrl import basis_points
from ipto.quantities import Currency, describe_scene, describe_term, format_amount
from ipto.structs import NEVER, PERPETUAL, UNLIMITED, ZERO_ADDRESS, AfterTerm, Aspect, Forbid, OfferFlag, Unit, Usage


def summary_lines(
    chain: Mapping[str, Any],
    currency: Currency,
    *,
    work_title: str | None = None,
    territory: Sequence[str] = (),
    attribution: str | None = None,
    prohibited_uses: Sequence[str] = (),
) -> list[str]:
    """One statement a line. `chain` is an offer's JSON form, or the part of it that a dataset's terms hold."""
    flags = OfferFlag(chain.get("flags", OfferFlag.BUNDLE))
    usages, aspects = Usage(chain["usages"]), Aspect(chain["aspects"])
    if "work" in chain:
        subject = f"“{work_title}”" if work_title else "this work"
        lines = [f"License to {subject}, {describe_scene(chain['start_ms'], chain['end_ms'])}."]
    else:
        lines = ["License to each work of a dataset, as far as its offer goes."]
    lines.append("The licensee may: " + "; ".join(_words.USAGE[bit] for bit in usages) + ".")
    lines.append("This covers: " + "; ".join(_words.ASPECT[bit] for bit in aspects) + ". Nothing else of the work.")
    if left_out := _worth_saying(usages):
        lines.append(f"Not included: {left_out}.")
    if chain["forbids"] or prohibited_uses:
        ruled_out = [_words.FORBID[bit] for bit in Forbid(chain["forbids"])] + list(prohibited_uses)
        lines.append("Never: " + "; ".join(ruled_out) + ".")
    lines += _duration(chain, usages)
    lines += _money(chain, currency)
    lines += _sale(chain, flags)
    if territory:
        lines.append("Where: " + ("worldwide" if "worldwide" in territory else ", ".join(territory)) + ".")
    if attribution:
        lines.append(f"Credit on whatever is published: {attribution}.")
    return lines


def _worth_saying(usages: Usage) -> str:
    learning = usages & (Usage.TRAIN | Usage.FINE_TUNE | Usage.AI_INPUT)
    generating = usages & (Usage.GENERATE_COMMERCIAL | Usage.GENERATE_NONCOMMERCIAL)
    if learning and not generating:
        return "publishing AI output in which the work can be recognised"
    if generating == Usage.GENERATE_NONCOMMERCIAL:
        return "earning from AI output in which the work can be recognised"
    return ""


def _duration(chain: Mapping[str, Any], usages: Usage) -> list[str]:
    term = describe_term(chain["term"])
    is_endless = chain["term"] == PERPETUAL
    after = _words.AFTER_TERM[AfterTerm(chain["after_term"])]
    if not usages & (Usage.TRAIN | Usage.FINE_TUNE):
        after = "use ends; copies and indexes made of it are deleted within 30 days"
    return [
        f"It lasts {term}." if is_endless else f"It lasts {term} from the sale.",
        f"{'Should a ruling end it' if is_endless else 'After that'}, {after}.",
    ]


def _money(chain: Mapping[str, Any], currency: Currency) -> list[str]:
    lines = []
    if "price" in chain:
        price = int(chain["price"])
        lines.append(f"Price: {format_amount(price, currency)}, paid once, all of it to the work's payees."
                     if price else "It costs nothing.")  # fmt: skip
    if chain["unit"] != Unit.NONE:
        lines.append(
            f"And {format_amount(int(chain['unit_price']), currency)} for each {_words.UNIT[Unit(chain['unit'])]}."
        )
    if chain["revenue_share_bps"]:
        lines.append(
            f"And {basis_points(chain['revenue_share_bps'])} % of the revenue that the terms name as its base."
        )
    if chain["report_every"]:
        lines.append(f"Use is reported and paid every {describe_term(chain['report_every']).removeprefix('1 ')}.")
    return lines


def _sale(chain: Mapping[str, Any], flags: OfferFlag) -> list[str]:
    if "supply" not in chain:
        return []
    lines = []
    if flags & OfferFlag.EXCLUSIVE:
        lines.append("Exclusive: while it runs, this market sells no overlapping license; earlier ones stay valid.")
    else:
        lines.append("Not exclusive: others may be licensed too.")
    if flags & OfferFlag.ONE_MODEL:
        lines.append("For one model only, named once and for all.")
    if flags & OfferFlag.BUNDLE:
        lines.append("It may be sold as part of a dataset.")
    lines.append("It may be passed on." if flags & OfferFlag.TRANSFERABLE else "It cannot be passed on.")
    if chain["supply"] != UNLIMITED:
        lines.append(f"At most {chain['supply']} can be sold.")
    if chain["licensee"] != ZERO_ADDRESS:
        lines.append(f"Only {chain['licensee']} can buy it.")
    if chain["opens_at"]:
        lines.append(f"On sale from {_day(chain['opens_at'])}.")
    if chain["closes_at"] != NEVER:
        lines.append(f"On sale until {_day(chain['closes_at'])}.")
    return lines


def _day(timestamp: int) -> str:
    try:
        return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (OverflowError, ValueError):  # later than the calendar goes
        return f"{timestamp} seconds after 1970"
