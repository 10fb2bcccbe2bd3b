# SPDX-License-Identifier: Apache-2.0
"""dataset_uri: the same for a license of thousands of works; which ones is the market's to say."""

from typing import Any

import pytest
from hypothesis import example, given

from ipto.structs import PERPETUAL
from tests.contracts.Certificates.certificate import read
from tests.contracts.Certificates.test_license_uri import LICENSES
from tests.contracts.support.build import chain_id
from tests.contracts.support.contract import Contract, hostile, reverts
from tests.contracts.support.effort import effort
from tests.contracts.support.system import System, now
from tests.ipto.strategies import uints


@pytest.fixture(scope="module")
def answers(system: System) -> Contract:
    """A dataset market that answers anything."""
    return hostile("Answers")


@effort(5)
@given(uints(256), LICENSES)
@example(2**256 - 1, ("0x" + "ff" * 20, 2**40 - 1, 2**40 - 2, 255, b"\xff" * 32))
def test_valid_and_true_for_every_answer(
    system: System, answers: Contract, number: int, license: tuple[Any, ...]
) -> None:
    answers.tell(license, (False, *[0] * 10))
    found = read(system.certificates.dataset_uri(answers.address, number))
    holder, issued, expires, flags, source = license
    assert found.name == f"IPTO dataset license {number:064x}"[: len("IPTO dataset license ") + 8] + (
        f"-{number & 0xFFFFFFFF}"
    )
    assert found.lists == {"Usage": [], "Aspect": [], "Never": []}
    assert found.traits == {
        "Status": "ended by a ruling" if flags & 2 else "expired" if expires <= now() else "in force",
        "Market": f"eip155:{chain_id()}:{answers.address.lower()}",
        "Holder": holder.lower(),
        "Sale": str(number & 0xFFFFFFFF),
        "Issued": issued,
        "Expires": "never" if expires == PERPETUAL else expires,
        "Transferable": "no" if flags & 1 else "yes",
        "Dataset": f"0x{source.hex()}",
    }
    assert "covers(license, offer, spell)" in found.description
    assert len([text for kind, text in found.texts if kind == "m"]) == 7


def test_unknown(system: System) -> None:
    with reverts("erc721: no such token"):
        system.certificates.dataset_uri(system.market.address, 1)
