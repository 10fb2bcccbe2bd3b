# SPDX-License-Identifier: Apache-2.0
"""The contracts, wired as at deployment, and the people who use them, named by role."""

from __future__ import annotations

from dataclasses import dataclass, field

import boa
from eth_account import Account
from eth_utils import keccak

from ipto.structs import ETH
from tests.contracts.support.contract import ROOT, Contract, deploy, hostile, transact

CONTRACTS = ROOT / "contracts"
START = 1_800_000_000  # the chain's clock at deployment, UTC seconds
# What a case costs, in wei: each side's bond, the arbiter's fee, a day of hold.
BOND, ARBITER_FEE, RENT = 10**17, 5 * 10**16 + 1, 10**16


class Actor(str):
    """An account with a key: its address, which is all that calls need."""

    __slots__ = ("key",)
    key: bytes

    @classmethod
    def named(cls, role: str) -> Actor:
        key = keccak(text=f"actor: {role}")
        actor = cls(Account.from_key(key).address)
        actor.key = key
        boa.env.set_balance(actor, 10**30)
        return actor


@dataclass
class System:
    """What a test works with. currency: an honest ERC-20 with EIP-3009."""

    owner: Actor = field(default_factory=lambda: Actor.named("owner"))
    creator: Actor = field(default_factory=lambda: Actor.named("creator"))
    licensee: Actor = field(default_factory=lambda: Actor.named("licensee"))
    curator: Actor = field(default_factory=lambda: Actor.named("curator"))
    steward: Actor = field(default_factory=lambda: Actor.named("steward"))
    controller: Actor = field(default_factory=lambda: Actor.named("controller"))
    treasury: Actor = field(default_factory=lambda: Actor.named("treasury"))
    relayer: Actor = field(default_factory=lambda: Actor.named("relayer"))
    keeper: Actor = field(default_factory=lambda: Actor.named("keeper"))  # whoever pushes payments for others
    thief: Actor = field(default_factory=lambda: Actor.named("thief"))
    dancer: Actor = field(default_factory=lambda: Actor.named("dancer"))
    editor: Actor = field(default_factory=lambda: Actor.named("editor"))
    heir: Actor = field(default_factory=lambda: Actor.named("heir"))  # whoever a work or license moves to

    # Whoever opens a case, and the panel that decides it: three equal votes of five.
    challenger: Actor = field(default_factory=lambda: Actor.named("challenger"))
    judges: list[Actor] = field(
        default_factory=lambda: sorted((Actor.named(f"judge {i}") for i in range(5)), key=lambda judge: int(judge, 16))
    )

    def __post_init__(self) -> None:
        boa.env.evm.patch.timestamp = START
        boa.env.set_balance(boa.env.eoa, 10**30)  # whoever calls when a test does not care who
        self.signed = deploy(CONTRACTS / "SignedActions.vy", self.owner)
        self.vault = deploy(CONTRACTS / "RoyaltyVault.vy")
        self.receivers = deploy(CONTRACTS / "Receivers.vy", self.vault.address)
        self.panel = deploy(CONTRACTS / "PanelArbiter.vy", self.owner, self.judges, 3)
        self.disputes = deploy(
            CONTRACTS / "DisputeResolver.vy",
            self.panel.address,
            self.vault.address,
            self.signed.address,
            ETH,
            BOND,
            ARBITER_FEE,
            RENT,
        )
        self.attestations = deploy(CONTRACTS / "Attestations.vy", self.signed.address)
        self.registry = deploy(
            CONTRACTS / "WorkRegistry.vy",
            self.owner,
            self.vault.address,
            self.signed.address,
            self.disputes.address,
            self.receivers.address,
        )
        self.certificates = deploy(CONTRACTS / "Certificates.vy")
        self.market = self.new_market()
        self.datasets = self.new_datasets()
        self.market.set_dataset_market(self.datasets.address, sender=self.owner)
        self.usd = hostile("Honest")

    def new_market(self, **wiring: str) -> Contract:
        """Another market over the same vault and registry, with other neighbours than usual."""
        return deploy(
            CONTRACTS / "LicenseMarket.vy",
            wiring.get("owner", self.owner),
            wiring.get("vault", self.vault.address),
            wiring.get("registry", self.registry.address),
            wiring.get("signed", self.signed.address),
            wiring.get("disputes", self.disputes.address),
            wiring.get("certificates", self.certificates.address),
            wiring.get("receivers", self.receivers.address),
        )

    def new_datasets(self, **wiring: str) -> Contract:
        """Another dataset market, with other neighbours than usual."""
        return deploy(
            CONTRACTS / "DatasetMarket.vy",
            wiring.get("owner", self.owner),
            wiring.get("vault", self.vault.address),
            wiring.get("registry", self.registry.address),
            wiring.get("signed", self.signed.address),
            wiring.get("disputes", self.disputes.address),
            wiring.get("market", self.market.address),
            wiring.get("certificates", self.certificates.address),
        )

    def fund(self, token: Contract, account: str, amount: int, spender: str | None = None) -> None:
        """Mint `amount` to an account; with a spender, allow it to take that."""
        token.mint(account, amount)
        if spender is not None:
            token.approve(spender, amount, sender=account)


def now() -> int:
    """The chain's clock, UTC seconds."""
    return int(boa.env.evm.patch.timestamp)


def travel(seconds: int) -> None:
    """Let time pass."""
    boa.env.evm.patch.timestamp = now() + seconds


def balance(currency: str, account: str) -> int:
    """What an account holds outside the vault."""
    if currency == ETH:
        return int(boa.env.get_balance(str(account)))
    output, _ = transact(currency, keccak(text="balanceOf(address)")[:4] + bytes(12) + bytes.fromhex(account[2:]))
    return int.from_bytes(output, "big")
