# SPDX-License-Identifier: Apache-2.0
"""A Croissant 1.1 description of films that are offered together: what a training pipeline reads first.

The films' rows (`web.write_croissant`) stand in one record set, so that rights travel with each film and scene.
`python -m tests.campaigns.croissant` has it read by mlcroissant, the format's own library.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ipto.errors import InputError
from ipto.media.rights.statement import Use

CONFORMS_TO = "http://mlcommons.org/croissant/1.1"
MAX_ROWS = 10_000
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
_TEXTS = ("name", "sha256", "creditText", "copyrightNotice", "terms", "cultural", *(use.value for use in Use))
_ADDRESSES = ("contentUrl", "usageInfo")


def write_croissant_dataset(
    rows: Sequence[Mapping[str, Any]], *, name: str, description: str, url: str, license_url: str, published: str
) -> dict[str, Any]:
    """The description. rows: of `write_croissant`. published: an ISO 8601 date. What a row does not say is empty there.

    Raises InputError without rows or with more than 10,000.
    """
    if not 0 < len(rows) <= MAX_ROWS:
        raise InputError(f"a description holds 1 to {MAX_ROWS} films, not {len(rows)}; divide them")
    kinds = dict.fromkeys(_TEXTS, "sc:Text") | dict.fromkeys(_ADDRESSES, "sc:URL")
    fields = [
        {"@type": "cr:Field", "@id": f"films/{field}", "name": f"films/{field}", "dataType": kind}
        for field, kind in kinds.items()
    ]
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "name": name,
        "description": description,
        "conformsTo": CONFORMS_TO,
        "url": url,
        "license": license_url,
        "datePublished": published,
        "version": "1.0.0",
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": "films",
                "name": "films",
                "description": "Films, what may be done with each, and under which terms.",
                "key": {"@id": "films/contentUrl"},
                "field": fields,
                "data": [{field["@id"]: row.get(field["@id"], "") for field in fields} for row in rows],
            }
        ],
    }
