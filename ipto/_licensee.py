# SPDX-License-Identifier: Apache-2.0
"""The buying side of `ipto.client`: currencies, agreements, licenses, payouts."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ipto import documents, ids, typed_data
from ipto.accounts import Signer
from ipto.chain import Contract, Deployment, Receipt, RevertedError
from ipto.documents import Document
from ipto.errors import InputError, IntegrityError
from ipto.quantities import ETHER, Currency, format_amount
from ipto.rpc import Rpc
from ipto.structs import ETH, Authorization, Offer, Share
from ipto.typed_data import ReceiveWithAuthorization, TypedData


def currencies(deployment: Deployment) -> tuple[Currency, ...]:
    """What can be paid with on a deployment's chain: ETH and its listed tokens."""
    return (ETHER, *(Currency(token.symbol, token.address, token.decimals) for token in deployment.tokens.values()))


def currency_at(deployment: Deployment, address: str) -> Currency:
    """The currency at an address. Raises InputError for one the deployment does not list."""
    for currency in currencies(deployment):
        if currency.address == address:
            return currency
    raise InputError(f"the currency {address} is not listed in the deployment file; add it under tokens")


def party_digest(name: str, register: str = "", salt: bytes | None = None) -> tuple[bytes, Document]:
    """The salted digest of who signs a license, and the document to keep: it opens the digest to an auditor.

    name: legal name; register: register number. salt: 32 bytes; random when not given.
    """
    document = {"name": name, "register": register, "salt": "0x" + (salt or secrets.token_bytes(32)).hex()}
    return documents.digest(document), document


@dataclass(frozen=True, slots=True)
class Agreement:
    """What a licensee read of an offer, agrees to, and pays at most. The chain takes nothing else for granted."""

    offer: Offer
    total: int  # smallest unit, the protocol's fee included
    acknowledged: bytes
    cultural: bytes  # digest of the work's cultural notice; ZERO32: none
    claim_rank: int  # 1: another account claimed the same content more than a day earlier


class Licensee:
    """Buys licenses after checking what it was told against the chain."""

    def __init__(self, signer: Signer, deployment: Deployment, rpc: Rpc) -> None:
        self.signer, self.deployment, self.rpc = signer, deployment, rpc
        self.market = deployment.contract("LicenseMarket", rpc)

    def agree(self, answer: Mapping[str, Any]) -> Agreement:
        """What would be bought, from an indexer's answer about one offer. Nothing is paid yet.

        Raises InputError when the offer cannot be bought now, IntegrityError when the indexer contradicts itself or the
        chain: the notice changed, or the reader was misinformed.
        """
        try:
            offer = Offer.from_mapping(answer["chain"])
            if "0x" + ids.offer_id(offer).hex() != answer["id"]:
                raise IntegrityError("the indexer's offer does not have the id it is shown under; ask another indexer")
            if answer["quote"] is None:
                raise InputError("the indexer does not know the work of this offer; ask another indexer")
            read = answer["quote"]["acknowledge"]
            cultural, claim_rank = bytes.fromhex(read["cultural"][2:]), int(read["claim_rank"])
        except (KeyError, TypeError) as error:
            raise IntegrityError(f"the indexer's answer is incomplete ({error}); ask another indexer") from error
        live, *_ = self.market.call("offer_status", ids.offer_id(offer))
        if not live:
            raise InputError("the offer is not live: it was withdrawn, or never posted; choose another")
        total, _, expected = self.market.call("quote", offer)
        acknowledged = ids.acknowledgement(offer.terms, cultural, claim_rank)
        if acknowledged != expected:
            raise IntegrityError("terms, cultural notice or earlier claims are not what was read; read the offer again")
        return Agreement(offer, int(total), acknowledged, cultural, claim_rank)

    def mint(self, agreement: Agreement, party: bytes) -> tuple[int, Receipt]:
        """Buy a license from this account, in ETH or an ERC-20 (allowing exactly the total first); id and receipt.

        Raises InputError when the account cannot pay, RevertedError in the contract's words. An allowance given for a
        sale that does not happen is taken back.
        """
        offer, total, me = agreement.offer, agreement.total, self.signer.address
        arguments = (offer, me, party, total, agreement.acknowledged)
        self._check_funds(agreement)
        if offer.currency == ETH:
            receipt = self.market.send(self.signer, "mint", *arguments, value=total)
            return self._license_in(receipt), receipt
        token = self._token(offer.currency)
        allowed = int(token.call("allowance", me, self.market.address))
        if allowed < total:
            token.send(self.signer, "approve", self.market.address, total)
        try:
            receipt = self.market.send(self.signer, "mint", *arguments)
        except RevertedError:
            if allowed < total:
                token.send(self.signer, "approve", self.market.address, allowed)
            raise
        return self._license_in(receipt), receipt

    def authorize(self, agreement: Agreement, party: bytes, *, seconds: int = 3600) -> dict[str, Any]:
        """A signed order for a license, paid by EIP-3009: what `Relayer.purchase` takes. Needs no ETH.

        seconds: how long the authorization holds. Raises InputError for a currency without EIP-3009, for a free offer
        and when the account cannot pay.
        """
        offer, total, acknowledged = agreement.offer, agreement.total, agreement.acknowledged
        token = next((item for item in self.deployment.tokens.values() if item.address == offer.currency), None)
        if token is None or not token.version:
            raise InputError("this currency cannot be paid by authorization; mint from an account with ETH instead")
        if not total:
            raise InputError("this offer is free, there is nothing to authorize; mint from an account with ETH instead")
        self._check_funds(agreement)
        order = ids.order_hash(self.deployment.chain_id, ids.offer_id(offer), self.signer.address, party, acknowledged)
        until = int(time.time()) + seconds
        payment = ReceiveWithAuthorization(
            payer=self.signer.address,
            to=self.deployment.address("RoyaltyVault"),
            value=total,
            valid_after=0,
            valid_before=until,
            nonce=ids.authorization_nonce(self.market.address, order),
        )
        domain = typed_data.Domain(token.name, token.version, self.deployment.chain_id, token.address)
        v, r, s = typed_data.split_signature(self.signer.sign_typed_data(TypedData(domain, payment)))
        return {
            "offer": offer.to_json(),
            "licensee": self.signer.address,
            "party": "0x" + party.hex(),
            "acknowledged": "0x" + acknowledged.hex(),
            "authorization": Authorization(self.signer.address, 0, until, v, r, s).to_json(),
        }

    def _check_funds(self, agreement: Agreement) -> None:
        currency, me = agreement.offer.currency, self.signer.address
        has = self.rpc.balance(me) if currency == ETH else int(self._token(currency).call("balanceOf", me))
        if has < agreement.total:
            unit = currency_at(self.deployment, currency)
            needed = format_amount(agreement.total, unit)
            raise InputError(f"{me} holds {format_amount(has, unit)}, the license costs {needed}; send it some first")

    def _token(self, currency: str) -> Contract:
        # Any ERC-20 answers to these names.
        return Contract("TestUSD", currency, self.rpc)

    def _license_in(self, receipt: Receipt) -> int:
        return license_in(self.market, receipt.logs)


def license_in(market: Contract, logs: Iterable[Mapping[str, Any]]) -> int:
    """The license that was minted last in a transaction's logs. Raises IntegrityError when there is none."""
    minted = market.events(logs, "LicenseMinted")
    if not minted:
        raise IntegrityError("the transaction minted no license; ask another node")
    return int(minted[-1].args["license"])


def pay_out(
    rpc: Rpc, deployment: Deployment, payer: Signer, split: Sequence[Share], controller: str, currency: str
) -> Receipt:
    """Send a split's balance to its people. Anyone may; `payer` pays the gas and gets nothing."""
    vault = deployment.contract("RoyaltyVault", rpc)
    return vault.send(payer, "pay_out", list(split), controller, currency)
