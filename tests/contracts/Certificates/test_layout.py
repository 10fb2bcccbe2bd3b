# SPDX-License-Identifier: Apache-2.0
"""The picture, text by text: what is written where. Whatever moves, goes missing or is labelled wrongly is told."""

import re
from xml.etree import ElementTree

import pytest

from ipto import ids
from ipto.structs import PERPETUAL
from tests.contracts.Certificates.certificate import ASPECTS, FORBIDS, SVG, USAGES, read
from tests.contracts.support.build import buy, on_sale
from tests.contracts.support.datasets import buy as buy_dataset
from tests.contracts.support.datasets import filled
from tests.contracts.support.system import System

COLUMNS = (40, 260, 452)
YES, NEVER, NO = "✓", "✕", "–"
HEADINGS = ("MAY BE USED TO", "THIS OF THE WORK", "NEVER, WHATEVER ELSE")
SMALL = {
    "LICENSE": [
        "What is not permitted here is not permitted. The offer named above and its terms document prevail.",
        "Exclusive: no later overlapping license is sold by this market; earlier ones remain.",
        "A registered work is a claim, not a title.",
    ],
    "DATASET LICENSE": [
        "What the dataset does not permit is not permitted. Its terms document prevails.",
        "A registered work is a claim, not a title.",
    ],
}

Text = tuple[int, int, str, str]  # x, y, class, content


def drawn(uri: str) -> list[Text]:
    root = ElementTree.fromstring(read(uri).svg)  # our own
    assert (root.get("width"), root.get("height"), root.get("viewBox")) == ("660", "660", "0 0 660 660")
    found = [
        (int(item.get("x", -1)), int(item.get("y", -1)), item.get("class", ""), item.text or "")
        for item in root.iter(f"{SVG}text")
    ]
    assert all(12 < x < 648 and 12 < y < 648 for x, y, _, _ in found), "inside the frame"
    assert len({(x, y) for x, y, _, _ in found}) == len(found), "nothing on top of another"
    return found


def headed(title: str, state: str, labels: list[str], values: list[str]) -> list[Text]:
    found: list[Text] = [(40, 62, "", title), (40, 84, "h", "IPTO"), (620, 62, "y", state)]
    for i, (label, value) in enumerate(zip(labels, values, strict=True)):
        found += [(40, 112 + 20 * i, "h", label), (140, 112 + 20 * i, "m", value)]
    return found


def small(title: str) -> list[Text]:
    return [(40, 606 + 16 * i, "s", text) for i, text in enumerate(SMALL[title])]


def rows(x: int, mark: str, labels: list[str], mask: int) -> list[Text]:
    return [
        (x, 374 + 24 * i, "y" if mask >> i & 1 else "n", f"{mark if mask >> i & 1 else NO} {label}")
        for i, label in enumerate(labels)
    ]


def values_of(uri: str) -> list[str]:
    """What stands beside the labels; whether it is true is test_license_uri's matter."""
    return [text for _, _, kind, text in drawn(uri) if kind == "m"]


@pytest.mark.parametrize("bit", range(9))
def test_a_license(system: System, bit: int) -> None:
    usages, aspects, forbids = 1 << bit % 8, 511 ^ (1 << bit), 1 << bit % 7
    uri = system.market.tokenURI(buy(system, on_sale(system, usages=usages, aspects=aspects, forbids=forbids)))
    labels = ["License", "Offer", "Sale", "Market", "Holder", "Issued", "Expires"]
    labels += ["Scene", "Revenue share", "After the term", "Kind"]
    expected = headed("LICENSE", "in force", labels, values_of(uri))
    expected += [(x, 350, "h", text) for x, text in zip(COLUMNS, HEADINGS, strict=True)]
    expected += rows(COLUMNS[0], YES, USAGES, usages) + rows(COLUMNS[1], YES, ASPECTS, aspects)
    expected += rows(COLUMNS[2], NEVER, FORBIDS, forbids)
    assert drawn(uri) == expected + small("LICENSE")


def test_a_dataset_license(system: System) -> None:
    dataset, _ = filled(system, 1)
    license = buy_dataset(system, dataset)
    uri = system.datasets.tokenURI(license)
    values = values_of(uri)
    assert values[:3] == [f"{license:064x}", ids.dataset_id(dataset).hex(), "1"]
    labels = ["License", "Dataset", "Sale", "Market", "Holder", "Issued", "Expires"]
    lines = [
        "Covers every work that was in the dataset when this license was sold.",
        "The market answers for each of them: covers(license, offer, spell).",
        "Usages, aspects and terms are the dataset's; they never change.",
    ]
    expected = headed("DATASET LICENSE", "in force", labels, values)
    expected += [(40, 276 + 22 * i, "", text) for i, text in enumerate(lines)]
    assert drawn(uri) == expected + small("DATASET LICENSE")


def test_every_class_of_text_has_a_style(system: System) -> None:
    uri = system.market.tokenURI(buy(system, on_sale(system, term=PERPETUAL)))
    style = re.search(r"<style>(.*?)</style>", read(uri).svg.decode())
    assert style is not None
    styled = set(re.findall(r"\.([a-z])\b", style[1]))
    assert styled == {kind for _, _, kind, _ in drawn(uri) if kind} == set("hsmny")
