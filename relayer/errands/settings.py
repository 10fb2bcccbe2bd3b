# SPDX-License-Identifier: Apache-2.0
"""Every setting of keeper and treasury; `docs/keeper.md` is generated from these classes.

Both have the relayer's settings of node, database, keys and lane under a prefix of their own, so that they share
neither a queue nor a key nor a budget with the relayer that serves creators.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from ipto.structs import ETH, checksum_address
from relayer.settings import ETHER, GWEI, Addresses, Settings

Prices = Annotated[dict[str, Fraction], NoDecode]

# What both take over from the relayer's settings.
_COMMON = (
    "rpc_url", "rpc_timeout_seconds", "rpc_batch", "chain_id", "deployment", "database", "database_url",
    "database_connections", "host", "port", "keystore", "password_file",
    "kms_keys", "key_fd", "kill_switch", "max_fee", "day_wei",
    "total_wei", "confirmations", "poll_seconds", "in_flight", "rebroadcast_after", "replace_after", "cancel_after",
    "simulate_at",
)  # fmt: skip


class KeeperSettings(Settings):
    """Of `python -m relayer keep`."""

    model_config = SettingsConfigDict(env_prefix="IPTO_KEEPER_", frozen=True, extra="forbid", env_ignore_empty=True)

    database: Path = Field(default=Path(".ipto/keeper.sqlite"), description="the keeper's own queue (SQLite)")
    database_url: str | None = Field(
        default=None, description="`postgresql://…` of the keeper's own queue, which several keepers share"
    )
    port: int = Field(default=8471, ge=0, le=65535, description="port to listen on; 0 takes a free one")
    max_fee: int = Field(default=5 * GWEI, gt=0, description="wei per gas: above it payouts wait")
    day_wei: int = Field(default=ETHER // 2, ge=0, description="gas money for all payouts in a UTC day")
    total_wei: int = Field(default=10 * ETHER, ge=0, description="gas money for all payouts in all")
    content_folder: Path | None = Field(
        default=None, description="folder of the content store with the usage manifests; unset: no reports are claimed"
    )

    indexer: str = Field(default="http://127.0.0.1:8610", description="where the indexer answers")
    ipfs_api: str | None = Field(
        default=None, description="RPC API of an IPFS daemon to read usage manifests from, instead of a folder"
    )
    prices: Prices = Field(
        default={},
        description="what one whole token is worth in ETH, as `0x…=0.00031,…`; ETH itself is known. A currency "
        "without a price is paid out only when somebody asks",
    )
    ratio: int = Field(
        default=20, gt=0, description="a payout goes out when it is worth so many times its gas: 20 are 5 %"
    )
    overhead_wei: int = Field(
        default=0, ge=0, description="wei a transaction costs besides its gas: a rollup's charge for data"
    )
    round_seconds: float = Field(default=30.0, gt=0, description="seconds between looks at what is owed")
    interval: int = Field(
        default=3600, ge=0, description="seconds between two payouts of one account in one currency at least"
    )
    backoff: int = Field(
        default=3600, gt=0, description="seconds until a payout that did not happen is tried again; doubles each time"
    )
    backoff_most: int = Field(default=7 * 86400, gt=0, description="seconds between two tries at most")
    patience: int = Field(default=3600, ge=120, description="seconds until an unmined payout is cancelled")
    checks: int = Field(default=300, gt=0, description="payouts simulated in one round at most")
    account_day_wei: int = Field(
        default=ETHER // 20, ge=0, description="gas money for one account in one currency in a UTC day"
    )
    asked_day_wei: int = Field(
        default=ETHER // 20, ge=0, description="gas money for payouts that were asked for, in a UTC day"
    )
    asked_gas_cap: int = Field(default=2_000_000, gt=0, description="gas limit of a payout that was asked for at most")
    asked_horizon: int = Field(default=86400, gt=0, description="seconds ahead a request's deadline may lie at most")

    @field_validator("prices", mode="before")
    @classmethod
    def _read_prices(cls, value: Any) -> Any:
        items = value.split(",") if isinstance(value, str) else [f"{key}={item}" for key, item in value.items()]
        prices = {ETH: Fraction(1)}
        for item in filter(None, map(str.strip, items)):
            address, _, price = item.partition("=")
            try:
                if not re.fullmatch(r"[0-9]*\.?[0-9]+", price.strip()):
                    raise InvalidOperation
                worth = Fraction(Decimal(price.strip()))
            except InvalidOperation:
                raise ValueError(f"{item!r:.80} is no price; write 0x…=0.00031") from None
            prices[checksum_address(address.strip())] = worth
        return prices

    @model_validator(mode="after")
    def _one_store(self) -> KeeperSettings:
        if self.content_folder is not None and self.ipfs_api is not None:
            raise ValueError("set content_folder or ipfs_api, not both")
        return self


class TreasurySettings(Settings):
    """Of `python -m relayer refill`."""

    model_config = SettingsConfigDict(env_prefix="IPTO_TREASURY_", frozen=True, extra="forbid", env_ignore_empty=True)

    database: Path = Field(default=Path(".ipto/treasury.sqlite"), description="the treasury's own queue (SQLite)")
    database_url: str | None = Field(default=None, description="`postgresql://…` of the treasury's own queue")
    port: int = Field(default=8472, ge=0, le=65535, description="port to listen on; 0 takes a free one")
    day_wei: int = Field(
        default=ETHER // 2, ge=0, description="the most that leaves the treasury in a UTC day, gas included"
    )
    total_wei: int = Field(default=10 * ETHER, ge=0, description="the most that ever leaves the treasury, gas included")

    lanes: Addresses = Field(default=(), description="addresses of the lanes to keep in gas money")
    threshold_wei: int = Field(default=ETHER // 20, gt=0, description="a lane with less than this is refilled")
    target_wei: int = Field(default=ETHER // 10, gt=0, description="what a refilled lane has")
    lane_day_wei: int = Field(default=ETHER // 4, ge=0, description="the most for one lane in a UTC day, gas included")
    round_seconds: float = Field(default=15.0, gt=0, description="seconds between looks at the lanes' balances")
    patience: int = Field(default=3600, ge=120, description="seconds until an unmined refill is cancelled")

    @field_validator("lanes", mode="before")
    @classmethod
    def _lanes(cls, value: Any) -> Any:
        items = value.split(",") if isinstance(value, str) else list(value)
        return tuple(dict.fromkeys(checksum_address(item.strip()) for item in items if item.strip()))

    @model_validator(mode="after")
    def _upwards(self) -> TreasurySettings:
        if self.target_wei <= self.threshold_wei:
            raise ValueError("target_wei must be above threshold_wei")
        return self


def settings_table(kind: type[BaseSettings], prefix: str, names: Iterable[str]) -> str:
    """Some settings of a class as a Markdown table."""
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    for name in names:
        field = kind.model_fields[name]
        shown = "—" if field.default in (None, (), {}) else f"{field.default}"
        lines.append(f"| `{prefix}{name.upper()}` | {shown} | {field.description} |")
    return "\n".join(lines) + "\n"


def keeper_table() -> str:
    """The keeper's settings, as printed in `docs/keeper.md`."""
    own = [name for name in KeeperSettings.model_fields if name not in Settings.model_fields]
    names = [*own, "content_folder", "gas_cap_action", *_COMMON]
    return settings_table(KeeperSettings, "IPTO_KEEPER_", names)


def treasury_table() -> str:
    """The treasury's settings, as printed in `docs/keeper.md`."""
    own = [name for name in TreasurySettings.model_fields if name not in Settings.model_fields]
    return settings_table(TreasurySettings, "IPTO_TREASURY_", [*own, *_COMMON])
