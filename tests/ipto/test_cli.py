# SPDX-License-Identifier: Apache-2.0
"""How the command line reads what people type, and how it ends; commands on a stack are in tests/e2e."""

from __future__ import annotations

import signal
import string

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipto._command import ends_in_order, read_contribution, read_number, read_plan, reports_errors
from ipto.cli import main
from ipto.errors import InputError, IptoError
from ipto.quantities import ETHER, Currency

ME = "0x" + "11" * 20
USD = Currency("tUSD", "0x" + "22" * 20, 6)


@given(st.integers(1, 1_000_000))
def test_every_share_can_be_written(share: int) -> None:
    whole, rest = divmod(share, 10_000)
    for text in (f"{whole}.{rest:04}", f"{whole}.{rest:04}%"):
        assert read_contribution(f"Ada:director:me:{text}", ME).share == share


@given(st.text(string.printable + "٣½é:", max_size=30))
def test_a_person_is_read_or_refused_in_words(text: str) -> None:
    for typed in (text, f"Ada:director:me:{text}", f"Ada:director:{text}:50"):
        try:
            person = read_contribution(typed, ME)
        except InputError:
            continue
        assert person.share > 0
        assert person.name
        assert len(person.address) == 42


@given(st.integers(0, 2**256 - 1))
def test_numbers_in_both_notations(number: int) -> None:
    assert read_number(str(number), "license") == read_number(hex(number), "license") == number


@pytest.mark.parametrize("text", ["", "-1", "1.0", "0x", "0xg", "1e5", " 5", "1_000", "٣", str(2**256), "0b1", "abc"])
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(InputError, match="is not the id of a license"):
        read_number(text, "license")


def test_plans() -> None:
    plan = read_plan("inference-scene@0.5 tUSD@0:05-0:12.5", (ETHER, USD))
    assert (plan.preset, plan.price, plan.currency, plan.scene) == ("inference-scene", 500_000, USD, (5_000, 12_500))
    assert read_plan("index@1 ETH", (ETHER,)).scene is None
    for text in ("index", "index@", "@1 ETH", "index@1 ETH@", "index@1 ETH@now"):
        if text == "index@1 ETH@":
            continue  # no scene is the whole
        with pytest.raises(InputError):
            read_plan(text, (ETHER,))


def test_errors_become_one_line() -> None:
    @reports_errors
    def fail(error: Exception) -> None:
        raise error

    with pytest.raises(click.ClickException, match="do this next"):
        fail(IptoError("do this next"))
    with pytest.raises(click.ClickException, match="a file: No space left"):
        fail(OSError(28, "No space left", "a file"))
    with pytest.raises(BrokenPipeError):
        fail(BrokenPipeError())
    with pytest.raises(ZeroDivisionError):
        fail(ZeroDivisionError())  # a bug of ours is not dressed up


def test_interruptions_count_once(capsys: pytest.CaptureFixture[str]) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    steps = []

    def interrupted() -> None:
        with ends_in_order():
            try:
                signal.raise_signal(signal.SIGTERM)
            finally:
                for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                    signal.raise_signal(number)  # while things are being ended
                steps.append("ended")

    with pytest.raises(SystemExit) as end:
        interrupted()
    assert steps == ["ended"]
    assert end.value.code == 130
    assert "nothing is left running" in capsys.readouterr().err
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    for name, command in main.commands.items():
        assert command.help, name
        with pytest.raises(SystemExit) as end:
            main([name, "--help"])
        assert end.value.code == 0
        assert "Usage:" in capsys.readouterr().out
