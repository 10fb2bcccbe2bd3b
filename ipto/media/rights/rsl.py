# SPDX-License-Identifier: Apache-2.0
"""Rights as Really Simple Licensing 1.0 (rslstandard.org): permits, prohibits, payment, terms.

RSL speaks of `ai-train` for both kinds of training, so reading gives the stricter of the two for both.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape, quoteattr

from ipto.errors import InputError
from ipto.media.rights import xml
from ipto.media.rights.statement import Answer, Statement, Use, merge
from ipto.media.rights.words import address, line

NAMESPACE = "https://rslstandard.org/rsl"
_TOKENS: dict[str, tuple[Use, ...]] = {
    "ai-train": (Use.AI_TRAINING, Use.AI_GENERATIVE_TRAINING),
    "ai-input": (Use.AI_INFERENCE,),
    "ai-index": (Use.DATA_MINING,),
}
_MANY = {"all": tuple(Use), "ai-all": tuple(Use)}
_MAX_LICENSES = 100


def write(statement: Statement, content_url: str, price: tuple[str, str] | None = None) -> bytes:
    """The document for one file. content_url: where it is, also with `#t=` for a scene. price: amount and currency."""
    said = project(statement)
    groups: dict[Answer, list[str]] = {answer: [] for answer in Answer}
    for token, uses in _TOKENS.items():
        if uses[0] in said.answers:
            groups[said.answers[uses[0]]].append(token)
    words = ""
    if said.copyright:
        words += f"<copyright>{escape(said.copyright)}</copyright>"
    if said.terms_url:
        words += f"<terms>{escape(said.terms_url)}</terms>"
    denied = groups[Answer.NOT_ALLOWED]
    prohibits = f'<prohibits type="usage">{",".join(denied)}</prohibits>' if denied else ""
    licenses = []
    if groups[Answer.CONSTRAINED]:
        amount = f"<amount currency={quoteattr(price[1])}>{escape(price[0])}</amount>" if price else ""
        paid = f'<payment type="purchase"><custom>{escape(said.terms_url or "")}</custom>{amount}</payment>'
        licenses.append(f'<permits type="usage">{",".join(groups[Answer.CONSTRAINED])}</permits>{prohibits}{paid}')
    if groups[Answer.ALLOWED]:
        licenses.append(
            f'<permits type="usage">{",".join(groups[Answer.ALLOWED])}</permits>{prohibits}<payment type="free"/>'
        )
    if not licenses and prohibits:
        licenses.append(prohibits)
    inner = "".join(f"<license>{license}</license>" for license in licenses)
    head = f'<?xml version="1.0" encoding="UTF-8"?><rsl xmlns="{NAMESPACE}">'
    return f"{head}<content url={quoteattr(content_url)}>{inner}{words}</content></rsl>".encode()


def read(data: bytes) -> Statement:
    """What all contents of a document say, the most restrictive first. Raises InputError."""
    root = xml.parse(data, "RSL document")
    if root.tag != f"{{{NAMESPACE}}}rsl":
        raise InputError("this is no RSL document: its root is not rsl in RSL's namespace")
    found = []
    for content in root.iter(f"{{{NAMESPACE}}}content"):
        url = address(xml.text_of(content.find(f"{{{NAMESPACE}}}terms")))
        notice = line(xml.text_of(content.find(f"{{{NAMESPACE}}}copyright")))
        permitted: dict[Use, Answer] = {}
        denied: dict[Use, Answer] = {}
        for license in content.findall(f"{{{NAMESPACE}}}license")[:_MAX_LICENSES]:
            payment = license.find(f"{{{NAMESPACE}}}payment")
            is_free = payment is None or payment.attrib.get("type", "free") == "free"
            answer = Answer.ALLOWED if is_free else Answer.CONSTRAINED
            if payment is not None and url is None:
                url = address(xml.text_of(payment.find(f"{{{NAMESPACE}}}custom")))
            for use in _uses(license, "permits"):
                # Two licenses for one use are a choice.
                permitted[use] = min(answer, permitted.get(use, answer))
            denied |= dict.fromkeys(_uses(license, "prohibits"), Answer.NOT_ALLOWED)
        found.append(Statement({**permitted, **denied}, url, copyright=notice))
    return merge(found)


def project(statement: Statement) -> Statement:
    """What of a statement RSL can carry."""
    said = statement.strict()
    answers: dict[Use, Answer] = {}
    for uses in _TOKENS.values():
        given = [said.answers[use] for use in uses if use in said.answers]
        if given:
            answers |= dict.fromkeys(uses, max(given))
    return Statement(answers, said.terms_url, copyright=said.copyright)


def _uses(license: Element, name: str) -> list[Use]:
    found: list[Use] = []
    for element in license.findall(f"{{{NAMESPACE}}}{name}"):
        if element.attrib.get("type") == "usage":
            for token in (xml.text_of(element) or "").split(","):
                found += _TOKENS.get(token.strip(), _MANY.get(token.strip(), ()))
    return found
