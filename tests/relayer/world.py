# SPDX-License-Identifier: Apache-2.0
"""The cast of the relayer's tests: a chain with the real contracts, creators who sign, the relayer as a process."""

from __future__ import annotations

import os
import re
import secrets
import time
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import httpx

from ipto.accounts import LocalSigner
from ipto.chain import Contract, Deployment
from ipto.devchain import DevChain, dev_signer
from ipto.ids import authorization_nonce, offer_id, order_hash, split_account, work_id
from ipto.structs import NEVER, UNLIMITED, WHOLE_END_MS, ZERO32, ZERO_ADDRESS, Aspect, Offer, Share, Usage, WorkInput
from ipto.typed_data import (
    Action,
    Domain,
    Onboard,
    ReceiveWithAuthorization,
    TypedData,
    signed_actions_domain,
    split_signature,
)
from tests.relayer.child import fork

LANE_KEY = b"\x11" * 32
_PORT = re.compile(rb"Uvicorn running on http://127\.0\.0\.1:(\d+)")


@dataclass
class World:
    """A chain with the protocol on it."""

    chain: DevChain
    deployment: Deployment
    folder: Path
    lane: LocalSigner = field(default_factory=lambda: LocalSigner(LANE_KEY))

    def contract(self, name: str) -> Contract:
        return self.deployment.contract(name, self.chain.rpc)

    # --- what creators sign ----------------------------------------------------------------------------------

    def offer(self, creator: str, work: int, **changes: Any) -> Offer:
        values: dict[str, Any] = {
            "work": work,
            "licensor": creator,
            "usages": int(Usage.TRAIN),
            "aspects": int(Aspect.FOOTAGE),
            "forbids": 0,
            "start_ms": 0,
            "end_ms": WHOLE_END_MS,
            "currency": self.deployment.token(next(iter(self.deployment.tokens))).address,
            "price": 5_000_000,
            "term": 365 * 86400,
            "revenue_share_bps": 0,
            "unit": 0,
            "unit_price": 0,
            "report_every": 0,
            "after_term": 1,
            "supply": UNLIMITED,
            "licensee": ZERO_ADDRESS,
            "opens_at": 0,
            "closes_at": NEVER,
            "flags": 0,
            "terms": b"\x07" * 32,
        }
        return Offer(**{**values, **changes})

    def onboard(self, creator: str, *, content: bytes | None = None, **changes: Any) -> Onboard:
        content = content or secrets.token_bytes(32)
        split = tuple(
            sorted(
                (Share(bytes(12) + bytes([number]) * 20, share) for number, share in ((5, 600_000), (6, 400_000))),
                key=lambda share: share.account,
            )
        )
        work = WorkInput(content, b"\x02" * 32, ZERO32, split_account(split, creator), ZERO_ADDRESS, 60_000, 0x1FF)
        values: dict[str, Any] = {
            "actor": creator,
            "registry": self.deployment.address("WorkRegistry"),
            "vault": self.deployment.address("RoyaltyVault"),
            "market": self.deployment.address("LicenseMarket"),
            "split": split,
            "controller": creator,
            "work": work,
            "offers": (self.offer(creator, work_id(creator, content)),),
            "nonce": secrets.randbits(256),
            "deadline": int(time.time()) + 3600,
        }
        return Onboard(**{**values, **changes})

    def typed(self, message: Action, *, chain_id: int = 0, at: str = "") -> TypedData:
        domain = signed_actions_domain(
            chain_id or self.deployment.chain_id, at or self.deployment.address("SignedActions")
        )
        return TypedData(domain, message)

    def body(self, creator: LocalSigner, message: Action) -> dict[str, Any]:
        typed = self.typed(message)
        return {
            "kind": type(message).__name__,
            "message": typed.to_json()["message"],
            "signature": "0x" + creator.sign_typed_data(typed).hex(),
        }

    def typed_message(self, body: dict[str, Any]) -> Onboard:
        """The onboarding message in a request's body."""
        return Onboard.from_mapping(body["message"])

    def signed_onboarding(self, creator: LocalSigner | None = None, **changes: Any) -> dict[str, Any]:
        creator = creator or LocalSigner.random()
        return self.body(creator, self.onboard(creator.address, **changes))

    def purchase(
        self, buyer: LocalSigner, offer: Offer, *, party: bytes | None = None, **changes: Any
    ) -> dict[str, Any]:
        party = party or secrets.token_bytes(32)
        market, token = self.contract("LicenseMarket"), next(iter(self.deployment.tokens.values()))
        total, _, acknowledged = market.call("quote", offer)
        order = order_hash(self.deployment.chain_id, offer_id(offer), buyer.address, party, acknowledged)
        values: dict[str, Any] = {
            "payer": buyer.address,
            "to": self.deployment.address("RoyaltyVault"),
            "value": total,
            "valid_after": 0,
            "valid_before": int(time.time()) + 3600,
            "nonce": authorization_nonce(market.address, order),
        }
        message = ReceiveWithAuthorization(**{**values, **changes})
        domain = Domain(token.name, token.version, self.deployment.chain_id, token.address)
        v, r, s = split_signature(buyer.sign_typed_data(TypedData(domain, message)))
        return {
            "offer": offer.to_json(),
            "licensee": buyer.address,
            "party": "0x" + party.hex(),
            "acknowledged": "0x" + acknowledged.hex(),
            "authorization": {
                "payer": message.payer,
                "valid_after": str(message.valid_after),
                "valid_before": str(message.valid_before),
                "v": v,
                "r": "0x" + r.hex(),
                "s": "0x" + s.hex(),
            },
        }

    def give_tokens(self, who: str, amount: int) -> None:
        token = Contract("TestUSD", next(iter(self.deployment.tokens.values())).address, self.chain.rpc)
        token.send(dev_signer(0), "mint", who, amount)

    # --- what happened on chain ------------------------------------------------------------------------------

    def executions(self, body: dict[str, Any]) -> list[str]:
        """The transactions that carried a signed action out."""
        signed = self.contract("SignedActions")
        topic = "0x" + signed.abi.event("ActionExecuted").topic.hex()
        actor = "0x" + bytes(12).hex() + body["message"]["actor"][2:].lower()
        logs = self.chain.rpc.call(
            "eth_getLogs", {"address": signed.address, "topics": [topic, actor], "fromBlock": "0x0"}
        )
        return [log["transactionHash"] for log in signed_logs(signed, logs, int(body["message"]["nonce"]))]

    def wait_in_pool(self, count: int) -> None:
        """Wait until so many transactions are in the node's mempool: an action is `sent` before its bytes go out."""
        end = time.monotonic() + 90
        while int(self.chain.rpc.call("txpool_status")["pending"], 16) < count:
            assert time.monotonic() < end, "the bytes did not arrive"
            time.sleep(0.02)

    def lane_count(self) -> int:
        return self.chain.rpc.nonce(self.lane.address, "latest")


def signed_logs(signed: Contract, logs: list[dict[str, Any]], nonce: int) -> list[dict[str, Any]]:
    """The logs of one nonce."""
    return [log for log, event in zip(logs, signed.events(logs), strict=True) if event.args["nonce"] == nonce]


class RelayerProcess:
    """The relayer as a process of its own, with a lane whose key it gets through a descriptor."""

    def __init__(
        self, world: World, rpc_url: str = "", *, keys: tuple[bytes, ...] = (LANE_KEY,), **settings: Any
    ) -> None:
        self.world, self.keys = world, keys
        self.folder = world.folder
        values = {
            "rpc_url": rpc_url or world.chain.url,
            "chain_id": world.deployment.chain_id,
            "deployment": world.folder / f"{world.deployment.chain_id}.json",
            "database": world.folder / "relayer.sqlite",
            "content_folder": world.folder / "content",
            "port": 0,
            "confirmations": 2,
            "poll_seconds": 0.05,
            "rebroadcast_after": 0,
            "replace_after": 60,
            "rpc_timeout_seconds": 3,
            **settings,
        }
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith("IPTO_")}
        self.environment |= {f"IPTO_RELAYER_{key.upper()}": str(value) for key, value in values.items()}
        self.log = world.folder / f"relayer-{secrets.token_hex(4)}.log"
        self.http = httpx.Client(timeout=90, trust_env=False)
        self.url = ""
        self._process: ForkServerProcess | None = None

    def start(self) -> RelayerProcess:
        self.log.write_bytes(b"")
        self._process = fork(self.environment, "\n".join(key.hex() for key in self.keys), self.log)
        end = time.monotonic() + 90
        while time.monotonic() < end and self.is_alive():
            found = _PORT.search(self.log.read_bytes())
            if found:
                self.url = f"http://127.0.0.1:{int(found[1])}"
                return self
            time.sleep(0.01)
        raise AssertionError(f"the relayer did not start: {self.log.read_text()[-2000:]}")

    def is_alive(self) -> bool:
        return self._process is not None and self._process.is_alive()

    def kill(self) -> None:
        """kill -9: nothing of the process gets a chance to tidy up."""
        if self._process is not None:
            self._process.kill()
            self._process.join()

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.join(15)
            self.kill()
        self.http.close()

    # --- as a client -----------------------------------------------------------------------------------------

    def post(self, body: Any, path: str = "/v1/actions", key: str | None = None, **options: Any) -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        return self.http.post(self.url + path, json=body, headers=headers, **options)

    def submit(self, body: dict[str, Any], path: str = "/v1/actions", key: str | None = None) -> str:
        response = self.post(body, path, key)
        assert response.status_code == 202, response.text
        return str(response.json()["id"])

    def get(self, name: str) -> dict[str, Any]:
        response = self.http.get(f"{self.url}/v1/actions/{name}")
        assert response.status_code == 200, response.text
        return dict(response.json())

    def wait_for(self, name: str, *states: str, seconds: float = 90, mine: bool = True) -> dict[str, Any]:
        """Wait for a state, mining blocks meanwhile as a live chain does."""
        end = time.monotonic() + seconds
        action: dict[str, Any] = {}
        while time.monotonic() < end:
            action = self.get(name)
            if action["state"] in states:
                return action
            if mine:
                self.world.chain.mine()
            time.sleep(0.05)
        status = self.http.get(self.url + "/status").text
        raise AssertionError(f"{action} is not {states} after {seconds} s; {status}; {self.log.read_text()[-3000:]}")
