# SPDX-License-Identifier: Apache-2.0
"""What is deployed, in which order and with which arguments: everything about a deployment that needs no chain.

A constructor's arguments are found by their names in the compiled ABI, so that nothing about them is written twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from ipto._create2 import DeployError, create2_address
from ipto.chain import abi, artifact
from ipto.errors import InputError
from ipto.structs import ETH, ZERO_ADDRESS, checksum_address

MAX_INIT_CODE = 49_152  # EIP-3860
MAX_CODE = 24_576  # EIP-170
MAX_FEE_BPS = 250
MAX_PANEL = 15
MAX_KEYHOLDERS = 16  # proposers, and executors, of the timelock
MIN_DELAY = 3_600

# The contracts in order, each only after those its constructor wants.
ORDER = (
    "SignedActions",
    "RoyaltyVault",
    "PanelArbiter",
    "DisputeResolver",
    "Receivers",
    "WorkRegistry",
    "Attestations",
    "Certificates",
    "LicenseMarket",
    "DatasetMarket",
    "UsageSettlement",
)
# How constructors call the contracts before them.
KNOWN_AS = {
    "signed_actions": "SignedActions",
    "vault": "RoyaltyVault",
    "arbiter": "PanelArbiter",
    "disputes": "DisputeResolver",
    "receivers": "Receivers",
    "registry": "WorkRegistry",
    "certificates": "Certificates",
    "market": "LicenseMarket",
    "datasets": "DatasetMarket",
}


@dataclass(frozen=True, slots=True)
class Parameters:
    """What the deployer decides. Everything but the markets' fee is part of the addresses."""

    owner: str  # signs the settings after the contracts; hands over to the timelock, or stays where there is none
    proposers: tuple[str, ...] = ()  # of the timelock; empty: none, for development
    executors: tuple[str, ...] = (ZERO_ADDRESS,)  # of the timelock; the zero address: anybody
    delay: int = 172_800  # seconds between a proposal and its execution
    panel: tuple[str, ...] = ()  # who rules disputes; empty: the owner alone, for development
    quorum: int = 0  # equal votes of the panel that decide; 0: more than half
    bond_currency: str = ETH  # in which disputes are bonded
    bond: int = 10**17  # of a dispute, in the currency's smallest unit
    ruling_fee: int = 5 * 10**16  # the panel's, out of the lost bond
    rent_per_day: int = 10**16  # of an asked hold
    fee_bps: int = 0  # of both markets, on top of prices
    fee_recipient: str = ZERO_ADDRESS
    salt: str = "0x" + "00" * 32

    def __post_init__(self) -> None:
        for name in ("owner", "bond_currency", "fee_recipient"):
            object.__setattr__(self, name, checksum_address(getattr(self, name), name))
        for name, most in (("proposers", MAX_KEYHOLDERS), ("executors", MAX_KEYHOLDERS), ("panel", MAX_PANEL)):
            found = tuple(checksum_address(item, name) for item in getattr(self, name))
            if len(found) > most or len(set(found)) < len(found):
                raise InputError(f"{name}: at most {most} accounts, each once")
            object.__setattr__(self, name, found)
        for name in ("delay", "quorum", "bond", "ruling_fee", "rent_per_day", "fee_bps"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise InputError(f"{name}: {value!r} is not a number of at least zero")
        if ZERO_ADDRESS in (self.owner, *self.proposers, *self.panel):
            raise InputError("owner, proposers and panel must not be the zero address")
        if not self.executors or self.delay < MIN_DELAY:
            raise InputError(f"a timelock needs an executor and a delay of at least {MIN_DELAY} seconds")
        object.__setattr__(self, "panel", tuple(sorted(self.panel, key=str.lower)))  # as the arbiter wants them
        object.__setattr__(self, "quorum", self.quorum or len(self.members) // 2 + 1)
        if self.quorum > len(self.members):
            raise InputError(f"quorum: from 1 to the panel's {len(self.members)} members")
        if not self.bond or not self.rent_per_day or self.ruling_fee > self.bond:
            raise InputError("bond and rent_per_day must not be zero, nor ruling_fee above the bond")
        if self.fee_bps > MAX_FEE_BPS or (self.fee_bps and self.fee_recipient == ZERO_ADDRESS):
            raise InputError(f"fee_bps: at most {MAX_FEE_BPS}, and somebody must receive it")
        if not isinstance(self.salt, str) or len(self.salt) != 66 or not self.salt.startswith("0x"):
            raise InputError("the salt is 0x and 64 hex digits")
        try:
            bytes.fromhex(self.salt[2:])
        except ValueError:
            raise InputError("the salt is 0x and 64 hex digits") from None

    @property
    def members(self) -> tuple[str, ...]:
        """The panel as it is deployed."""
        return self.panel or (self.owner,)

    def to_json(self) -> dict[str, Any]:
        """As the deployment file records them; numbers of money as decimal strings."""
        plain = asdict(self)
        return {
            name: str(value) if name in _MONEY else list(value) if isinstance(value, tuple) else value
            for name, value in plain.items()
        }

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any]) -> Self:
        """Read them from a deployment file. Raises InputError for missing, unknown or impossible ones."""
        names = [item.name for item in fields(cls)]
        if not isinstance(data, Mapping) or set(data) != set(names):
            raise InputError(f"the deployment's parameters are not {', '.join(names)}; deploy again with this version")
        try:
            values: dict[str, Any] = {
                name: int(value) if name in _MONEY else tuple(value) if isinstance(value, list) else value
                for name, value in data.items()
            }
            return cls(**values)
        except (TypeError, ValueError) as error:
            raise InputError(f"the deployment's parameters cannot be read: {error}") from None


_MONEY = ("bond", "ruling_fee", "rent_per_day")


@dataclass(frozen=True, slots=True)
class Step:
    """One contract to be deployed."""

    name: str
    address: str
    init_code: bytes  # creation code and constructor arguments
    arguments: dict[str, Any]  # of its constructor


def plan(parameters: Parameters, *, test_token: bool = False) -> tuple[Step, ...]:
    """All contracts in order, with their addresses; needs no chain. test_token: also TestUSD.

    Raises DeployError when one is larger than a chain accepts or wants an argument that is not known.
    """
    salt = bytes.fromhex(parameters.salt[2:])
    given: dict[str, Any] = {
        "owner": parameters.owner,
        "members": list(parameters.members),
        "quorum": parameters.quorum,
        "bond_currency": parameters.bond_currency,
        "bond": parameters.bond,
        "fee": parameters.ruling_fee,
        "rent_per_day": parameters.rent_per_day,
        "delay": parameters.delay,
        "proposers": list(parameters.proposers),
        "executors": list(parameters.executors),
    }
    steps: dict[str, Step] = {}
    for name in (*ORDER, *(["Timelock"] if parameters.proposers else []), *(["TestUSD"] if test_token else [])):
        arguments: dict[str, Any] = {}
        for item in abi(name).constructor:
            before = KNOWN_AS.get(item.name)
            if before in steps:
                arguments[item.name] = steps[before].address
            elif item.name in given:
                arguments[item.name] = given[item.name]
            else:
                raise DeployError(f"{name} wants {item.name}, which nothing before it provides")
        init_code = bytes.fromhex(artifact(name)["bytecode"][2:]) + abi(name).encode_constructor(*arguments.values())
        if len(init_code) > MAX_INIT_CODE or artifact(name)["runtime_size"] > MAX_CODE:
            raise DeployError(f"{name} is larger than the chain allows (EIP-170, EIP-3860)")
        steps[name] = Step(name, create2_address(salt, init_code), init_code, arguments)
    return tuple(steps.values())
