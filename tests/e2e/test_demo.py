# SPDX-License-Identifier: Apache-2.0
"""`ipto demo`, as a newcomer runs it: it tells the truth, refuses what is no video, and leaves nothing behind."""

import re
import signal
from decimal import Decimal
from pathlib import Path

import pytest

from tests.e2e.runs import finish, gone, processes_of, read_until, sample, start

AMOUNT = r"([0-9.]+) (tUSD|ETH)"


def check_money(said: str) -> None:
    """The licenses' prices, the payouts and what each person got are the same sums, in both currencies."""
    for currency, income in (("tUSD", Decimal(50)), ("ETH", Decimal("0.01"))):
        paid = [Decimal(amount) for amount, unit in re.findall(rf"^   paid +{AMOUNT}", said, re.M) if unit == currency]
        got = [
            Decimal(after) - Decimal(before)
            for before, _, after, unit in re.findall(rf"{AMOUNT} → {AMOUNT}", said)
            if unit == currency
        ]
        assert sum(paid) == sum(got) == income
        assert [part / income for part in got] == [Decimal("0.5"), Decimal("0.3"), Decimal("0.2")]
        assert re.search(rf"sum +([0-9.]+) {currency} paid \+ 0 {currency} left over = \1 {currency}", said)


def check_story(said: str) -> None:
    """Who signed, who paid which gas, what an auditor found."""
    assert re.search(r"creator +0x\w{40}, balance 0 ETH", said)
    assert re.search(r"gas +[0-9,]+, paid by the relayer 0x\w{40}: 0\.0\d+ ETH", said)
    assert len(re.findall(r"gas [0-9,]+, paid by the buyer 0x\w{40}", said)) == 2
    assert "by a payment authorization (EIP-3009); gas paid by the relayer" in said
    assert len(re.findall(r"^   license ", said, re.M)) == 3
    assert len(re.findall(r"^   holds ", said, re.M)) >= 8
    assert "FAILS" not in said
    assert "may use this very file" in said
    check_money(said)
    check_dataset(said)


def check_dataset(said: str) -> None:
    """One transaction licenses all works, one report pays them; both come out to the last unit."""
    works, price, curators = re.search(
        rf"^   price +{AMOUNT} for ([0-9,]+) works in one transaction, {AMOUNT} of it to the curator", said, re.M
    ).group(3, 1, 4)  # type: ignore[union-attr]
    collected = re.search(rf"sum +{AMOUNT} to ([0-9,]+) works, each its own price", said)
    assert collected is not None
    assert collected[3] == works == "45"
    assert Decimal(price) == Decimal(collected[1]) + Decimal(curators)
    reported = re.search(rf"reported +{AMOUNT} for all of them in one report", said)
    shared = re.search(rf"sum +{AMOUNT} to [0-9,]+ payees \+ 0 tUSD left over = {AMOUNT}, to the last unit", said)
    assert reported is not None
    assert shared is not None
    assert reported[1] == shared[1] == shared[3]
    assert f"{works} works in 1 transactions by a keeper" in said
    assert said.count("skipped because this chain is a development chain") == 2


def test_the_sample_twice_in_one_folder(tmp_path: Path) -> None:
    for _ in range(2):
        done = finish(start("demo", "--works", 45, "--home", tmp_path / "home"))
        assert (done.returncode, done.stderr) == (0, "")
        assert "bigbuckbunny.mp4" in done.stdout
        check_story(done.stdout)
        assert processes_of(tmp_path) == []


@pytest.mark.slow
def test_two_at_once_with_videos_of_ones_own(tmp_path: Path) -> None:
    odd = tmp_path / "mine, \n and “quoted”.mp4"
    odd.write_bytes(sample("carphone_pristine.mp4").read_bytes())
    videos = (sample("bikes.mp4"), odd)
    runs = [start("demo", "--works", 45, "--video", video, temporary=tmp_path / "tmp") for video in videos]
    for run, title in zip(runs, ("“bikes”", "“mine,   and “quoted””"), strict=True):
        done = finish(run)
        assert (done.returncode, done.stderr) == (0, "")
        assert title in done.stdout
        check_story(done.stdout)
        # Whoever made this film is not known to the demo: no notice, no credit line.
        assert "cultural notice" not in done.stdout
        assert "Blender" not in done.stdout
    assert processes_of(tmp_path) == []
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("letter.mp4", b"Dear Sir or Madam,", "is not a video this library can read"),
        ("empty.mp4", b"", "is empty (0 bytes)"),
        ("missing.mp4", None, "does not exist"),
        ("folder", None, "is a folder"),
    ],
    ids=["no video", "empty", "missing", "folder"],
)
def test_what_is_no_video(tmp_path: Path, name: str, content: bytes | None, reason: str) -> None:
    path = tmp_path / "in" / name
    (path if name == "folder" else path.parent).mkdir(parents=True)
    if content is not None:
        path.write_bytes(content)
    done = finish(start("demo", "--video", path, "--home", tmp_path / "home", temporary=tmp_path / "tmp"))
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(f"Error: {path}")
    assert reason in done.stderr
    assert done.stderr.count("\n") == 1
    assert processes_of(tmp_path) == []
    assert not (tmp_path / "home").exists()
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize(
    ("number", "moment"),
    [
        (signal.SIGINT, "deploying the contracts"),
        (signal.SIGTERM, "3. Three companies"),
        (signal.SIGKILL, "2. The creator signs"),
        (signal.SIGKILL, "starting the relayer"),
    ],
)
def test_interrupted_it_leaves_nothing(tmp_path: Path, number: signal.Signals, moment: str) -> None:
    run = start("demo", temporary=tmp_path)
    try:
        read_until(run, moment)
        assert len(processes_of(tmp_path)) > 1
        run.send_signal(number)
        if number != signal.SIGKILL:
            run.send_signal(signal.SIGINT)  # the impatient press it twice
        done = finish(run, 60)
    finally:
        run.kill()
    assert "Traceback" not in done.stderr
    if number == signal.SIGKILL:
        # Nobody is there to remove the folder; the processes end by themselves.
        assert gone(tmp_path)
        return
    assert done.returncode == 130
    assert done.stderr.strip() == "Ended; nothing is left running."
    assert processes_of(tmp_path) == []
    assert list(tmp_path.iterdir()) == []
