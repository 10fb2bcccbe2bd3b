# SPDX-License-Identifier: Apache-2.0
"""The buying side of `ipto.client`: currencies, agreements, licenses, payouts."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ipto import documents, ids
from ipto._purse import Purse, currencies, currency_at
from ipto.accounts import Signer
from ipto.chain import Contract, Deployment, Receipt
from ipto.documents import Document
from ipto.errors import InputError, IntegrityError
from ipto.rpc import Rpc
from ipto.structs import Offer, Share

__all__ = [
    "Agreement",
    "Licensee",
    "currencies",
    "currency_at",
    "license_in",
    "party_digest",
    "pay_out",
]


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
        self._purse = Purse(signer, deployment, rpc)

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
        receipt = self._purse.pay(self.market, offer.currency, total, "mint", *arguments)
        return self._license_in(receipt), receipt

    def authorize(self, agreement: Agreement, party: bytes, *, seconds: int = 3600) -> dict[str, Any]:
        """A signed order for a license, paid by EIP-3009: what `Relayer.purchase` takes. Needs no ETH.

        seconds: how long the authorization holds. Raises InputError for a currency without EIP-3009, for a free offer
        and when the account cannot pay.
        """
        offer, acknowledged, me = agreement.offer, agreement.acknowledged, self.signer.address
        order = ids.order_hash(self.deployment.chain_id, ids.offer_id(offer), me, party, acknowledged)
        payment = self._purse.authorize(self.market, offer.currency, agreement.total, order, seconds)
        return {
            "offer": offer.to_json(),
            "licensee": me,
            "party": "0x" + party.hex(),
            "acknowledged": "0x" + acknowledged.hex(),
            "authorization": payment.to_json(),
        }

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
