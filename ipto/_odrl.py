# SPDX-License-Identifier: Apache-2.0
"""Rules of a terms document in the W3C's rights language (ODRL 2.2, JSON-LD), derived from an offer's chain fields.

Actions ODRL has no word for stand under `ipto:` (urn:ipto:vocab:). Numbers are typed strings: a document has no floats.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ipto.quantities import Currency, format_amount
from ipto.structs import PERPETUAL, WHOLE_END_MS, AfterTerm, Aspect, Forbid, OfferFlag, Unit, Usage

Rule = dict[str, Any]

CONTEXT = [
    "http://www.w3.org/ns/odrl.jsonld",
    {
        "ipto": "urn:ipto:vocab:",
        "attribution": "ipto:attribution",
        "chain": {"@id": "ipto:chain", "@type": "@json"},
        "contact": "ipto:contact",
        "currency": {"@id": "ipto:currency", "@type": "@json"},
        "governing_law": "ipto:governingLaw",
        "guidelines": "ipto:guidelines",
        "licensor_name": "ipto:licensorName",
        "precedence": "ipto:precedence",
        "prohibited_uses": "ipto:prohibitedUses",
        "revenue_base": "ipto:revenueBase",
        "scope": "ipto:scope",
        "summary": "ipto:summary",
        "territory": "ipto:territory",
        "work_title": "ipto:workTitle",
    },
]

_STAGES = {Usage.TRAIN: "ipto:preTraining", Usage.FINE_TUNE: "ipto:fineTuning"}
_ACTIONS = {
    Usage.TRAIN: "ipto:trainGenerative",
    Usage.FINE_TUNE: "ipto:train",
    Usage.AI_INPUT: "ipto:infer",
    Usage.EVALUATE: "ipto:evaluate",
    Usage.INDEX: "index",
    Usage.GENERATE_COMMERCIAL: "ipto:generate",
    Usage.GENERATE_NONCOMMERCIAL: "ipto:generate",
    Usage.ADAPT: "derive",
}
_PURPOSES = {Usage.GENERATE_COMMERCIAL: "ipto:commercial", Usage.GENERATE_NONCOMMERCIAL: "ipto:nonCommercial"}
_AFTER = {AfterTerm.SUNSET: "ipto:stopOutput", AfterTerm.RETIRE: "ipto:retireModel"}


def camel(name: str) -> str:
    """`LIKENESS_OR_VOICE` as a term of the vocabulary: `ipto:likenessOrVoice`."""
    head, *rest = name.lower().split("_")
    return "ipto:" + head + "".join(part.capitalize() for part in rest)


def permissions(chain: Mapping[str, Any], territory: Sequence[str], attribution: str | None) -> list[Rule]:
    """One permission for each usage bit."""
    rules = []
    for usage in Usage(chain["usages"]):
        rule: Rule = {"target": _target(chain), "action": _action(usage)}
        constraints = [_constraint("purpose", "eq", _PURPOSES[usage])] if usage in _PURPOSES else []
        if chain["term"] != PERPETUAL:
            span = {"@type": "xsd:duration", "@value": f"PT{chain['term']}S"}
            constraints.append(_constraint("elapsedTime", "lteq", span))
        if "worldwide" not in territory:
            constraints.append(_constraint("spatial", "isAnyOf", list(territory)))
        if OfferFlag.EXCLUSIVE & chain.get("flags", 0):
            constraints.append(_constraint("ipto:exclusivity", "eq", "ipto:noLaterOverlappingLicense"))
        if OfferFlag.ONE_MODEL & chain.get("flags", 0):
            constraints.append(_constraint("count", "lteq", {"@type": "xsd:integer", "@value": "1"}, unit="ipto:model"))
        if constraints:
            rule["constraint"] = constraints
        if attribution and usage & (Usage.GENERATE_COMMERCIAL | Usage.GENERATE_NONCOMMERCIAL | Usage.ADAPT):
            rule["duty"] = [{"action": "attribute", "ipto:line": attribution}]
        rules.append(rule)
    return rules


def prohibitions(chain: Mapping[str, Any], uses: Sequence[str]) -> list[Rule]:
    """One prohibition for each forbid bit, and one for each use ruled out in words."""
    rules: list[Rule] = [{"target": _source(chain), "action": camel(str(bit.name))} for bit in Forbid(chain["forbids"])]
    rules += [
        {"target": _source(chain), "action": "use", "constraint": [_constraint("purpose", "eq", use)]} for use in uses
    ]
    return rules


def obligations(chain: Mapping[str, Any], currency: Currency, guidelines: Sequence[str]) -> list[Rule]:
    """What the licensee owes: the price, what is counted by use, reports, and what happens at the end."""
    rules: list[Rule] = []
    if "price" in chain:
        rules.append(_payment(int(chain["price"]), currency))
    if chain["unit"] != Unit.NONE:
        rules.append(_payment(int(chain["unit_price"]), currency, camel(Unit(chain["unit"]).name)))
    if chain["revenue_share_bps"]:
        share = {"@type": "xsd:decimal", "@value": basis_points(chain["revenue_share_bps"])}
        rules.append(_compensate(_constraint("percentage", "eq", share, unit="ipto:revenueBase")))
    if chain["report_every"]:
        span = {"@type": "xsd:duration", "@value": f"PT{chain['report_every']}S"}
        rules.append(
            {"action": "inform", "constraint": [_constraint("timeInterval", "eq", span)], "ipto:about": "ipto:usage"}
        )
    if chain["after_term"] in _AFTER:
        rules.append(
            {"action": _AFTER[chain["after_term"]], "constraint": [_constraint("event", "gt", "ipto:endOfTerm")]}
        )
    rules += [{"action": "inform", "ipto:guideline": line} for line in guidelines]
    return rules


def basis_points(bps: int) -> str:
    """Hundredths of a percent as a decimal: 250 is `2.5`."""
    whole, rest = divmod(bps, 100)
    return str(whole) + (f".{rest:02}".rstrip("0") if rest else "")


def _action(usage: Usage) -> Any:
    if usage not in _STAGES:
        return _ACTIONS[usage]
    stage = _constraint("ipto:stage", "eq", _STAGES[usage])
    return [{"rdf:value": {"@id": _ACTIONS[usage]}, "refinement": [stage]}]


def _source(chain: Mapping[str, Any]) -> str:
    """The whole work: what is forbidden is forbidden beyond the licensed scene and aspects, too."""
    return f"urn:ipto:work:{chain['work']}" if "work" in chain else "ipto:memberOfDataset"


def _target(chain: Mapping[str, Any]) -> Rule:
    aspects = [camel(str(bit.name)) for bit in Aspect(chain["aspects"])]
    refinement = [_constraint("ipto:aspect", "isAnyOf", aspects)]
    if "work" in chain and (chain["start_ms"], chain["end_ms"]) != (0, WHOLE_END_MS):
        refinement.append(_constraint("ipto:scene", "eq", media_fragment(chain["start_ms"], chain["end_ms"])))
    return {"@type": "AssetCollection", "source": _source(chain), "refinement": refinement}


def media_fragment(start_ms: int, end_ms: int) -> str:
    """A stretch as a W3C media fragment: `t=5,12.5`."""

    def seconds(milliseconds: int) -> str:
        whole, rest = divmod(milliseconds, 1000)
        return str(whole) + (f".{rest:03}".rstrip("0") if rest else "")

    return f"t={seconds(start_ms)}" + ("" if end_ms == WHOLE_END_MS else f",{seconds(end_ms)}")


def _payment(amount: int, currency: Currency, per: str | None = None) -> Rule:
    value = {"@type": "xsd:decimal", "@value": format_amount(amount, currency).split()[0]}
    rule = _compensate(_constraint("payAmount", "eq", value, unit=f"urn:ipto:currency:{currency.address}"))
    return rule if per is None else {**rule, "ipto:per": per}


def _compensate(refinement: Rule) -> Rule:
    return {"action": [{"rdf:value": {"@id": "odrl:compensate"}, "refinement": [refinement]}]}


def _constraint(left: str, operator: str, right: Any, unit: str | None = None) -> Rule:
    rule = {"leftOperand": left, "operator": operator, "rightOperand": right}
    return rule if unit is None else {**rule, "unit": unit}
