# SPDX-License-Identifier: Apache-2.0
"""Sign-In with Ethereum messages: the examples of ERC-4361, what its grammar refuses, and what is hashed."""

from __future__ import annotations

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct
from hypothesis import given
from hypothesis import strategies as st

from ipto.accounts import LocalSigner
from ipto.errors import InputError
from ipto.signin import LONGEST, SignIn, personal_digest, seconds, time_text

ADDRESS = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"
# The example of ERC-4361 with an implicit scheme.
EXAMPLE = f"""example.com wants you to sign in with your Ethereum account:
{ADDRESS}

I accept the ExampleOrg Terms of Service: https://example.com/tos

URI: https://example.com/login
Version: 1
Chain ID: 1
Nonce: 32891756
Issued At: 2021-09-30T16:25:24Z
Resources:
- ipfs://bafybeiemxf5abjwjbikoz4mc3a3dla6ual3jsgpdr4cjr3oz3evfyavhwq/
- https://example.com/my-web2-claim.json"""


def test_the_example_of_the_standard() -> None:
    message = SignIn.parse(EXAMPLE)
    assert (message.domain, message.scheme, message.address) == ("example.com", None, ADDRESS)
    assert message.statement == "I accept the ExampleOrg Terms of Service: https://example.com/tos"
    assert (message.uri, message.chain_id, message.nonce) == ("https://example.com/login", 1, "32891756")
    assert message.issued_at == "2021-09-30T16:25:24Z"
    assert message.resources == (
        "ipfs://bafybeiemxf5abjwjbikoz4mc3a3dla6ual3jsgpdr4cjr3oz3evfyavhwq/",
        "https://example.com/my-web2-claim.json",
    )
    assert message.text == EXAMPLE


@pytest.mark.parametrize(
    ("start", "domain", "scheme"),
    [
        ("example.com:3388", "example.com:3388", None),
        ("https://example.com", "example.com", "https"),
        ("127.0.0.1", "127.0.0.1", None),
        ("test@127.0.0.1:8080", "test@127.0.0.1:8080", None),
        ("[::1]:8470", "[::1]:8470", None),
    ],
)
def test_other_beginnings(start: str, domain: str, scheme: str | None) -> None:
    text = EXAMPLE.replace("example.com wants", f"{start} wants", 1)
    message = SignIn.parse(text)
    assert (message.domain, message.scheme) == (domain, scheme)
    assert message.text == text


@pytest.mark.parametrize(
    "change",
    [
        ("I accept the ExampleOrg Terms of Service: https://example.com/tos\n", ""),  # no statement
        ("\nResources:\n- ipfs://bafybeiemxf5abjwjbikoz4mc3a3dla6ual3jsgpdr4cjr3oz3evfyavhwq/"
         "\n- https://example.com/my-web2-claim.json", "\nResources:"),
        ("24Z\n", "24.123456Z\nExpiration Time: 2021-10-01T00:00:00+02:00\nNot Before: 2021-01-01T00:00:00Z\n"
         "Request ID: a%20b\n"),
        ("24Z\n", "24Z\nRequest ID: \n"),
    ],
)  # fmt: skip
def test_optional_parts(change: tuple[str, str]) -> None:
    text = EXAMPLE.replace(*change)
    assert text != EXAMPLE
    assert SignIn.parse(text).text == text


@pytest.mark.parametrize(
    "change",
    [
        ("example.com wants", " wants"),
        ("example.com wants", "exa mple.com wants"),
        ("example.com wants", "not_a_host wants"),
        ("example.com wants", "example.com:123456 wants"),
        ("wants you", "Wants you"),
        (ADDRESS, ADDRESS.lower()),
        (ADDRESS, ADDRESS.upper()),
        (ADDRESS, ADDRESS[:-1]),
        (ADDRESS, ADDRESS[:-1] + "С"),  # Cyrillic
        (f"{ADDRESS}\n\n", f"{ADDRESS}\n"),
        ("I accept", "I accépt"),
        ("I accept", "I\naccept"),
        ("I accept", "I\taccept"),
        ("/tos\n\n", "/tos\n"),
        ("/tos\n\n", "/tos\n\n\n"),
        ("I accept the ExampleOrg Terms of Service: https://example.com/tos\n", "\n"),
        ("URI: https://example.com/login\n", ""),
        ("URI: https://example.com/login", "URI: _no_uri_"),
        ("URI: https://example.com/login", "URI: https://example.com/%zz"),
        ("URI: https://example.com/login", "URI: https://example.com/a b"),
        ("URI: https://example.com/login\nVersion: 1", "Version: 1\nURI: https://example.com/login"),
        ("Version: 1\n", "Version: 2\n"),
        ("Version: 1\n", ""),
        ("Chain ID: 1\n", "Chain ID: ?\n"),
        ("Chain ID: 1\n", "Chain ID: 01\n"),
        ("Chain ID: 1\n", "Chain ID: -1\n"),
        ("Chain ID: 1\n", "Chain ID: ١\n"),  # a digit, but not of ASCII
        ("32891756", "3289175"),
        ("32891756", "3289175-"),
        ("2021-09-30T16:25:24Z", "Wed Oct 05 2011 16:48:00 GMT+0200 (CEST)"),
        ("2021-09-30T16:25:24Z", "2021-09-30T16:25:24"),
        ("2021-09-30T16:25:24Z", "2021-09-31T16:25:24Z"),
        ("2021-09-30T16:25:24Z", "2021-09-30 16:25:24Z"),
        ("24Z\n", "24Z\nNot Before: 2021-01-01T00:00:00Z\nExpiration Time: 2022-01-01T00:00:00Z\n"),
        ("24Z\n", "24Z\nRequest ID: a b\n"),
        ("24Z\n", "24Z\r\n"),
        ("- https://example.com/my", "- _no_uri_/my"),
        ("- https://example.com/my", "-https://example.com/my"),
        ("claim.json", "claim.json\n"),
        ("claim.json", "claim.json\nRequest ID: late"),
        ("claim.json", "claim.json - https://example.com/2"),
        ("ExampleOrg", "x" * LONGEST),
    ],
)  # fmt: skip
def test_what_the_grammar_refuses(change: tuple[str, str]) -> None:
    text = EXAMPLE.replace(*change)
    assert text != EXAMPLE
    with pytest.raises(InputError):
        SignIn.parse(text)


@given(st.text(min_size=1, max_size=60), st.integers(0, len(EXAMPLE)), st.integers(0, 30))
def test_whatever_is_read_is_written_back(noise: str, at: int, cut: int) -> None:
    text = EXAMPLE[:at] + noise + EXAMPLE[at + cut :]
    try:
        message = SignIn.parse(text)
    except InputError:
        return
    assert message.text == text


@given(st.text(max_size=300))
def test_what_is_hashed_is_what_wallets_hash(text: str) -> None:
    """eth-account's own implementation of `personal_sign` signs and recovers the same."""
    key = LocalSigner(b"\x07" * 32)
    ours = key.sign_digest(personal_digest(text))
    assert ours == Account.sign_message(encode_defunct(text=text), b"\x07" * 32).signature
    assert Account.recover_message(encode_defunct(text=text), signature=ours) == key.address


def test_times() -> None:
    assert seconds("1970-01-01T01:00:00.5+01:00") == 0.5
    assert time_text(1632961524.9) == "2021-09-30T00:25:24Z"
