# SPDX-License-Identifier: Apache-2.0
"""What a film's rights signals say about machines, in one form that every format is written from and read into.

The source is the terms document (ODRL) of an offer; a statement is what of it fits into a file or a header. A use that
is on offer is *constrained*: it needs a license, and the address says where. What is not on offer is not allowed.
Where several signals speak, the most restrictive answer wins.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import Any

from ipto import documents
from ipto.errors import InputError
from ipto.structs import Usage
from ipto.terms import validate_terms


class Use(Enum):
    """What a machine may do, in CAWG's words."""

    DATA_MINING = "data_mining"
    AI_INFERENCE = "ai_inference"
    AI_TRAINING = "ai_training"
    AI_GENERATIVE_TRAINING = "ai_generative_training"


class Answer(IntEnum):
    """The larger, the more restrictive."""

    ALLOWED = 0
    CONSTRAINED = 1  # under the terms at `Statement.terms_url`
    NOT_ALLOWED = 2


_USES = {
    Usage.TRAIN: Use.AI_GENERATIVE_TRAINING,
    Usage.FINE_TUNE: Use.AI_TRAINING,
    Usage.AI_INPUT: Use.AI_INFERENCE,
    Usage.INDEX: Use.DATA_MINING,
}


@dataclass(frozen=True, slots=True)
class Statement:
    """What a signal says; a use that is missing in `answers` is not spoken of."""

    answers: Mapping[Use, Answer] = field(default_factory=dict)
    terms_url: str | None = None  # https address of the terms
    terms_digest: str | None = None  # 0x and the SHA-256 of the terms document
    credit: str | None = None  # the attribution line
    copyright: str | None = None
    cultural: str | None = None  # 0x and the digest of the cultural notice, carried unaltered

    def strict(self) -> Statement:
        """The same, where *constrained* without an address means *not allowed*, as CAWG reads it."""
        if self.terms_url:
            return self
        answers = {
            use: Answer.NOT_ALLOWED if answer == Answer.CONSTRAINED else answer for use, answer in self.answers.items()
        }
        return Statement(answers, None, self.terms_digest, self.credit, self.copyright, self.cultural)


def of_terms(
    papers: Iterable[Mapping[str, Any]],
    *,
    terms_url: str,
    metadata: Mapping[str, Any] | None = None,
) -> Statement:
    """The statement of a work whose offers have these terms documents; without any, nothing is allowed.

    terms_url: https address where they are offered. Raises DocumentError, InputError.
    """
    if not terms_url.startswith("https://"):
        raise InputError(f"{terms_url!r:.80} is no https address; name where the terms can be read")
    documents_given = list(papers)
    offered = 0
    for paper in documents_given:
        validate_terms(paper)
        offered |= paper["chain"]["usages"]
    answers = {use: Answer.CONSTRAINED if usage & offered else Answer.NOT_ALLOWED for usage, use in _USES.items()}
    about = metadata or {}
    lines = [paper["attribution"] for paper in documents_given if "attribution" in paper]
    return Statement(
        answers=answers,
        terms_url=terms_url,
        terms_digest="0x" + documents.digest(documents_given[0]).hex() if len(documents_given) == 1 else None,
        credit=lines[0] if lines else about.get("creditText"),
        copyright=about.get("rights", {}).get("copyrightNotice"),
        cultural=about.get("cultural"),
    )


def merge(statements: Iterable[Statement]) -> Statement:
    """All signals taken together: for each use the most restrictive answer; of words and addresses the first."""
    answers: dict[Use, Answer] = {}
    first: dict[str, str | None] = dict.fromkeys(("terms_url", "terms_digest", "credit", "copyright", "cultural"))
    for statement in statements:
        clear = statement.strict()
        for use, answer in clear.answers.items():
            answers[use] = max(answer, answers.get(use, Answer.ALLOWED))
        for name, known in first.items():
            first[name] = known or getattr(clear, name)
    return Statement(answers, **first)
