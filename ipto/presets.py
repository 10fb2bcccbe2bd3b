# SPDX-License-Identifier: Apache-2.0
"""Ready-made offers, each in a sentence a creator can read; every field can still be set otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ipto.documents import Document
from ipto.errors import InputError
from ipto.quantities import Currency
from ipto.structs import (
    NEVER,
    PERPETUAL,
    UNLIMITED,
    WHOLE_END_MS,
    ZERO32,
    ZERO_ADDRESS,
    AfterTerm,
    Aspect,
    Forbid,
    Offer,
    OfferFlag,
    Unit,
    Usage,
)
from ipto.terms import TermsDetails, build_terms, check_offer, seal

__all__ = ["PRESETS", "Preset", "get_preset", "make_offer", "words_for"]

YEAR = 31_536_000  # seconds of 365 days
DAY = 86_400

_NO_FLAGS = OfferFlag(0)
_PICTURE = Aspect.FOOTAGE | Aspect.VISUAL_STYLE | Aspect.CINEMATOGRAPHY | Aspect.EDITING
_PEOPLE = Forbid.LIKENESS_OR_VOICE | Forbid.BIOMETRIC_IDENTIFICATION
_CAREFUL = _PEOPLE | Forbid.SCENE_RECREATION | Forbid.CHARACTER_REPLICA | Forbid.NAME_IN_PROMPT
_CLOSED = _CAREFUL | Forbid.OPEN_WEIGHTS | Forbid.RESALE_OF_OUTPUT_AS_DATA


@dataclass(frozen=True, slots=True)
class Preset:
    """Everything of an offer but the work, the price and who posts it."""

    name: str
    title: str
    explanation: str
    usages: Usage
    aspects: Aspect = _PICTURE
    forbids: Forbid = _CLOSED
    term: int = YEAR  # seconds
    after_term: AfterTerm = AfterTerm.MODEL_SURVIVES
    revenue_share_bps: int = 0
    report_every: int = 0
    supply: int = UNLIMITED
    flags: OfferFlag = _NO_FLAGS
    needs_scene: bool = False
    is_free: bool = False


_ALL = (
    Preset(
        "train-nonexclusive-1y",
        "Train, non-exclusive, one year",
        "AI companies may train models on the video for a year. What the models learned stays; recognisable output "
        "may not be published.",
        Usage.TRAIN,
    ),
    Preset(
        "train-generate-1y",
        "Train and publish output, one year",
        "AI companies may train for a year, and publish and earn from output in which the style can be recognised, "
        "but not your scenes, characters or people. When the year is over, output ends too.",
        Usage.TRAIN | Usage.GENERATE_COMMERCIAL,
        after_term=AfterTerm.SUNSET,
    ),
    Preset(
        "train-exclusive-1y",
        "Train, exclusive, one year",
        "One AI company may train for a year, and no later license overlaps with its own. Sold once.",
        Usage.TRAIN,
        supply=1,
        flags=OfferFlag.EXCLUSIVE,
    ),
    Preset(
        "fine-tune",
        "Fine-tune one model, one year",
        "One existing model may be adapted to the video for a year; after that it makes no new output.",
        Usage.FINE_TUNE,
        after_term=AfterTerm.SUNSET,
        flags=OfferFlag.ONE_MODEL,
    ),
    Preset(
        "inference-scene",
        "One scene as input, ninety days",
        "A model may be shown one scene as a reference while it runs. Nothing is learned from it for good.",
        Usage.AI_INPUT,
        term=90 * DAY,
        needs_scene=True,
    ),
    Preset(
        "evaluate-free",
        "Evaluate, free",
        "Anyone may measure models with the video and publish the scores, keeping nothing of it.",
        Usage.EVALUATE,
        term=PERPETUAL,
        after_term=AfterTerm.RETIRE,
        is_free=True,
    ),
    Preset(
        "index",
        "Index and search",
        "Catalogues and search engines may list the video with fingerprints, embeddings and small thumbnails.",
        Usage.INDEX,
        term=PERPETUAL,
        after_term=AfterTerm.RETIRE,
    ),
    Preset(
        "generate-commercial-share",
        "Train and publish output, with a share of the revenue",
        "AI companies may train and earn from output for three years; they report every 90 days and pay 5 % of what it "
        "brings. When the term is over, output ends too.",
        Usage.TRAIN | Usage.GENERATE_COMMERCIAL,
        term=3 * YEAR,
        after_term=AfterTerm.SUNSET,
        revenue_share_bps=500,
        report_every=90 * DAY,
    ),
    Preset(
        "adapt-noncommercial",
        "Adapt and share, without earning from it",
        "People may make new works out of the video, with AI or without, and publish them without earning from them.",
        Usage.ADAPT | Usage.GENERATE_NONCOMMERCIAL,
        forbids=_PEOPLE | Forbid.RESALE_OF_OUTPUT_AS_DATA,
    ),
    Preset(
        "dataset-train-1y",
        "Train as part of a dataset, one year",
        "The video may be licensed together with thousands of others for a year of training, each at its own price.",
        Usage.TRAIN,
        flags=OfferFlag.BUNDLE,
    ),
)
PRESETS: dict[str, Preset] = {preset.name: preset for preset in _ALL}


def get_preset(name: str) -> Preset:
    """A preset by name. Raises InputError that lists those there are."""
    if name not in PRESETS:
        raise InputError(f"there is no preset {name!r:.60}; choose one of {', '.join(PRESETS)}")
    return PRESETS[name]


def words_for(
    preset: str | Preset, *, title: str | None, attribution: str | None, flags: int | None = None
) -> TermsDetails:
    """The words of an ordinary offer of a work. A bundle's name no work: all members of a dataset share them.

    flags: `OfferFlag` bits, where they are not the preset's.
    """
    chosen = get_preset(preset) if isinstance(preset, str) else preset
    if (int(chosen.flags) if flags is None else flags) & OfferFlag.BUNDLE:
        return TermsDetails()
    return TermsDetails(work_title=title, attribution=attribution)


def make_offer(
    preset: str | Preset,
    *,
    work: int,
    licensor: str,
    price: int,
    currency: Currency,
    scene: tuple[int, int] | None = None,
    details: TermsDetails | None = None,
    **changes: Any,
) -> tuple[Offer, Document]:
    """An offer from a preset, with its terms document and their digest in place.

    `price` is in the smallest unit; `scene` in milliseconds, without it the whole work; `changes` set any other field
    of `Offer`. Raises InputError for what does not fit together.
    """
    chosen = get_preset(preset) if isinstance(preset, str) else preset
    if chosen.needs_scene and scene is None:
        raise InputError(f"the preset {chosen.name} is for one scene; say which, such as 0:05-0:12")
    if chosen.is_free and price:
        raise InputError(f"the preset {chosen.name} is free; leave the price out or choose another preset")
    start_ms, end_ms = scene or (0, WHOLE_END_MS)
    fields: dict[str, Any] = {
        "work": work,
        "licensor": licensor,
        "usages": int(chosen.usages),
        "aspects": int(chosen.aspects),
        "forbids": int(chosen.forbids),
        "start_ms": start_ms,
        "end_ms": end_ms,
        "currency": currency.address,
        "price": price,
        "term": chosen.term,
        "revenue_share_bps": chosen.revenue_share_bps,
        "unit": int(Unit.NONE),
        "unit_price": 0,
        "report_every": chosen.report_every,
        "after_term": int(chosen.after_term),
        "supply": chosen.supply,
        "licensee": ZERO_ADDRESS,
        "opens_at": 0,
        "closes_at": NEVER,
        "flags": int(chosen.flags),
        "terms": ZERO32,
    }
    if unknown := set(changes) - set(fields) | {"terms"} & set(changes):
        raise InputError(f"an offer's {', '.join(sorted(unknown))} cannot be set here")
    offer = Offer(**{**fields, **changes})
    check_offer(offer)
    document = build_terms(offer, currency, details)
    return seal(offer, document), document
