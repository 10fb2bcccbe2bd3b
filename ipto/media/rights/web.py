# SPDX-License-Identifier: Apache-2.0
"""Rights for the web and for data sets: schema.org, a Croissant row, TDMRep, ERC-7517 token metadata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ipto.errors import InputError
from ipto.media.rights.statement import Answer, Statement, Use
from ipto.media.rights.words import address, digest, line

TDMREP_PATH = "/.well-known/tdmrep.json"
_CAMEL = {
    Use.DATA_MINING: "dataMining",
    Use.AI_INFERENCE: "aiInference",
    Use.AI_TRAINING: "aiTraining",
    Use.AI_GENERATIVE_TRAINING: "aiGenerativeTraining",
}
_WORDS = {Answer.ALLOWED: "allowed", Answer.CONSTRAINED: "constrained", Answer.NOT_ALLOWED: "notAllowed"}
_ANSWERS = {word: answer for answer, word in _WORDS.items()}
# What a reservation under Art. 4(3) of EU 2019/790 is about.
_MINING = (Use.DATA_MINING, Use.AI_TRAINING, Use.AI_GENERATIVE_TRAINING)


def write_schema_org(statement: Statement) -> dict[str, Any]:
    """Fields to add to a schema.org VideoObject."""
    said = statement.strict()
    fields = {
        "license": said.terms_url,
        "acquireLicensePage": said.terms_url,
        "usageInfo": said.terms_url,
        "creditText": said.credit,
        "copyrightNotice": said.copyright,
    }
    return {name: value for name, value in fields.items() if value}


def read_schema_org(data: Mapping[str, Any]) -> Statement:
    """The words and the address; schema.org has no field for what machines may do."""
    url = address(data.get("acquireLicensePage")) or address(data.get("usageInfo")) or address(data.get("license"))
    return Statement({}, url, None, line(data.get("creditText")), line(data.get("copyrightNotice")))


def write_croissant(statement: Statement, *, name: str, content_url: str, sha256: str) -> dict[str, Any]:
    """A row for the record set of films in a Croissant 1.1 description; `t=…` in content_url names a scene."""
    said = statement.strict()
    row: dict[str, Any] = {"films/name": name, "films/contentUrl": content_url, "films/sha256": sha256}
    fields = {
        "films/usageInfo": said.terms_url,
        "films/creditText": said.credit,
        "films/copyrightNotice": said.copyright,
        "films/terms": said.terms_digest,
        "films/cultural": said.cultural,
    }
    answers = {f"films/{use.value}": _WORDS[answer] for use, answer in said.answers.items()}
    return {**row, **{key: value for key, value in fields.items() if value}, **answers}


def read_croissant(row: Mapping[str, Any]) -> Statement:
    """What a row says."""
    given = {use: row.get(f"films/{use.value}") for use in Use}
    return Statement(
        {use: _ANSWERS[word] for use, word in given.items() if isinstance(word, str) and word in _ANSWERS},
        address(row.get("films/usageInfo")),
        digest(row.get("films/terms")),
        line(row.get("films/creditText")),
        line(row.get("films/copyrightNotice")),
        digest(row.get("films/cultural")),
    ).strict()


def write_tdmrep(statement: Statement, location: str) -> dict[str, Any]:
    """One entry of `/.well-known/tdmrep.json`; the headers `tdm-reservation` and `tdm-policy` have the same values."""
    said = statement.strict()
    reserved = any(said.answers.get(use, Answer.ALLOWED) != Answer.ALLOWED for use in _MINING)
    entry: dict[str, Any] = {"location": location, "tdm-reservation": 1 if reserved else 0}
    if reserved and said.terms_url and _as_a_whole(said) == Answer.CONSTRAINED:
        entry["tdm-policy"] = said.terms_url
    return entry


def read_tdmrep(entry: Mapping[str, Any]) -> Statement:
    """What an entry, or the two headers, say. Raises InputError for another reservation than 0 or 1."""
    value = entry.get("tdm-reservation")
    if value not in (0, 1, "0", "1") or isinstance(value, bool):
        raise InputError("tdm-reservation must be 0 or 1")
    if int(value) == 0:
        return Statement(dict.fromkeys(_MINING, Answer.ALLOWED))
    policy = address(entry.get("tdm-policy"))
    return Statement(dict.fromkeys(_MINING, Answer.CONSTRAINED if policy else Answer.NOT_ALLOWED), policy)


def project_tdmrep(statement: Statement) -> Statement:
    """What of a statement TDMRep can carry: one answer for mining as a whole."""
    said = statement.strict()
    answer = _as_a_whole(said)
    return Statement(dict.fromkeys(_MINING, answer), said.terms_url if answer == Answer.CONSTRAINED else None)


def write_erc7517(statement: Statement) -> dict[str, Any]:
    """`dataMiningPreference`, for token metadata."""
    said = statement.strict()
    preference: dict[str, Any] = {_CAMEL[use]: _WORDS[answer] for use, answer in said.answers.items()}
    if said.terms_url and Answer.CONSTRAINED in said.answers.values():
        preference["constraintInfo"] = said.terms_url
    return {"dataMiningPreference": preference}


def read_erc7517(metadata: Mapping[str, Any]) -> Statement:
    """What token metadata says."""
    preference = metadata.get("dataMiningPreference")
    if not isinstance(preference, Mapping):
        return Statement()
    given = {use: preference.get(name) for use, name in _CAMEL.items()}
    answers = {use: _ANSWERS[word] for use, word in given.items() if isinstance(word, str) and word in _ANSWERS}
    return Statement(answers, address(preference.get("constraintInfo"))).strict()


def write_cawg(statement: Statement) -> dict[str, Any]:
    """CAWG's training and data mining assertion (`cawg.training-mining`)."""
    said = statement.strict()
    entries: dict[str, Any] = {}
    for use, answer in said.answers.items():
        entries[f"cawg.{use.value}"] = {"use": _WORDS[answer]}
        if answer == Answer.CONSTRAINED:
            entries[f"cawg.{use.value}"]["constraint_info"] = said.terms_url
    return {"entries": entries}


def read_cawg(assertion: Mapping[str, Any]) -> Statement:
    """What the assertion says; C2PA's older names for the same are read, too."""
    entries = assertion.get("entries")
    if not isinstance(entries, Mapping):
        return Statement()
    answers, url = {}, None
    for use in Use:
        entry = entries.get(f"cawg.{use.value}", entries.get(f"c2pa.{use.value}"))
        word = entry.get("use") if isinstance(entry, Mapping) else None
        if isinstance(entry, Mapping) and isinstance(word, str) and word in _ANSWERS:
            place = address(entry.get("constraint_info"))
            is_bare = _ANSWERS[word] == Answer.CONSTRAINED and place is None
            answers[use] = Answer.NOT_ALLOWED if is_bare else _ANSWERS[word]
            url = url or place
    return Statement(answers, url)


def _as_a_whole(said: Statement) -> Answer:
    """One answer for all mining: where some of it can be licensed, the policy says what."""
    given = {said.answers.get(use, Answer.ALLOWED) for use in _MINING}
    return Answer.CONSTRAINED if Answer.CONSTRAINED in given else max(given)
