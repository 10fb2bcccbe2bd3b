# SPDX-License-Identifier: Apache-2.0
"""The commands that look at films, on a running stack: what is registered is found again, and a claim is weighed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ipto import documents
from ipto.evidence import validate_evidence
from ipto.media import sample_path
from ipto.media.pose.environment import VARIABLE
from ipto.media.rights import Answer, Statement, Use, xmp
from ipto.stack import Stack
from tests.e2e.desk import Desk
from tests.support.dancers import dancer, recorded
from tests.support.films import change, cut_film
from tests.support.model import sees

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def desk(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(stack, tmp_path_factory.mktemp("studio"))


def test_a_registered_film_is_found_and_its_claim_weighed(desk: Desk, tmp_path: Path) -> None:
    bikes = sample_path().with_name("bikes.mp4")
    new = desk.ok("check", bikes)
    assert "Nobody registered this very file here." in new.out
    creator, key = desk.person("cyclist")
    offer = ("--offer", "train-nonexclusive-1y@3 tUSD")
    registered = desk.ok("register", bikes, "--title", "Bikes", "--person", "Cyc:director:me:100", *offer, key=key)
    work = registered.value("work")
    copy = change(bikes, tmp_path / "copy.mp4", "hflip,crop=iw*0.9:ih*0.9", "-an")
    picture = tmp_path / "match.svg"
    found = json.loads(desk.ok("trace", copy, "--json", "--picture", picture).out)
    assert [match["work"] for match in found["matches"]] == [work]
    assert found["matches"][0]["scenes"][0]["how"] == "mirrored"
    assert picture.read_text().startswith("<svg")
    quick = desk.ok("trace", copy, "--quick").out
    assert f"Contains pictures of work {work}" in quick
    assert "Only key frames were looked at" in quick
    assert f"claimed by {creator.address}" in desk.ok("check", bikes).out
    other = cut_film(tmp_path / "other.mp4", (1.0, 1.0))
    assert "Nothing registered was found" in desk.ok("trace", other).out

    report = tmp_path / "evidence.json"
    said = desk.ok("evidence", work, bikes, "--into", report).out
    assert "level 2 of 4, first here" in said
    document = documents.parse(report.read_bytes())
    validate_evidence(document)
    assert f"0x{documents.digest(document).hex()}" in said
    # A word on chain counts when it is the word of somebody the reader names.
    notary, notary_key = desk.person("notary", ether=10**18)
    desk.ok("attest", work, "rights-checked", key=notary_key)
    assert "level 2 of 4" in (heard := desk.ok("evidence", work, bikes).out)
    assert f"- {notary.address}, whom you did not name as trusted, states on chain: rights-checked" in heard
    named = desk.ok("evidence", work, bikes, "--attester", notary.address).out
    assert "level 3 of 4" in named
    assert f"+ {notary.address} attests to it on chain" in named
    for arguments, reason in (
        ((copy,), "is not the file that was registered"),
        ((bikes, "--domain", "localhost"), "name"),
    ):
        wrong = desk.at("evidence", work, *arguments)
        assert wrong.code == 1
        assert reason in wrong.err.splitlines()[-1]


def test_a_film_describes_itself(desk: Desk, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(sample_path().read_bytes())
    refused = Statement(dict.fromkeys(Use, Answer.NOT_ALLOWED), credit="A Person")
    film.with_suffix(".xmp").write_bytes(xmp.write(refused))
    said = json.loads(desk.run("describe", film, "--into", tmp_path / "found").out)
    assert [found["where"] for found in said["rights"]["found"]] == ["film.xmp"]
    assert said["rights"]["together"] == {use.value: "not_allowed" for use in Use} | {"credit": "A Person"}
    assert said["rights"]["signature"] is None
    assert said["analysis"]["shots"]["count"] == 1
    assert sorted(path.name for path in (tmp_path / "found").iterdir()) == [
        "fingerprint.bin", "poster.jpg", "preview.mp4", "storyboard.jpg",
    ]  # fmt: skip


def test_a_registered_choreography_is_found_when_another_dances_it(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (cut_film(tmp_path / f"{number}.mp4", (10.0,), first=number, sound=False) for number in (2, 3))
    _, key = desk.person("dancer")
    register = ("--title", "A dance", "--person", "Dancer:director:me:100", "--choreography")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "nowhere"))
    for refused in (desk.at("register", first, *register, key=key), desk.at("trace", second, "--choreography")):
        assert refused.code == 1
        assert "make pose" in refused.err
    sees(recorded("first"), tmp_path, monkeypatch)
    work = desk.ok("register", first, *register, key=key).value("work")
    sees(recorded("second"), tmp_path, monkeypatch)
    found = json.loads(desk.ok("trace", second, "--choreography", "--json").out)
    assert found["matches"] == []
    assert [(match["work"], match["aspect"]) for match in found["choreographies"]["matches"]] == [
        (work, "CHOREOGRAPHY")
    ]
    assert f"Moves alike work {work}" in desk.ok("trace", second, "--choreography").out
    assert "choreographies" not in json.loads(desk.ok("trace", second, "--json").out)
    # Who films no dance is told that none is kept; the film is registered all the same.
    sees(dancer(1, 0), tmp_path, monkeypatch)
    said = desk.ok("register", second, *register, key=key)
    assert "No choreography is kept" in said.err
    assert said.value("work")
