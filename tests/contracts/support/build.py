# SPDX-License-Identifier: Apache-2.0
"""Builders: a valid structure of each kind, of which a test changes what it is about."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from typing import Any

import boa
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils import keccak

from ipto import ids, typed_data
from ipto.structs import (
    ETH,
    NEVER,
    SHARE_TOTAL,
    UNLIMITED,
    WHOLE_END_MS,
    ZERO32,
    ZERO_ADDRESS,
    Authorization,
    Offer,
    Share,
    WorkInput,
    checksum_address,
)
from tests.contracts.support.contract import Contract, build, mapping_slot
from tests.contracts.support.system import CONTRACTS, Actor, System, now

YEAR = 365 * 24 * 3600
_numbers = itertools.count(1)


def digest(text: str = "") -> bytes:
    """A digest of something; with no text, of something new each time."""
    return keccak(text=text or f"number {next(_numbers)}")


def work_input(**changes: Any) -> WorkInput:
    """A work of its own: no split, no steward, all aspects cleared."""
    base = WorkInput(
        content=digest(),
        metadata=digest(),
        cultural=ZERO32,
        payee=ZERO32,
        steward=ZERO_ADDRESS,
        duration_ms=5_280,
        cleared=2**9 - 1,
    )
    return replace(base, **changes)


def offer_for(work: int, licensor: str, **changes: Any) -> Offer:
    """Training with everything in the whole work, a year, one ETH, to anyone."""
    base = Offer(
        work=work,
        licensor=str(licensor),
        usages=1,
        aspects=2**9 - 1,
        forbids=0,
        start_ms=0,
        end_ms=WHOLE_END_MS,
        currency=ETH,
        price=10**18,
        term=YEAR,
        revenue_share_bps=0,
        unit=0,
        unit_price=0,
        report_every=0,
        after_term=1,
        supply=UNLIMITED,
        licensee=ZERO_ADDRESS,
        opens_at=0,
        closes_at=NEVER,
        flags=0,
        terms=digest("terms"),
    )
    return replace(base, **changes)


def with_market(system: System, **wiring: str) -> System:
    """The same system with a market of its own: `disputes` and `datasets` are accounts a test acts for."""
    datasets = wiring.pop("datasets", None)
    other = copy(system)
    other.market = system.new_market(**wiring)
    if datasets is not None:
        other.market.set_dataset_market(datasets, sender=system.owner)
    return other


def account(address: str) -> bytes:
    """The vault's account of an address."""
    return ids.address_account(str(address))


def even_split(*members: str | bytes, total: int = SHARE_TOTAL) -> list[Share]:
    """Equal shares in ascending order; the first takes what does not divide."""
    accounts = sorted(member if isinstance(member, bytes) else account(member) for member in members)
    part = total // len(accounts)
    first = total - part * (len(accounts) - 1)
    return [Share(item, part if i else first) for i, item in enumerate(accounts)]


def declare(system: System, shares: Sequence[Share], controller: str = ZERO_ADDRESS) -> bytes:
    """Declare a split; returns its account."""
    result: bytes = system.vault.declare_split(shares, controller)
    return result


def register(system: System, creator: str | None = None, **changes: Any) -> int:
    """Register a work directly; returns its id."""
    creator = creator or system.creator
    result: int = system.registry.register(creator, work_input(**changes), sender=creator)
    return result


def post(system: System, work: int, licensor: str | None = None, **changes: Any) -> Offer:
    """Post an offer directly."""
    offer = offer_for(work, licensor or system.creator, **changes)
    system.market.post(offer, sender=offer.licensor)
    return offer


def on_sale(system: System, **changes: Any) -> Offer:
    """An offer of a new work."""
    return post(system, register(system), **changes)


def buy(system: System, offer: Offer, licensee: str | None = None, payer: str | None = None, **changes: Any) -> int:
    """Mint from an offer as it stands, paying what it costs now; returns the license's id."""
    licensee = licensee or system.licensee
    payer = payer or licensee
    total, _, acknowledged = system.market.quote(offer)
    party = changes.get("party", ZERO32)
    if offer.currency != ETH:
        token = Contract(offer.currency, system.usd.abi)
        system.fund(token, payer, total, system.market.address)
    result: int = system.market.mint(
        offer,
        licensee,
        changes.get("party", party),
        changes.get("max_total", total),
        changes.get("acknowledged", acknowledged),
        sender=payer,
        value=changes.get("value", total if offer.currency == ETH else 0),
    )
    return result


def chain_id() -> int:
    """The chain's id as contracts see it."""
    return int(boa.env.evm.patch.chain_id)


def authorize(
    system: System,
    payer: Actor,
    offer: Offer,
    licensee: str,
    party: bytes = ZERO32,
    acknowledged: bytes | None = None,
    **changes: Any,
) -> Authorization:
    """The payer's EIP-3009 authorization for one order, over what it costs now unless `value` is given."""
    total, _, current = system.market.quote(offer)
    order = system.market.order_hash(ids.offer_id(offer), licensee, party, acknowledged or current)
    nonce = ids.authorization_nonce(changes.get("market", system.market.address), order)
    return authorization(
        offer.currency, payer, changes.get("to", system.vault.address), changes.get("value", total), nonce
    )


def authorization(token: str, payer: Actor, to: str, value: int, nonce: bytes) -> Authorization:
    """Sign an EIP-3009 authorization for a token of the cast, good for an hour."""
    before, after = now() + 3600, 0
    message = typed_data.ReceiveWithAuthorization(str(payer), to, value, after, before, nonce)
    domain = typed_data.Domain("Token", "1", chain_id(), token)
    raw = sign_raw(payer, typed_data.TypedData(domain, message))
    v, r, s = typed_data.split_signature(raw)
    return Authorization(str(payer), after, before, v, r, s)


def sign_raw(signer: Actor, data: typed_data.TypedData) -> bytes:
    """Sign with eth-account, which hashes the message itself."""
    signable = encode_typed_data(full_message=data.to_json())
    return bytes(Account.sign_message(signable, signer.key).signature)


def sign(system: System, signer: Actor, message: Any, **domain: Any) -> bytes:
    """Sign a message for this system's SignedActions."""
    where = typed_data.signed_actions_domain(
        domain.get("chain_id", chain_id()), domain.get("contract", system.signed.address)
    )
    return sign_raw(signer, typed_data.TypedData(where, message))


def sign_for_vault(system: System, signer: Actor, message: Any, **domain: Any) -> bytes:
    """Sign a message for this system's vault."""
    where = typed_data.vault_domain(domain.get("chain_id", chain_id()), domain.get("contract", system.vault.address))
    return sign_raw(signer, typed_data.TypedData(where, message))


def onboard_message(system: System, actor: str | None = None, offers: int = 2, **changes: Any) -> typed_data.Onboard:
    """A creator's first message: a three-way split, a work, some offers."""
    actor = str(actor or system.creator)
    controller = changes.get("controller", str(system.controller))
    shares = tuple(changes.get("split", even_split(actor, system.dancer, system.editor)))
    payee = ids.split_account(shares, controller) if shares else ZERO32
    work = changes.get("work", work_input(payee=payee))
    number = ids.work_id(actor, work.content)
    base = typed_data.Onboard(
        actor=actor,
        registry=system.registry.address,
        vault=system.vault.address,
        market=system.market.address,
        split=shares,
        controller=controller,
        work=work,
        offers=tuple(offer_for(number, actor, terms=digest()) for _ in range(offers)),
        nonce=int.from_bytes(digest(), "big"),
        deadline=now() + 3600,
    )
    return replace(base, **changes)


def word_of(contract: Contract, source: str, token: int) -> int:
    """A token's packed word, read from storage. source: the contract's file name without .vy."""
    slot = mapping_slot(build(CONTRACTS / f"{source}.vy").slots["erc721.words"], token)
    return int(boa.env.get_storage(contract.address, slot))


def put_flag(contract: Contract, source: str, token: int, at: int, flag: int) -> None:
    """Set a flag that only a ruling will set: no contract of today does, so it is written into storage."""
    slot = mapping_slot(build(CONTRACTS / f"{source}.vy").slots["erc721.words"], token)
    boa.env.set_storage(contract.address, slot, word_of(contract, source, token) | flag << at)


def hold(system: System, work: int, until: int = NEVER) -> None:
    """Put a work on hold, as dispute resolution does."""
    system.registry.hold(work, until, sender=system.registry.DISPUTES())


def set_clean_since(system: System, work: int, since: int) -> None:
    """What only a ruling sets: licenses of the work issued before it stop permitting."""
    slot = build(CONTRACTS / "WorkRegistry.vy").slots["clean_since"]
    boa.env.set_storage(system.registry.address, mapping_slot(slot, work), since)


def work_of_input(work: WorkInput, owner: str, since: int, flags: int) -> tuple[Any, ...]:
    """What `work_of` must answer for a work registered like this."""
    steward = checksum_address(work.steward)
    kept = (work.metadata, work.cultural, work.payee, steward)
    return (checksum_address(str(owner)), since, work.duration_ms, work.cleared, flags, *kept)


def sold_so_far(system: System, offer: Offer, sold: int) -> None:
    """Pretend that many licenses of an offer were sold: four thousand million sales take a while."""
    slot = build(CONTRACTS / "LicenseMarket.vy").slots["offers"]
    place = mapping_slot(slot, int.from_bytes(ids.offer_id(offer), "big"))
    word = int(boa.env.get_storage(system.market.address, place))
    boa.env.set_storage(system.market.address, place, word & ~0xFFFFFFFF | sold)


def in_datasets(system: System, work: int, count: int) -> None:
    """Pretend that so many datasets hold a work."""
    slot = build(CONTRACTS / "LicenseMarket.vy").slots["exclusivity"]
    boa.env.set_storage(system.market.address, mapping_slot(slot, work), count << 192)
