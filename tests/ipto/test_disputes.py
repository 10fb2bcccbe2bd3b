# SPDX-License-Identifier: Apache-2.0
"""Disputes and attestations by the library and the command line, on a chain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from ipto import documents, ids
from ipto.accounts import create_keystore
from ipto.attestations import SCHEMAS, Attestations, schema_digest
from ipto.chain import Deployment, RevertedError
from ipto.cli import main
from ipto.devchain import DevChain
from ipto.disputes import Disputes, Effect, Outcome, Phase, remedy
from ipto.errors import InputError
from ipto.stack import Addresses
from ipto.structs import ETH, ZERO32, ZERO_ADDRESS, WorkInput

DAY = 86_400
EVIDENCE = b"\x01" * 32


def registered(chain: DevChain, deployment: Deployment, content: bytes = b"\x02" * 32) -> int:
    """A work of the chain's second account."""
    creator = chain.signers[1]
    work = WorkInput(content, b"\x03" * 32, ZERO32, ZERO32, ZERO_ADDRESS, 5_000, 511)
    deployment.contract("WorkRegistry", chain.rpc).send(creator, "register", creator.address, work)
    return ids.work_id(creator.address, content)


def test_a_claim_moves_by_a_ruling_and_everybody_is_paid(chain: DevChain, deployment: Deployment) -> None:
    judge, creator, author = chain.signers[:3]
    work, disputes = registered(chain, deployment), Disputes(deployment, chain.rpc)
    costs = disputes.costs()
    assert (costs.currency, costs.bond, costs.fee) == (ETH, 10**17, 5 * 10**16)
    number = disputes.open(author, Effect.MOVE_CLAIM, work, EVIDENCE, hold_days=10)
    case = disputes.case(number)
    assert (case.opener, case.respondent, case.subject) == (author.address, creator.address, work)
    assert (case.rent_paid, case.phase) == (10 * costs.rent_per_day, Phase.OPEN)
    assert case.waits_for(case.opened_at) == "the respondent's answer"
    assert disputes.hold_on(case.target, work).asked_until == case.opened_at + 10 * DAY
    disputes.answer(creator, number, EVIDENCE)
    disputes.submit_evidence(chain.signers[3], number, b"\x04" * 32)
    assert "referral" in disputes.case(number).waits_for(case.opened_at)
    disputes.refer(author, number)
    assert disputes.case(number).waits_for(case.opened_at) == "the ruling"
    disputes.vote(judge, number, Outcome.FOR_OPENER, b"\x05" * 32, remedy(clean_since=1, keeps_steward=True))
    ruled = disputes.case(number)
    assert (ruled.outcome, ruled.remedy) == (Outcome.FOR_OPENER, remedy(1, True))
    assert "delay" in ruled.waits_for(ruled.executable_at - 1)
    assert "execution" in ruled.waits_for(ruled.executable_at)
    with pytest.raises(RevertedError, match="not executable yet"):
        disputes.execute(author, number)
    chain.travel(7 * DAY)
    disputes.execute(author, number)
    assert disputes.case(number).waits_for(0) == "nothing: it is over"
    registry, vault = (deployment.contract(name, chain.rpc) for name in ("WorkRegistry", "RoyaltyVault"))
    assert registry.call("ownerOf", work) == author.address
    owed = vault.call("balance_of", ids.address_account(author.address), ETH)
    assert owed == 2 * costs.bond - costs.fee + 10 * costs.rent_per_day
    disputes.share_fee(author, number)
    assert vault.call("balance_of", ids.address_account(judge.address), ETH) == costs.fee
    told = [log.event for log in disputes.documents(number)]
    assert told == ["CaseOpened", "CaseAnswered", "EvidenceSubmitted", "Voted", "CaseRuled"] or told == [
        *("CaseOpened", "CaseAnswered", "EvidenceSubmitted", "CaseRuled", "Voted")
    ]


def test_withdrawn_and_lapsed(chain: DevChain, deployment: Deployment) -> None:
    author = chain.signers[2]
    work, disputes = registered(chain, deployment), Disputes(deployment, chain.rpc)
    first = disputes.open(author, Effect.NAME_STEWARD, work, EVIDENCE)
    disputes.withdraw(author, first)
    assert disputes.case(first).waits_for(0) == "nothing: it is over"
    second = disputes.open(author, Effect.MOVE_CLAIM, work, EVIDENCE)
    disputes.ask_hold(author, second, 3)
    case = disputes.case(second)
    assert "nothing changes" in case.waits_for(case.lapses_at)
    chain.travel(90 * DAY)
    disputes.execute(author, second)
    assert disputes.case(second).phase is Phase.LAPSED


def test_a_hold_that_the_judge_orders_and_lifts(chain: DevChain, deployment: Deployment) -> None:
    judge, creator, author = chain.signers[:3]
    work, disputes = registered(chain, deployment), Disputes(deployment, chain.rpc)
    number = disputes.open(author, Effect.MOVE_CLAIM, work, EVIDENCE)
    disputes.answer(creator, number, EVIDENCE)
    disputes.refer(author, number)
    target = disputes.case(number).target
    disputes.vote_hold(judge, number, True)
    assert disputes.hold_on(target, work).ordered_until == disputes.case(number).lapses_at
    disputes.vote_hold(judge, number, False)
    assert disputes.hold_on(target, work).ordered_until == 0
    disputes.vote(judge, number, Outcome.NO_FAULT, EVIDENCE)
    chain.travel(7 * DAY)
    disputes.settle(author, number)
    assert disputes.case(number).is_settled


@pytest.mark.parametrize("wrong", [-1, 1 << 40])
def test_a_remedy_out_of_range(wrong: int) -> None:
    with pytest.raises(InputError, match="UTC seconds"):
        remedy(wrong)


def test_attestations(chain: DevChain, deployment: Deployment) -> None:
    community, other = chain.signers[1:3]
    said = Attestations(deployment, chain.rpc)
    subject, schema = b"\x07" * 32, schema_digest("community-claim")
    first = said.attest(community, subject, schema, EVIDENCE)
    said.attest(other, subject, b"\x08" * 32)
    said.attest(other, b"\x09" * 32, schema)
    said.revoke(community, first)
    found = said.about(subject)
    assert [(item.attester, item.name) for item in found] == [
        (community.address, "community-claim"),
        (other.address, "0x" + "08" * 32),
    ]
    assert found[0].revoked_at >= found[0].attested_at > 0 == found[1].revoked_at


def test_schemas_are_documents_with_a_digest() -> None:
    assert schema_digest("identity") == documents.digest(SCHEMAS["identity"])
    assert schema_digest("0x" + "ab" * 32) == b"\xab" * 32
    for wrong in ("", "nonsense", "0x" + "zz" * 32):
        with pytest.raises(InputError, match="no schema known here"):
            schema_digest(wrong)


# ---- the command line -----------------------------------------------------------------------------------------------


@pytest.fixture
def ipto(chain: DevChain, deployment: Deployment, tmp_path: Path) -> Callable[..., str]:
    """`ipto …` beside a running stack that has no services; its output."""
    (tmp_path / "content").mkdir()
    where = Addresses(chain.url, chain.url, chain.url, str(deployment.save(tmp_path)), str(tmp_path / "content"))
    (tmp_path / "stack.json").write_bytes(orjson.dumps(asdict(where)))
    (tmp_path / "word").touch(mode=0o600)
    (tmp_path / "word").write_text("a passphrase\n")
    for name, text in (("evidence.txt", "I made it first."), ("reasons.txt", "She did."), ("empty.txt", "")):
        (tmp_path / name).write_text(text)

    def run(*arguments: str, key: str | None = None, fails: bool = False) -> str:
        keys = ["--key", str(tmp_path / key), "--password-file", str(tmp_path / "word")] if key else []
        names = [str(tmp_path / item) if item.endswith(".txt") else item for item in arguments]
        done = CliRunner().invoke(main, [*names, *keys, "--home", str(tmp_path)])
        assert (done.exit_code != 0) == fails, done.output
        return done.output

    return run


def test_a_case_on_the_command_line(
    chain: DevChain, deployment: Deployment, ipto: Callable[..., str], tmp_path: Path
) -> None:
    author = create_keystore(tmp_path / "author.json", "a passphrase")
    chain.set_balance(author.address, 10**19)
    work = str(registered(chain, deployment))
    assert "1 to 1,048,576" in ipto(
        "dispute", "open", "claim", work, "--evidence", "empty.txt", key="author.json", fails=True
    )
    said = ipto("dispute", "open", "claim", work, "--evidence", "evidence.txt", "--hold", "5", key="author.json")
    assert "case        1" in said
    assert "has not answered" in said
    assert "0 ETH used of 0.05 ETH" in said
    assert "can still be answered" in ipto("dispute", "refer", "1", key="author.json", fails=True)
    assert "evidence    0x" in ipto("dispute", "evidence", "1", "evidence.txt", key="author.json")
    chain.travel(14 * DAY)
    assert "phase       referred" in ipto("dispute", "refer", "1", key="author.json")
    reasons = ("--reasons", "reasons.txt")
    assert "--dev-judge" in ipto("dispute", "rule", "1", "for-opener", *reasons, fails=True)
    said = ipto("dispute", "rule", "1", "for-opener", *reasons, "--clean-since", "1", "--dev-judge")
    assert "outcome     for opener" in said
    chain.travel(7 * DAY)
    assert "it is over" in ipto("dispute", "execute", "1", key="author.json")
    said = ipto("dispute", "status", "1")
    assert said.count("0x" + sha256(b"She did.").hexdigest()) == 2
    assert deployment.contract("WorkRegistry", chain.rpc).call("ownerOf", int(work)) == author.address


def test_the_respondent_answers_and_a_case_is_withdrawn(
    chain: DevChain, deployment: Deployment, ipto: Callable[..., str], tmp_path: Path
) -> None:
    creator = create_keystore(tmp_path / "creator.json", "a passphrase")
    author = create_keystore(tmp_path / "author.json", "a passphrase")
    for signer in (creator, author):
        chain.set_balance(signer.address, 10**19)
    work = registered(chain, deployment)
    registry, owner = deployment.contract("WorkRegistry", chain.rpc), chain.signers[1]
    registry.send(owner, "transferFrom", owner.address, creator.address, work)
    ipto("dispute", "open", "steward", hex(work), "--evidence", "evidence.txt", key="author.json")
    said = ipto("dispute", "answer", "1", "--evidence", "evidence.txt", key="creator.json")
    assert creator.address in said
    assert "has not answered" not in said
    assert "withdrawn" in ipto("dispute", "withdraw", "1", key="author.json")


def test_attestations_on_the_command_line(chain: DevChain, ipto: Callable[..., str], tmp_path: Path) -> None:
    community = create_keystore(tmp_path / "community.json", "a passphrase")
    chain.set_balance(community.address, 10**19)
    assert "community-claim" in ipto("attestations", "--schemas")
    assert "name a subject" in ipto("attestations", fails=True)
    said = ipto("attest", "77", "community-claim", "--evidence", "evidence.txt", key="community.json")
    assert "attestation 0x" in said
    ipto("attest", "77", "identity", key="community.json")
    lines = ipto("attestations", "77").splitlines()
    assert [line.split()[3:] for line in lines] == [
        [community.address, "community-claim", "(stands)"],
        [community.address, "identity", "(stands)"],
    ]
