# SPDX-License-Identifier: Apache-2.0
"""The buying side of datasets in `ipto.client`: what was read is what is bought."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ipto import ids
from ipto._curator import read_dataset
from ipto._purse import Purse
from ipto.accounts import Signer
from ipto.chain import Deployment, Receipt
from ipto.datasets import History
from ipto.errors import InputError, IntegrityError
from ipto.rpc import Rpc
from ipto.structs import ETH, Dataset

__all__ = ["DatasetAgreement", "DatasetLicensee"]


@dataclass(frozen=True, slots=True)
class DatasetAgreement:
    """What a buyer read of a dataset, agrees to, and pays at most."""

    dataset: Dataset
    history: History
    state: bytes  # commits to the members, their prices and the notices they joined with
    members: int
    total: int  # smallest unit, curator's and protocol's fee included
    price: int  # the members' part of it
    curator_fee: int
    fee: int


class DatasetLicensee:
    """Buys dataset licenses after reading the dataset from the chain."""

    def __init__(self, signer: Signer, deployment: Deployment, rpc: Rpc) -> None:
        self.signer, self.deployment, self.rpc = signer, deployment, rpc
        self.market = deployment.contract("DatasetMarket", rpc)
        self._purse = Purse(signer, deployment, rpc)

    def agree(self, dataset_id: bytes) -> DatasetAgreement:
        """What would be bought now. Nothing is paid yet.

        Raises NotFoundError for a dataset that was not opened, InputError for one without members, IntegrityError when
        the node's logs are not what the contract says.
        """
        history = read_dataset(self.deployment, self.rpc, dataset_id)
        dataset = history.dataset
        assert dataset is not None  # read_dataset refuses what was not opened
        total, price, curator_fee, fee, members, state = self.market.call("quote", dataset)
        if state != history.state:
            raise IntegrityError("the dataset changed while it was read; read it again")
        if not members:
            raise InputError("the dataset has no members; there is nothing to license")
        return DatasetAgreement(dataset, history, state, members, total, price, curator_fee, fee)

    def mint(self, agreement: DatasetAgreement, party: bytes) -> tuple[int, Receipt]:
        """License all members in one transaction, in exactly the state that was read; id and receipt.

        Raises InputError when the account cannot pay, RevertedError in the contract's words, such as
        `dataset: state has changed`.
        """
        dataset, total = agreement.dataset, agreement.total
        order = (dataset, self.signer.address, party, total, agreement.state)
        receipt = self._purse.pay(self.market, dataset.currency, total, "mint", *order)
        return self._license_in(receipt), receipt

    def mint_at_least(
        self, agreement: DatasetAgreement, party: bytes, *, min_members: int, max_total: int
    ) -> tuple[int, Receipt]:
        """License whichever members there are, if there are enough and they cost at most `max_total`; id and receipt.

        For datasets that change all the time, paid in an ERC-20: in ETH the value sent must be the total to the unit,
        so there a change of price still stops the sale.
        """
        dataset = agreement.dataset
        paid = agreement.total if dataset.currency == ETH else max_total
        order = (dataset, self.signer.address, party, max_total, min_members)
        receipt = self._purse.pay(self.market, dataset.currency, paid, "mint_at_least", *order)
        self._purse.take_back(self.market, dataset.currency)
        return self._license_in(receipt), receipt

    def authorize(self, agreement: DatasetAgreement, party: bytes, *, seconds: int = 3600) -> dict[str, Any]:
        """A signed order paid by EIP-3009, which anyone can submit with `mint_with_authorization`. Needs no ETH."""
        dataset, me = agreement.dataset, self.signer.address
        order = ids.order_hash(self.deployment.chain_id, ids.dataset_id(dataset), me, party, agreement.state)
        payment = self._purse.authorize(self.market, dataset.currency, agreement.total, order, seconds)
        return {
            "dataset": dataset.to_json(),
            "licensee": me,
            "party": "0x" + party.hex(),
            "expected_state": "0x" + agreement.state.hex(),
            "authorization": payment.to_json(),
        }

    def _license_in(self, receipt: Receipt) -> int:
        minted = self.market.events(receipt, "DatasetLicenseMinted")
        if not minted:
            raise IntegrityError("the transaction minted no license; ask another node")
        return int(minted[-1].args["license"])
