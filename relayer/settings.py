# SPDX-License-Identifier: Apache-2.0
"""Every setting of the relayer: this class is their documentation (`docs/operators.md` is generated from it).

Environment variables carry the prefix `IPTO_RELAYER_`; lists are comma-separated. Amounts are wei, times seconds.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from ipto.structs import checksum_address
from relayer.actions import PURCHASE, most_gas

GWEI = 10**9
ETHER = 10**18

Addresses = Annotated[tuple[str, ...], NoDecode]
Paths = Annotated[tuple[Path, ...], NoDecode]
Sites = Annotated[tuple[str, ...], NoDecode]
_SITE = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::[0-9]{1,5})?")
Names = Annotated[tuple[str, ...], NoDecode]


class Settings(BaseSettings):
    """What an operator can set; read from the environment at start and never changed afterwards."""

    model_config = SettingsConfigDict(env_prefix="IPTO_RELAYER_", frozen=True, extra="forbid", env_ignore_empty=True)

    # Where things are
    rpc_url: str = Field(default="http://127.0.0.1:8545", description="JSON-RPC endpoint of the chain")
    rpc_timeout_seconds: float = Field(default=10.0, gt=0, description="seconds to wait for one answer of the node")
    chain_id: int = Field(default=31337, gt=0, description="the chain to serve; no other is accepted")
    deployment: Path | None = Field(
        default=None, description="file with the contracts' addresses; default `deployments/<chain id>.json`"
    )
    database: Path = Field(default=Path(".ipto/relayer.sqlite"), description="queue, budgets and audit log (SQLite)")
    database_url: str | None = Field(
        default=None, description="`postgresql://…` of a queue that several relayers share; unset: the SQLite file"
    )
    database_connections: int = Field(default=8, ge=2, description="connections to PostgreSQL beside one for each lane")
    rpc_batch: int = Field(default=64, gt=0, description="calls of one JSON-RPC request at most; 1 for nodes without")
    content_folder: Path | None = Field(default=None, description="folder of the content store; unset: no uploads")
    host: str = Field(default="127.0.0.1", description="address to listen on")
    port: int = Field(default=8470, ge=0, le=65535, description="port to listen on; 0 takes a free one")

    # The keys, one for each lane
    keystore: Paths = Field(default=(), description="encrypted keystore files (Web3 Secret Storage), one for each lane")
    password_file: Path | None = Field(default=None, description="file whose first line opens the keystores")
    kms_keys: Names = Field(
        default=(),
        description="keys in a key service, one for each lane: `aws:alias/…`, `gcp:projects/…/cryptoKeyVersions/1`",
    )
    key_fd: int | None = Field(
        default=None, ge=3, description="open file descriptor from which the keys are read once, 64 hex digits a line"
    )

    # What is accepted
    allow: Addresses = Field(default=(), description="if not empty, only these signers are served")
    deny: Addresses = Field(default=(), description="signers that are never served")
    free_actions: int | None = Field(
        default=None, ge=0, description="actions of a signer who has proved nothing; unset: nobody is asked for proof"
    )
    captcha_url: str | None = Field(
        default=None, description="where captchas are checked, as `siteverify` of Turnstile, hCaptcha or reCAPTCHA"
    )
    captcha_secret_file: Path | None = Field(default=None, description="file with the captcha service's secret")
    attesters: Addresses = Field(default=(), description="whose attestation on chain proves a signer")
    attestation_schema: str = Field(
        default="0x" + "00" * 32, pattern="^0x[0-9a-f]{64}$", description="schema of such an attestation"
    )
    currencies: Addresses = Field(
        default=(),
        description="tokens whose authorizations are relayed, for their code runs on the relayer's gas; "
        "empty: those listed in the deployment file",
    )
    contract_signers: bool = Field(default=True, description="serve contract accounts (ERC-1271)")
    kill_switch: Path | None = Field(
        default=None, description="while this file exists nothing is accepted and nothing new is signed"
    )
    deadline_margin: int = Field(default=60, ge=0, description="seconds an action must have left when accepted")
    send_margin: int = Field(default=20, ge=0, description="seconds an action must have left when signed for the chain")
    deadline_horizon: int = Field(default=30 * 86400, gt=0, description="seconds ahead a deadline may lie at most")
    body_limit: int = Field(default=64 * 1024, gt=0, description="bytes of a request's body")
    queue_limit: int = Field(default=10_000, gt=0, description="unfinished actions held at most")
    signer_pending: int = Field(default=4, gt=0, description="unfinished actions one signer may have")
    signer_day_reverts: int = Field(default=2, ge=0, description="reverts on chain a signer may cause in a UTC day")
    concurrent_checks: int = Field(default=16, gt=0, description="submissions checked at the same time")

    # What an action may cost
    gas_cap_action: int = Field(
        default=12_000_000, gt=0, description="gas limit of a signed action at most; each kind has a lower one besides"
    )
    gas_cap_batch: int = Field(default=15_000_000, gt=0, description="gas limit of a transaction of many actions")
    gas_cap_purchase: int = Field(default=500_000, gt=0, description="gas limit of a `mint_with_authorization` at most")
    max_fee: int = Field(default=50 * GWEI, gt=0, description="wei per gas: nothing is ever signed above it")
    signer_day_wei: int = Field(default=ETHER // 2, ge=0, description="gas money for one signer in a UTC day")
    signer_total_wei: int = Field(default=5 * ETHER, ge=0, description="gas money for one signer in all")
    contracts_day_wei: int = Field(default=ETHER, ge=0, description="gas money for all contract signers in a UTC day")
    day_wei: int = Field(default=5 * ETHER, ge=0, description="gas money for everybody in a UTC day")
    network_day_wei: int = Field(
        default=5 * ETHER, ge=0, description="gas money for one address range (IPv4 /24, IPv6 /48) in a UTC day"
    )
    total_wei: int = Field(default=100 * ETHER, ge=0, description="gas money for everybody in all")

    # How it is sent
    confirmations: int = Field(default=12, gt=0, description="blocks, its own included, after which a result is final")
    poll_seconds: float = Field(default=2.0, gt=0, description="seconds between looks at the chain")
    in_flight: int = Field(default=16, gt=0, description="transactions of a lane that no block has taken at most")
    batch: int = Field(
        default=20, gt=0, le=32, description="signed actions of one transaction at most; 1 sends each by itself"
    )
    batch_wait: float = Field(
        default=0.0, ge=0, description="seconds that the first of them waits for others; 0: only what waits anyway"
    )
    cancel_after: int = Field(
        default=60, ge=0, description="seconds past its deadline after which an unmined transaction is cancelled"
    )
    rebroadcast_after: float = Field(default=15.0, ge=0, description="seconds until unmined bytes are sent again")
    replace_after: float = Field(
        default=45.0, gt=0, description="seconds until an unmined transaction's fees are raised"
    )
    simulate_at: str = Field(
        default="pending",
        pattern="^(pending|latest)$",
        description="state to simulate on; some nodes have only `latest`",
    )

    # Operating
    admin_key_file: Path | None = Field(
        default=None, description="file with the key of the admin API (32 characters or more); unset: there is none"
    )
    streams: int = Field(default=500, ge=0, description="event streams open at the same time at most")

    # Uploads
    content_limit: int = Field(default=2 * 1024 * 1024, gt=0, description="bytes of one document or poster")
    content_client_day: int = Field(default=32 * 1024 * 1024, ge=0, description="bytes one client may store a day")
    content_total: int = Field(default=4 * 1024**3, ge=0, description="bytes stored for everybody in all")
    trusted_proxies: str = Field(default="127.0.0.1", description="addresses whose X-Forwarded-For is believed")

    # People who sign in, and their films
    sites: Sites = Field(
        default=(),
        description="origins (`https://studio.example.org`) whose pages people sign in at; empty: this server's own "
        "address while it listens on 127.0.0.1 or ::1, else nobody signs in",
    )
    session_seconds: int = Field(default=3600, gt=0, le=86400, description="seconds until one has to sign in again")
    film_folder: Path | None = Field(
        default=None, description="folder where films arrive and are checked; unset: no films (needs `ipto[media]`)"
    )
    film_limit: int = Field(default=32 * 1024**3, gt=0, description="bytes of one film at most")
    film_account_bytes: int = Field(default=128 * 1024**3, ge=0, description="bytes of one account's films in all")
    film_newcomer_bytes: int = Field(
        default=4 * 1024**3, ge=0, description="the same while `FREE_ACTIONS` asks for a proof and none was given"
    )
    film_account_open: int = Field(default=4, gt=0, description="films of one account that are not done with at most")
    film_account_day: int = Field(default=100, gt=0, description="films one account may begin in a UTC day")
    film_network_day: int = Field(
        default=128 * 1024**3, ge=0, description="bytes begun from one address range in a UTC day"
    )
    film_total: int = Field(default=1024**4, ge=0, description="bytes of everybody's films, arriving and kept")
    film_spare: int = Field(default=1024**3, ge=0, description="bytes of the disk that films never take")
    film_hours: int = Field(default=48, gt=0, description="hours after which a film that stopped arriving is dropped")
    film_days: int = Field(default=7, gt=0, description="days after which a film that was not pinned is dropped")
    film_streams: int = Field(
        default=64,
        gt=0,
        description="films arriving at once at most; a quarter of them from one address range",
    )
    film_idle_seconds: float = Field(
        default=30.0, gt=0, description="seconds in which at least 32 KiB of an arriving film must come"
    )
    film_probe_seconds: int = Field(default=600, gt=0, description="seconds the sandbox may look at one film")
    film_min_pixels: int = Field(default=0, ge=0, description="a film's smaller side at least; 0: any")
    film_max_seconds: int = Field(default=12 * 3600, gt=0, description="a film's length at most")
    pin_unregistered: bool = Field(
        default=False, description="pin films whose work the account has not registered on chain"
    )

    @field_validator("allow", "deny", "currencies", "attesters", mode="before")
    @classmethod
    def _addresses(cls, value: Any) -> Any:
        items = [item.strip() for item in value.split(",")] if isinstance(value, str) else list(value)
        return tuple(checksum_address(item) for item in items if item)

    @field_validator("keystore", mode="before")
    @classmethod
    def _paths(cls, value: Any) -> Any:
        items = value.split(",") if isinstance(value, str) else [str(item) for item in value]
        return tuple(Path(item.strip()) for item in items if item.strip())

    @field_validator("sites", mode="before")
    @classmethod
    def _origins(cls, value: Any) -> Any:
        items = [item.strip() for item in value.split(",")] if isinstance(value, str) else list(value)
        for item in items:
            if item and not _SITE.fullmatch(item):
                raise ValueError("a site is an origin in lower case without a path, such as https://studio.example.org")
        return tuple(item for item in items if item)

    @field_validator("kms_keys", mode="before")
    @classmethod
    def _names(cls, value: Any) -> Any:
        items = value.split(",") if isinstance(value, str) else list(value)
        return tuple(item.strip() for item in items if item.strip())

    @model_validator(mode="after")
    def _consistent(self) -> Settings:
        if self.keystore and self.key_fd is not None:
            raise ValueError("set keystore or key_fd, not both")
        if self.film_folder is not None and self.content_folder is None:
            raise ValueError("film_folder needs content_folder: films are pinned there")
        if self.deadline_horizon <= self.deadline_margin:
            raise ValueError("deadline_horizon must be longer than deadline_margin")
        return self

    @property
    def deployment_file(self) -> Path:
        """Where the contracts' addresses are read from."""
        return self.deployment or Path("deployments") / f"{self.chain_id}.json"

    def gas_cap(self, kind: str, *, by_contract: bool = False) -> int:
        """The highest gas limit of an action of `kind`; a contract account's signature costs more to check."""
        if kind == PURCHASE:
            return self.gas_cap_purchase
        return min(self.gas_cap_action, most_gas(kind, by_contract=by_contract))


def settings_table() -> str:
    """The settings as a Markdown table, as printed in `docs/operators.md`."""
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = field.default
        if default is None or default == ():
            shown = "—"
        elif isinstance(default, bool):
            shown = str(default).lower()
        else:
            shown = f"{default}"
        lines.append(f"| `IPTO_RELAYER_{name.upper()}` | {shown} | {field.description} |")
    return "\n".join(lines) + "\n"
