# SPDX-License-Identifier: Apache-2.0
"""Rights in XMP: PLUS data mining, IPTC credit and rights, in a packet and in an MP4's box for it.

PLUS has one value for everything, so the exact answers stand beside it under `ipto:`. They are believed only while they
agree with the PLUS value; when somebody changed that, the most restrictive wins.
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.sax.saxutils import escape, quoteattr

from ipto.media.rights import xml
from ipto.media.rights.statement import Answer, Statement, Use, merge
from ipto.media.rights.words import address, digest, line

UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")  # of the box in ISO media files (XMP part 3)
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_PLUS = "http://ns.useplus.org/ldf/xmp/1.0/"
_VOCABULARY = "http://ns.useplus.org/ldf/vocab/"
_DC = "http://purl.org/dc/elements/1.1/"
_PHOTOSHOP = "http://ns.adobe.com/photoshop/1.0/"
_RIGHTS = "http://ns.adobe.com/xap/1.0/rights/"
_IPTO = "urn:ipto:vocab:"
_MODELS = (Use.AI_TRAINING, Use.AI_GENERATIVE_TRAINING)
_ALL = tuple(Use)


def write(statement: Statement) -> bytes:
    """The packet, UTF-8."""
    said = statement.strict()
    attributes = {f"ipto:{use.value}": answer.name for use, answer in said.answers.items()}
    if (value := _plus(said)) is not None:
        attributes["plus:DataMining"] = _VOCABULARY + value
    optional = {
        "xmpRights:WebStatement": said.terms_url,
        "photoshop:Credit": said.credit,
        "ipto:terms": said.terms_digest,
        "ipto:cultural": said.cultural,
    }
    attributes |= {name: value for name, value in optional.items() if value}
    inner = ""
    if said.copyright:
        inner += (
            f'<dc:rights><rdf:Alt><rdf:li xml:lang="x-default">{escape(said.copyright)}</rdf:li></rdf:Alt></dc:rights>'
        )
    if value == "DMI-PROHIBITED-SEECONSTRAINT" and said.terms_url:
        words = escape(f"Licenses are offered at {said.terms_url}")
        inner += (
            f'<plus:OtherConstraints><rdf:Alt><rdf:li xml:lang="x-default">{words}</rdf:li></rdf:Alt>'
            "</plus:OtherConstraints>"
        )
    names = {"rdf": _RDF, "plus": _PLUS, "dc": _DC, "photoshop": _PHOTOSHOP, "xmpRights": _RIGHTS, "ipto": _IPTO}
    spaces = " ".join(f'xmlns:{prefix}="{address}"' for prefix, address in names.items())
    listed = " ".join(f"{name}={quoteattr(value)}" for name, value in attributes.items())
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        f'<rdf:RDF {spaces}><rdf:Description rdf:about="" {listed}>{inner}</rdf:Description></rdf:RDF></x:xmpmeta>'
        '<?xpacket end="w"?>'
    ).encode()


def read(packet: bytes) -> Statement:
    """What a packet says. Raises InputError for what cannot be read."""
    root = xml.parse(packet.strip(b"\0 \r\n\t"), "XMP packet")
    found: dict[str, str] = {}
    for description in root.iter(f"{{{_RDF}}}Description"):
        for name, value in description.attrib.items():
            found.setdefault(name, value)
        for child in description:
            found.setdefault(child.tag, child.attrib.get(f"{{{_RDF}}}resource") or xml.text_of(child) or "")
    exact = _exact(found)
    url = address(found.get(f"{{{_RIGHTS}}}WebStatement"))
    value = found.get(f"{{{_PLUS}}}DataMining", "").rpartition("/")[2]
    words = Statement(
        exact,
        url,
        digest(found.get(f"{{{_IPTO}}}terms")),
        line(found.get(f"{{{_PHOTOSHOP}}}Credit")),
        line(found.get(f"{{{_DC}}}rights")),
        digest(found.get(f"{{{_IPTO}}}cultural")),
    ).strict()
    if not value or value == _plus(words):
        return words
    return merge([words, Statement(_of_plus(value), url)])


def _exact(found: Mapping[str, str]) -> dict[Use, Answer]:
    names = {use: found.get(f"{{{_IPTO}}}{use.value}", "") for use in Use}
    return {use: Answer[name] for use, name in names.items() if name in Answer.__members__}


def _plus(said: Statement) -> str | None:
    """The PLUS value; None when nothing is said."""
    answers = said.answers
    if not answers:
        return None
    if any(answer == Answer.CONSTRAINED for answer in answers.values()):
        return "DMI-PROHIBITED-SEECONSTRAINT"
    denied = {use for use, answer in answers.items() if answer == Answer.NOT_ALLOWED}
    if not denied:
        return "DMI-ALLOWED"
    if denied == {Use.AI_GENERATIVE_TRAINING}:
        return "DMI-PROHIBITED-GENAIMLTRAINING"
    if denied <= set(_MODELS):
        return "DMI-PROHIBITED-AIMLTRAINING"
    return "DMI-PROHIBITED"


def _of_plus(value: str) -> dict[Use, Answer]:
    denied: tuple[Use, ...] = _ALL
    if value == "DMI-ALLOWED":
        return dict.fromkeys(_ALL, Answer.ALLOWED)
    if value in ("DMI-UNSPECIFIED", ""):
        return {}
    if value == "DMI-PROHIBITED-SEECONSTRAINT":
        return dict.fromkeys(_ALL, Answer.CONSTRAINED)
    if value == "DMI-PROHIBITED-AIMLTRAINING":
        denied = _MODELS
    elif value == "DMI-PROHIBITED-GENAIMLTRAINING":
        denied = (Use.AI_GENERATIVE_TRAINING,)
    # Whatever else begins so prohibits; what is unknown is taken for a prohibition.
    return dict.fromkeys(denied, Answer.NOT_ALLOWED)
