# SPDX-License-Identifier: Apache-2.0
"""The indexer's settings. This class is their documentation: `docs/indexer-settings.md` is made from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from indexer.database.urls import POSTGRES, SQLITE, is_postgres
from ipto.errors import InputError

PREFIX = "IPTO_INDEXER_"


class Webhook(BaseModel):
    """One receiver of events."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str
    secret: str = Field(repr=False)
    events: tuple[str, ...] = ()


class Settings(BaseSettings):
    """Read from the environment; each name with the prefix IPTO_INDEXER_."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    rpc_url: str = Field(
        "http://127.0.0.1:8545",
        description="JSON-RPC endpoint of the chain, or several separated by commas: the healthiest is asked.",
    )
    ws_url: str = Field(
        "",
        description="WebSocket endpoint whose `newHeads` wakes the follower; empty: at the address of the first RPC "
        "endpoint; `off`: poll only.",
    )
    check_headers: bool = Field(
        False,
        description="Check the bloom filter of every block while catching up, against nodes that leave logs out. "
        "Blocks that are not final are always checked.",
    )
    deployment: Path = Field(
        Path("deployments/31337.json"), description="File that names the chain, the contracts and their first block."
    )
    database: str = Field(
        "sqlite:///ipto-indexer.db",
        description="Where everything is kept: `sqlite:///` and a path (an absolute one has a fourth slash), or "
        "`postgresql://user:password@host/database`, where each chain has a schema `ipto_<chain id>`.",
    )
    read_database: str = Field(
        "", description="Database the API reads from, when it is another one: a streaming replica."
    )
    read_connections: int = Field(
        8, ge=1, le=100, description="Connections the API keeps to PostgreSQL; SQLite needs one."
    )
    standby: bool = Field(
        False, description="While another process writes the database, wait to take over instead of ending."
    )
    host: str = Field("127.0.0.1", description="Address the API listens on.")
    port: int = Field(8610, ge=0, le=65535, description="Port the API listens on; 0 takes any free one and says which.")
    poll_seconds: float = Field(0.25, gt=0, le=60, description="How often the chain is asked for a new block.")
    finality_blocks: int = Field(
        -1,
        ge=-1,
        description="A block is final when this many blocks are above it; -1 asks the node for its `finalized` block.",
    )
    fallback_finality_blocks: int = Field(
        64, ge=0, description="The same, for nodes that do not know the `finalized` tag."
    )
    journal_blocks: int = Field(
        10_000,
        ge=1,
        description="Reorganisations up to this deep are undone from the journal; deeper ones rebuild the projections.",
    )
    rpc_timeout_seconds: float = Field(30.0, gt=0, description="Longest wait for one answer of the node.")
    first_range_blocks: int = Field(32, ge=1, description="Blocks asked for at once at first; the width then adapts.")
    max_range_blocks: int = Field(50_000, ge=1, description="Most blocks asked for at once.")
    concurrency: int = Field(3, ge=1, le=32, description="Ranges fetched at the same time while catching up.")
    content_folder: Path | None = Field(None, description="Folder of the local content store documents are read from.")
    gateways: tuple[str, ...] = Field(
        (), description='IPFS gateways asked for documents, in order, as JSON: `["https://gateway.example"]`.'
    )
    allow_private_gateways: bool = Field(
        False, description="Permit gateways on this machine and in private networks; needed for your own IPFS node."
    )
    document_timeout_seconds: float = Field(20.0, gt=0, description="Longest wait for one document.")
    document_attempts: int = Field(20, ge=1, description="After so many failed attempts a document is given up.")
    ready_lag_blocks: int = Field(
        2, ge=0, description="`/ready` says yes while the database is at most this many blocks behind the chain."
    )

    rate_limit: int = Field(
        200,
        ge=0,
        description="Requests a second that one client address may make (and four seconds' worth at once); 0: no "
        "limit. Behind a proxy, let the proxy limit and set 0.",
    )
    keep_answers_mb: int = Field(
        64, ge=0, le=4096, description="Most memory for answers kept until something is committed, in MB; 0: none."
    )
    graphql: bool = Field(True, description="Answer GraphQL under `/v1/graphql` as well.")
    webhooks: tuple[Webhook, ...] = Field(
        (),
        description='Receivers of events, as JSON: `[{"url": "https://…", "secret": "whsec_…", "events": []}]`; no '
        "events are all. Signed as Standard Webhooks.",
    )
    allow_private_webhooks: bool = Field(
        False, description="Permit webhook receivers on this machine and in private networks."
    )
    webhook_timeout_seconds: float = Field(10.0, gt=0, description="Longest wait for a webhook's receiver.")
    log_format: Literal["text", "json"] = Field("text", description="How log lines are written.")

    @field_validator("database", "read_database")
    @classmethod
    def _known_database(cls, value: str, info: ValidationInfo) -> str:
        known = is_postgres(value) or (value.startswith(SQLITE) and len(value) > len(SQLITE))
        if not known and not (value == "" and info.field_name == "read_database"):
            raise ValueError(f"must be {SQLITE} and a path, or {POSTGRES[0]} and what follows")
        return value

    @property
    def rpc_urls(self) -> tuple[str, ...]:
        """The RPC endpoints, one by one."""
        return tuple(url.strip() for url in self.rpc_url.split(",") if url.strip())

    @property
    def api_database(self) -> str:
        """What the API reads."""
        return self.read_database or self.database


def load(**overrides: Any) -> Settings:
    """The settings of this process. Raises InputError that names the variable to correct."""
    try:
        return Settings(**overrides)
    except ValueError as error:
        lines = [
            f"{PREFIX}{'.'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in getattr(error, "errors", list)()
        ]
        raise InputError("a setting cannot be used: " + ("; ".join(lines) or str(error))) from error


def as_markdown() -> str:
    """The page `docs/indexer-settings.md`; `python -m indexer settings` prints it."""
    lines = [
        "# Settings of the indexer",
        "",
        "Environment variables; every one has a default. This page is made by `python -m indexer settings`.",
        "",
        "| variable | default | what it does |",
        "|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        default = field.default
        shown = (
            "none"
            if default is None or default == ()
            else f"`{str(default).lower() if isinstance(default, bool) else default}`"
        )
        lines.append(f"| `{PREFIX}{name.upper()}` | {shown} | {field.description} |")
    return "\n".join(lines) + "\n"
