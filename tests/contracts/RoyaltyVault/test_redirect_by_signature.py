# SPDX-License-Identifier: Apache-2.0
"""redirect_by_signature: an account without gas says where its money goes; once, here, in time, and nobody else."""

from dataclasses import replace
from typing import Any

import boa
import pytest
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from ipto.structs import ETH, ZERO_ADDRESS
from ipto.typed_data import Redirect, TypedData, vault_domain
from tests.contracts.support.build import account, chain_id, sign_for_vault
from tests.contracts.support.contract import Contract, deploy, hostile, reverts
from tests.contracts.support.effort import effort
from tests.contracts.support.money import pay_in
from tests.contracts.support.system import CONTRACTS, Actor, System, balance, now, travel

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def message(system: System, **changes: Any) -> Redirect:
    """The dancer's next redirection, to its heir."""
    nonce = system.vault.redirect_nonce(changes.get("account", system.dancer))
    return replace(Redirect(str(system.dancer), str(system.heir), nonce, now() + 3600), **changes)


def submit(system: System, said: Redirect, proof: bytes, vault: Contract | None = None) -> None:
    (vault or system.vault).redirect_by_signature(
        said.account, said.to, said.nonce, said.deadline, proof, sender=system.thief
    )


def test_whoever_submits_it(system: System) -> None:
    said = message(system)
    pay_in(system, ETH, (account(system.dancer), 9))
    submit(system, said, sign_for_vault(system, system.dancer, said))
    assert system.vault.events("Redirected") == [{"account": system.dancer, "to": system.heir}]
    assert system.vault.redirect_of(system.dancer) == system.heir
    assert system.vault.redirect_nonce(system.dancer) == said.nonce + 1
    before = balance(ETH, system.heir)
    assert system.vault.withdraw(system.dancer, ETH) == 9
    assert balance(ETH, system.heir) == before + 9


def test_counts_once(system: System) -> None:
    said = message(system)
    proof = sign_for_vault(system, system.dancer, said)
    submit(system, said, proof)
    with reverts("vault: nonce already used"):
        submit(system, said, proof)
    back = message(system, to=ZERO_ADDRESS)
    submit(system, back, sign_for_vault(system, system.dancer, back))
    assert system.vault.redirect_of(system.dancer) == ZERO_ADDRESS
    with reverts("vault: nonce already used"):
        submit(system, said, proof)


def test_any_change_in_between_makes_it_void(system: System) -> None:
    """Also one that its account made itself, also back to what it was: nothing old comes back later."""
    said = message(system)
    proof = sign_for_vault(system, system.dancer, said)
    system.vault.redirect(ZERO_ADDRESS, sender=system.dancer)
    with reverts("vault: nonce already used"):
        submit(system, said, proof)


def test_not_before_its_turn(system: System) -> None:
    early = message(system, nonce=1)
    with reverts("vault: nonce already used"):
        submit(system, early, sign_for_vault(system, system.dancer, early))


def test_in_time(system: System) -> None:
    said = message(system, deadline=now() + 10)
    proof = sign_for_vault(system, system.dancer, said)
    travel(11)
    with reverts("vault: deadline passed"):
        submit(system, said, proof)
    travel(-1)
    submit(system, said, proof)


def test_on_no_other_chain_and_no_other_vault(system: System) -> None:
    said = message(system)
    other = deploy(CONTRACTS / "RoyaltyVault.vy")
    for domain in ({"chain_id": chain_id() + 1}, {"contract": other.address}, {"contract": system.signed.address}):
        with reverts("vault: bad signature"):
            submit(system, said, sign_for_vault(system, system.dancer, said, **domain))
    with reverts("vault: bad signature"):
        submit(system, said, sign_for_vault(system, system.dancer, said), other)


def test_after_a_fork_only_on_the_chain_it_was_signed_for(system: System) -> None:
    said = message(system)
    proof = sign_for_vault(system, system.dancer, said)
    before = chain_id()
    boa.env.evm.patch.chain_id = before + 7
    try:
        with reverts("vault: bad signature"):
            submit(system, said, proof)
        assert system.vault.eip712Domain()[3] == before + 7
    finally:
        boa.env.evm.patch.chain_id = before
    submit(system, said, proof)


@pytest.mark.parametrize("field", ["account", "to", "deadline"])
def test_for_exactly_what_was_signed(system: System, field: str) -> None:
    said = message(system)
    other: dict[str, Any] = {"account": str(system.editor), "to": str(system.thief), "deadline": said.deadline + 1}
    proof = sign_for_vault(system, system.dancer, said)
    with reverts("vault: bad signature"):
        submit(system, replace(said, **{field: other[field]}), proof)


def test_by_nobody_else(system: System) -> None:
    said = message(system)
    for who in (system.thief, system.heir, system.owner):
        with reverts("vault: bad signature"):
            submit(system, said, sign_for_vault(system, who, said))
    nobody = message(system, account=ZERO_ADDRESS)
    with reverts("vault: bad signature"):
        submit(system, nobody, bytes(65))


def test_not_in_another_shape(system: System) -> None:
    """The other s of the pair, v of 0 and 1, and the compact form (EIP-2098)."""
    said = message(system)
    proof = sign_for_vault(system, system.dancer, said)
    r, s, v = proof[:32], int.from_bytes(proof[32:64], "big"), proof[64]
    twin = r + (ORDER - s).to_bytes(32, "big") + bytes([55 - v])
    digest = TypedData(vault_domain(chain_id(), system.vault.address), said).digest
    assert Account._recover_hash(digest, signature=twin) == system.dancer
    compact = r + (s | (v - 27) << 255).to_bytes(32, "big")
    for shaped in (twin, proof[:64] + bytes([v - 27]), compact, proof + b"\0", proof[:64], b""):
        with reverts("vault: bad signature"):
            submit(system, said, shaped)
    submit(system, said, proof)


def test_contract_accounts_confirm_it_themselves(system: System) -> None:
    wallet = hostile("Curious")
    said = message(system, account=wallet.address)
    with reverts("vault: bad signature"):
        submit(system, said, b"anything")
    wallet.expect(TypedData(vault_domain(chain_id(), system.vault.address), said).digest)
    submit(system, said, b"anything")
    assert system.vault.redirect_of(wallet.address) == system.heir


def test_the_domain_tells_itself(system: System) -> None:
    """ERC-5267."""
    fields, name, version, chain, contract, salt, extensions = system.vault.eip712Domain()
    assert (fields, salt, list(extensions)) == (b"\x0f", bytes(32), [])
    assert (name, version, chain, contract) == ("IPTO RoyaltyVault", "1", chain_id(), system.vault.address)


STEPS = st.lists(st.tuples(st.sampled_from(["sign", "submit", "direct"]), st.integers(0, 3)), max_size=14)


@effort(20)
@given(STEPS)
def test_as_a_model_says(system: System, steps: list[tuple[str, int]]) -> None:
    """Signed at any time, submitted in any order: each counts only for the state it was signed in."""
    people = [ZERO_ADDRESS, *(str(who) for who in (system.heir, system.editor, system.creator))]
    fresh = Actor.named(f"account {len(steps)} {steps}")
    signed: list[tuple[Redirect, bytes]] = []
    nonce, goal = 0, ZERO_ADDRESS
    for kind, which in steps:
        if kind == "sign":
            said = message(system, account=str(fresh), to=people[which], nonce=nonce)
            signed.append((said, sign_for_vault(system, fresh, said)))
        elif kind == "direct":
            system.vault.redirect(people[which], sender=fresh)
            nonce, goal = nonce + 1, people[which]
        elif signed:
            said, proof = signed[which % len(signed)]
            if said.nonce == nonce:
                submit(system, said, proof)
                nonce, goal = nonce + 1, said.to
            else:
                with reverts("vault: nonce already used"):
                    submit(system, said, proof)
        assert (system.vault.redirect_nonce(fresh), system.vault.redirect_of(fresh)) == (nonce, goal)
