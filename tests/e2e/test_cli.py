# SPDX-License-Identifier: Apache-2.0
"""The command line on a running stack: the whole way in, money back, and every refusal in one line."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest

from ipto.accounts import open_keystore
from ipto.media import sample_path
from ipto.stack import Stack
from ipto.structs import ETH
from tests.e2e.desk import PASSPHRASE, Desk, Said
from tests.e2e.runs import sample

ME = "Ada Lindqvist:director:me:100"
TRAIN, SCENE = "train-nonexclusive-1y@25 tUSD", "inference-scene@0.01 ETH@0:00-0:02"


@pytest.fixture(scope="session")
def desk(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(stack, tmp_path_factory.mktemp("desk"))


def refused(said: Said, *words: str) -> None:
    """One line that says what is wrong, and an exit code that scripts notice."""
    assert said.code == 1
    assert said.err.startswith("Error: ")
    assert said.err.count("\n") == 1, said.err
    for word in words:
        assert word in said.err


def test_the_whole_way(desk: Desk) -> None:
    creator_file = desk.folder / "keys" / "ada.json"
    made = desk.run("key", creator_file, "--password-file", desk.password)
    creator = open_keystore(creator_file, PASSPHRASE)
    assert (made.code, made.out.strip()) == (0, creator.address)
    composer, _ = desk.person("composer")

    # In: one signature, no coin.
    people = ("--person", "Ada Lindqvist:director:me:66.6667", "--person", f"Mei:composer:{composer.address}:33.3333")
    offers = ("--offer", TRAIN, "--offer", SCENE)
    registered = desk.ok(
        "register", sample_path(), "--title", "Clip", "--credit", "© Ada", *people, *offers, key=creator_file
    )
    work, (training, scene) = registered.value("work"), registered.values("offer")
    more = desk.ok("offer", work, "evaluate-free", "0 tUSD", key=creator_file).value("offer")
    assert desk.stack.chain.rpc.balance(creator.address) == 0

    # Licenses: in ETH, in a token, by authorization, for nothing.
    lab, lab_file = desk.person("lab", ether=10**18, dollars=60 * 10**6)
    startup, startup_file = desk.person("startup", dollars=25 * 10**6)
    shown = desk.ok("license", scene, "--party", "Lab SA", "--yes", key=lab_file)
    assert "a running model" in shown.out or "reference" in shown.out
    assert "scene 0:00–0:02" in shown.out
    party = json.loads(shown.out.split("party", 1)[1].splitlines()[0])
    assert party["name"] == "Lab SA"
    in_dollars = desk.ok("license", training, "--party", "Lab SA", "--yes", key=lab_file)
    assert "Credit on whatever is published: © Ada" in in_dollars.out
    gasless = desk.ok("license", training, "--party", "Startup", "--gasless", "--yes", key=startup_file)
    free = desk.ok("license", more, "--party", "Lab SA", "--yes", key=lab_file)
    licenses = [said.value("license") for said in (shown, in_dollars, gasless, free)]
    assert len(set(licenses)) == 4
    market = desk.stack.deployment.address("LicenseMarket")
    assert desk.dollar.call("balanceOf", lab.address) == 35 * 10**6
    assert desk.dollar.call("allowance", lab.address, market) == 0
    assert [desk.dollar.call("balanceOf", startup.address), desk.stack.chain.rpc.balance(startup.address)] == [0, 0]

    # Money back, to the last unit.
    _, keeper_file = desk.person("keeper", ether=10**18)
    payee = registered.value("payee")
    paid = desk.ok("payout", payee, "--currency", "tusd", key=keeper_file)
    desk.ok("payout", payee, key=keeper_file)
    got = {who.address: desk.dollar.call("balanceOf", who.address) for who in (creator, composer)}
    assert got == {creator.address: 33_333_350, composer.address: 16_666_650}
    assert f"{creator.address} 33.33335 tUSD paid" in paid.out
    ether = [desk.stack.chain.rpc.balance(who.address) for who in (creator, composer)]
    assert ether == [6_666_670_000_000_000, 3_333_330_000_000_000]
    refused(desk.at("payout", payee, key=keeper_file), "nothing is booked")

    # Evidence, and the offer's end.
    for number in licenses:
        verified = desk.ok("verify", number, "--file", sample_path())
        assert "FAILS" not in verified.out
    assert startup.address in desk.ok("verify", licenses[2]).out
    desk.ok("withdraw", training, key=creator_file)
    before = desk.dollar.call("balanceOf", lab.address)
    refused(desk.at("license", training, "--party", "Lab SA", "--yes", key=lab_file), "cannot be bought", "withdrawn")
    refused(desk.at("withdraw", training, key=creator_file), "withdrawn already")
    assert desk.dollar.call("balanceOf", lab.address) == before
    desk.ok("verify", licenses[1])  # what was sold stays


@pytest.fixture(scope="session")
def sold(desk: Desk) -> tuple[str, str]:
    """An offer of 3 tUSD by one person alone, and a license from it."""
    _, creator = desk.person("solo")
    video = sample("carphone_pristine.mp4")
    registered = desk.ok(
        "register", video, "--title", "Call", "--person", ME, "--offer", "train-nonexclusive-1y@3 tUSD", key=creator
    )
    _, buyer = desk.person("buyer", ether=10**18, dollars=3 * 10**6)
    bought = desk.ok("license", registered.value("offer"), "--party", "Buyer", "--yes", key=buyer)
    # Alone, one is paid at one's own address.
    _, keeper = desk.person("keeper", ether=10**18)
    paid = desk.ok("payout", registered.value("payee"), "--currency", "tUSD", key=keeper)
    assert f"{registered.value('payee')} 3 tUSD paid" in paid.out
    return registered.value("offer"), bought.value("license")


def fails(said: Said, check: str, *words: str) -> None:
    """Not evidence: the check is named in both places."""
    refused(said, "no evidence of permission", check)
    assert f"FAILS  {check}" in said.out
    for word in words:
        assert word in said.out


def test_what_fails_an_audit(desk: Desk, sold: tuple[str, str], tmp_path: Path) -> None:
    _, number = sold
    fails(desk.at("verify", number, "--file", sample_path()), "the file is the licensed one", "the work's content is")
    fails(desk.at("verify", number, "--file", tmp_path / "none.mp4"), "the file is the licensed one", "does not exist")
    later = int(time.time()) + 366 * 86_400
    fails(desk.at("verify", number, "--at", later), "it is in force", "it expires")
    fails(desk.at("verify", number, "--at", 5), "it is in force", "not at 1970-01-01")
    for wrong in (int(number) + 1, 0, 1 << 255):
        refused(desk.at("verify", wrong), f"there is no license {wrong}")


@pytest.mark.parametrize(("what", "schema"), [("terms document", "terms:1"), ("metadata document", "work:2")])
@pytest.mark.parametrize("how", ["tampered", "missing"])
def test_documents_that_are_not_what_they_should_be(
    desk: Desk, sold: tuple[str, str], tmp_path: Path, what: str, schema: str, how: str
) -> None:
    _, number = sold
    content = tmp_path / "content"
    shutil.copytree(desk.stack.addresses.content, content)
    assert desk.at("verify", number, "--content", content).code == 0
    for block in (path for path in (content / "blocks").rglob("*") if path.is_file()):
        data = block.read_bytes()
        if f"urn:ipto:schema:{schema}".encode() in data:
            if how == "missing":
                block.unlink()
            else:
                block.write_bytes(data.replace(b"Call", b"Ball").replace(b"non-exclusive", b"exclusive"))
                block.write_bytes(block.read_bytes() + b" ")
    reason = "not in the content store" if how == "missing" else "damaged"
    fails(desk.at("verify", number, "--content", content), f"the {what} matches its digest", reason)


BAD_REGISTRATIONS = {
    "0-byte title": (["--title", ""], "metadata document, name"),
    "too long a title": (["--title", "x" * 5000], "metadata document, name"),
    "price of 2**256": (["--offer", f"train-nonexclusive-1y@{2**256} tUSD"], "is not an amount"),
    "price of 2**97": (["--offer", f"train-nonexclusive-1y@{2**97} tUSD"], "too much"),
    "unknown currency": (
        ["--offer", "train-nonexclusive-1y@5 DOGE"],
        "the currency DOGE is not known here; use one of",
    ),
    "no currency": (["--offer", "train-nonexclusive-1y@5"], "is not a price"),
    "negative price": (["--offer", "train-nonexclusive-1y@-5 tUSD"], "cannot be negative"),
    "too many decimals": (["--offer", "train-nonexclusive-1y@0.1234567 tUSD"], "6 decimals"),
    "no price": (["--offer", "train-nonexclusive-1y"], "write PRESET@PRICE"),
    "unknown preset": (["--offer", "do-anything@5 tUSD"], "there is no preset 'do-anything'"),
    "scene backwards": (["--offer", "inference-scene@5 tUSD@0:04-0:02"], "ends where it begins or before"),
    "scene beyond the film": (["--offer", "inference-scene@5 tUSD@0:04-9:00"], "the film at 5.28 s"),
    "scene is missing": (["--offer", "inference-scene@5 tUSD"], "is for one scene"),
    "scene in words": (["--offer", "inference-scene@5 tUSD@the start"], "is not a scene"),
    "the same offer twice": (["--offer", TRAIN, "--offer", TRAIN], "already posted"),
    "99 %": (["--person", "Mei:composer:0x" + "12" * 20 + ":49"], "sum to 149 %"),
    "twice one address": (["--person", "Mei:composer:me:50"], "share one address"),
    "half a person": (["--person", "Mei:composer"], "NAME:ROLE:ADDRESS:PERCENT"),
    "no percent": (["--person", "Mei:composer:0x" + "12" * 20 + ":half"], "is not a share"),
    "0 %": (["--person", "Mei:composer:0x" + "12" * 20 + ":0"], "share of 0 %"),
    "no address": (["--person", "Mei:composer:0x12:50"], "is not an address"),
    "mistyped address": (["--person", "Mei:composer:0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96046:50"], "wrong checksum"),
    "zero address": (["--person", "Mei:composer:0x" + "00" * 20 + ":50"], "zero address"),
}


@pytest.mark.parametrize("case", BAD_REGISTRATIONS)
def test_a_registration_that_cannot_be(desk: Desk, case: str) -> None:
    arguments, reason = BAD_REGISTRATIONS[case]
    _, key = desk.person("creator")
    before = desk.counts()
    title = [] if "--title" in arguments else ["--title", "Clip"]
    refused(desk.at("register", sample_path(), *title, "--person", ME, *arguments, key=key), reason)
    after = desk.counts()
    # A refusal of the chain comes after the documents are with the operator; all others before anything is kept.
    assert after[:3] == before[:3]
    assert after == before or case == "the same offer twice"


def test_keys_that_do_not_open(desk: Desk, tmp_path: Path) -> None:
    _, key = desk.person("creator")
    register = ("register", sample_path(), "--title", "Clip", "--person", ME, "--home", desk.stack.home)
    before = desk.counts()
    wrong = tmp_path / "wrong"
    Desk._write(wrong, "battery staple\n")
    refused(desk.run(*register, "--key", key, "--password-file", wrong), "wrong passphrase")
    refused(desk.run(*register, "--key", tmp_path / "none", "--password-file", wrong), "does not exist")
    refused(desk.run(*register, "--key", wrong, "--password-file", wrong), "not an encrypted keystore")
    wrong.chmod(0o644)
    refused(desk.run(*register, "--key", key, "--password-file", wrong), "can be read by others", "chmod 600")
    readable = tmp_path / "readable.json"
    shutil.copy(key, readable)
    readable.chmod(0o644)
    refused(desk.run(*register, "--key", readable, "--password-file", desk.password), "can be read by others")
    refused(desk.run("key", key, "--password-file", desk.password), "keys are never overwritten")
    wrong.chmod(0o600)
    wrong.write_text("short\n")
    refused(desk.run("key", tmp_path / "new.json", "--password-file", wrong), "too short")
    refused(desk.run("key", desk.password / "new.json", "--password-file", desk.password))
    assert not (tmp_path / "new.json").exists()
    assert desk.counts() == before


def test_other_peoples_works(desk: Desk, sold: tuple[str, str]) -> None:
    _, stranger = desk.person("stranger")
    offer, _ = sold
    before = desk.counts()
    refused(desk.at("withdraw", offer, key=stranger), "the relayer refused")
    refused(desk.at("withdraw", "0x" + "77" * 32, key=stranger), "does not know")
    refused(desk.at("withdraw", "nonsense", key=stranger), "the indexer refused", "64 hex digits")
    refused(desk.at("offer", "12345", "evaluate-free", "0 tUSD", key=stranger), "does not know")
    refused(desk.at("offer", "../offers", "evaluate-free", "0 tUSD", key=stranger), "the indexer")
    assert desk.counts() == before


def test_who_cannot_pay(desk: Desk, sold: tuple[str, str]) -> None:
    offer, _ = sold
    market = desk.stack.deployment.address("LicenseMarket")
    poor, poor_file = desk.person("poor", ether=10**18, dollars=2_999_999)
    buy = ("license", offer, "--party", "Poor", "--yes")
    before = desk.counts()
    refused(desk.at(*buy, key=poor_file), "holds 2.999999 tUSD, the license costs 3 tUSD")
    refused(desk.at(*buy, "--gasless", key=poor_file), "holds 2.999999 tUSD")
    refused(desk.at("license", offer, "--party", " ", "--yes", key=poor_file), "name the party")
    assert desk.dollar.call("allowance", poor.address, market) == 0
    _, gasless = desk.person("no gas", dollars=3 * 10**6)
    refused(desk.at(*buy, key=gasless))
    # Asked whether to pay, nobody said yes.
    _, rich = desk.person("rich", ether=10**18, dollars=3 * 10**6)
    asked = desk.at("license", offer, "--party", "Rich", key=rich)
    assert asked.code == 1
    assert "Pay 3 tUSD?" in asked.out
    assert desk.counts() == before


def test_payouts_that_cannot_be(desk: Desk) -> None:
    _, keeper = desk.person("keeper", ether=10**18)
    refused(desk.at("payout", "0x01" + "55" * 31, key=keeper), "does not know")
    refused(desk.at("payout", ETH, key=keeper), "nothing is booked")
    refused(desk.at("payout", ETH, "--currency", "DOGE", key=keeper), "use one of ETH, tUSD")


STACK_FILES = {
    "not there": (None, "no stack runs in", "ipto up"),
    "empty": ("", "is damaged", "ipto up"),
    "not JSON": ("{", "is damaged", "ipto up"),
    "a list": ("[]", "is damaged", "ipto up"),
    "something missing": ('{"rpc": "http://127.0.0.1:1"}', "is damaged", "ipto up"),
    "numbers": ('{"rpc": 1, "indexer": 2, "relayer": 3, "deployment": 4, "content": 5}', "is damaged", "ipto up"),
}


@pytest.mark.parametrize("case", STACK_FILES)
def test_without_a_stack(desk: Desk, sold: tuple[str, str], tmp_path: Path, case: str) -> None:
    text, *words = STACK_FILES[case]
    home = tmp_path / "home"
    if text is not None:
        home.mkdir()
        (home / "stack.json").write_text(text)
    _, key = desk.person("creator")
    for command in (
        ("register", sample_path(), "--title", "Clip", "--person", ME, "--offer", TRAIN),
        ("license", sold[0], "--party", "Lab", "--yes"),
        ("payout", "0x01" + "55" * 31),
    ):
        refused(desk.at(*command, key=key, home=home), *words)
    refused(desk.at("verify", sold[1], home=home), *words)
    assert list(tmp_path.rglob("*")) == ([] if text is None else [home, home / "stack.json"])


def test_a_stack_that_was_killed(desk: Desk, sold: tuple[str, str], tmp_path: Path) -> None:
    """stack.json is there, and nobody answers; or somebody else does."""
    known = json.loads((desk.stack.home / "stack.json").read_text())
    _, key = desk.person("creator")
    for changes, words in (
        ({"rpc": "http://127.0.0.1:1"}, ["cannot be reached"]),
        ({"rpc": "nonsense"}, ["RPC URL"]),
        ({"indexer": "http://127.0.0.1:1"}, ["the indexer", "does not answer"]),
        ({"indexer": "http://[::1"}, ["no address of the indexer"]),
        ({"indexer": known["rpc"]}, ["indexer"]),
        ({"deployment": str(tmp_path / "none.json")}, ["does not exist"]),
        ({"deployment": str(tmp_path)}, []),
    ):
        (tmp_path / "stack.json").write_text(json.dumps({**known, **changes}))
        refused(desk.at("license", sold[0], "--party", "Lab", "--yes", key=key, home=tmp_path), *words)


def test_an_auditor_needs_no_indexer(desk: Desk, sold: tuple[str, str]) -> None:
    known = desk.stack.addresses
    own = ("--rpc", known.rpc, "--deployment", known.deployment, "--content", known.content)
    assert desk.at("verify", sold[1], *own, home=Path("nowhere")).code == 0
    desk.stack.crash("indexer")
    try:
        assert desk.at("verify", sold[1], "--file", sample("carphone_pristine.mp4")).code == 0
    finally:
        desk.stack.resume("indexer")


def test_the_faucet(desk: Desk) -> None:
    someone, _ = desk.person("someone")
    for times in (1, 2):
        said = desk.ok("faucet", someone.address)
        assert f"holds {10 * times} ETH" in said.out
        assert f"holds {1000 * times} tUSD" in said.out
    refused(desk.at("faucet", "0x12"), "is not an address")


def test_presets_are_listed(desk: Desk) -> None:
    assert "train-nonexclusive-1y" in desk.run("presets").out
