# SPDX-License-Identifier: Apache-2.0
"""A chain with the protocol on it, creators who sign, and the relayer as the process that operators start."""

from __future__ import annotations

import os
import re
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import orjson

from bench.harness import BenchError
from ipto.accounts import LocalSigner
from ipto.chain import Deployment
from ipto.deploy import Parameters, deploy, install_factory
from ipto.devchain import DevChain, dev_signer
from ipto.ids import split_account, work_id
from ipto.structs import NEVER, UNLIMITED, WHOLE_END_MS, ZERO32, ZERO_ADDRESS, Aspect, Offer, Share, Usage, WorkInput
from ipto.typed_data import Action, Onboard, PostOffers, TypedData, signed_actions_domain

_PORT = re.compile(rb"Uvicorn running on http://127\.0\.0\.1:(\d+)")


class Site:
    """One chain for everything that is measured."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.chain = DevChain()

    def __enter__(self) -> Self:
        self.chain.start()
        owner = dev_signer(0)
        install_factory(self.chain.rpc, owner)
        self.deployment = deploy(self.chain.rpc, owner, Parameters(owner.address), test_token=True)
        self.deployment.save(self.folder)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.chain.stop()

    def fund(self, *signers: LocalSigner) -> None:
        for signer in signers:
            self.chain.set_balance(signer.address, 10**24)

    def quiet(self) -> None:
        """Nothing of what was measured before is left."""
        self.chain.rpc.call("anvil_dropAllTransactions")

    def offer(self, creator: str, work: int, price: int = 5_000_000) -> Offer:
        token = next(iter(self.deployment.tokens.values())).address
        return Offer(
            work, creator, int(Usage.TRAIN), int(Aspect.FOOTAGE), 0, 0, WHOLE_END_MS, token, price, 365 * 86400, 0, 0,
            0, 0, 1, UNLIMITED, ZERO_ADDRESS, 0, NEVER, 0, b"\x07" * 32,
        )  # fmt: skip

    def onboarding(self, creator: LocalSigner) -> Onboard:
        """Two shares, one work, one offer: what a creator signs first."""
        content, address = secrets.token_bytes(32), self.deployment.address
        split = (Share(bytes(12) + b"\x05" * 20, 600_000), Share(bytes(12) + b"\x06" * 20, 400_000))
        payee = split_account(split, creator.address)
        work = WorkInput(content, b"\x02" * 32, ZERO32, payee, ZERO_ADDRESS, 60_000, 0x1FF)
        return Onboard(
            creator.address, address("WorkRegistry"), address("RoyaltyVault"), address("LicenseMarket"), split,
            creator.address, work, (self.offer(creator.address, work_id(creator.address, content)),),
            secrets.randbits(256), int(time.time()) + 86_400,
        )  # fmt: skip

    def posting(self, creator: LocalSigner, work: int) -> PostOffers:
        """One more offer for a work."""
        price = secrets.randbelow(10**9) + 1
        offers = (self.offer(creator.address, work, price),)
        market, deadline = self.deployment.address("LicenseMarket"), int(time.time()) + 86_400
        return PostOffers(creator.address, market, offers, secrets.randbits(256), deadline)

    def body(self, creator: LocalSigner, message: Action) -> bytes:
        """A request for the relayer."""
        typed = TypedData(
            signed_actions_domain(self.deployment.chain_id, self.deployment.address("SignedActions")), message
        )
        signature = "0x" + creator.sign_typed_data(typed).hex()
        kind = type(message).__name__
        return orjson.dumps({"kind": kind, "message": typed.to_json()["message"], "signature": signature})

    def onboardings(self, count: int) -> list[bytes]:
        """Requests of as many new creators."""
        creators = [LocalSigner.random() for _ in range(count)]
        return [self.body(creator, self.onboarding(creator)) for creator in creators]


class Relayer:
    """`python -m relayer run`. A context manager."""

    def __init__(self, site: Site, keys: list[bytes], **settings: Any) -> None:
        self._site, self._keys = site, keys
        values = {
            "rpc_url": site.chain.url,
            "chain_id": site.deployment.chain_id,
            "deployment": site.folder / f"{site.deployment.chain_id}.json",
            "port": 0,
            "confirmations": 2,
            "queue_limit": 1_000_000,
            "signer_pending": 100,
            "concurrent_checks": 256,
            "signer_day_wei": 10**24,
            "contracts_day_wei": 10**24,
            "signer_total_wei": 10**24,
            "day_wei": 10**26,
            "total_wei": 10**27,
            "network_day_wei": 10**26,
            "rebroadcast_after": 600,
            "replace_after": 600,
            **settings,
        }
        self._environment = {key: value for key, value in os.environ.items() if not key.startswith("IPTO_")}
        self._environment |= {f"IPTO_RELAYER_{key.upper()}": str(value) for key, value in values.items()}
        self._log = site.folder / f"relayer-{secrets.token_hex(4)}.log"
        self.started_in = 0.0
        self.url = ""

    def __enter__(self) -> Self:
        begun = time.monotonic()
        reading, writing = os.pipe()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "relayer", "run"],
                env=self._environment | {"IPTO_RELAYER_KEY_FD": str(reading)},
                pass_fds=[reading], stdout=log, stderr=log,
            )  # fmt: skip
        os.close(reading)
        os.write(writing, "\n".join(key.hex() for key in self._keys).encode())
        os.close(writing)
        while not (found := _PORT.search(self._log.read_bytes())):
            if self._process.poll() is not None or time.monotonic() - begun > 60:
                raise BenchError(f"the relayer did not start: {self._log.read_text()[-2000:]}")
            time.sleep(0.01)
        self.url = f"http://127.0.0.1:{int(found[1])}"
        self.started_in = time.monotonic() - begun
        self.http = httpx.Client(timeout=60, trust_env=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.http.close()
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def status(self) -> dict[str, Any]:
        return dict(self.http.get(self.url + "/status").json())

    def peak_memory(self) -> int:
        """Bytes of memory it held at most, as the kernel counts (VmHWM)."""
        text = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(text.split("VmHWM:")[1].split()[0]) * 1024

    def wait_counts(self, wanted: dict[str, int], seconds: float = 120) -> None:
        """Until so many actions are in these states."""
        end = time.monotonic() + seconds
        while True:
            counts = self.status()["actions"]
            if all(counts[state] >= number for state, number in wanted.items()):
                return
            if time.monotonic() > end:
                raise BenchError(f"{counts} is not {wanted} after {seconds} s: {self._log.read_text()[-2000:]}")
            time.sleep(0.02)


def pool_size(site: Site) -> int:
    """How many transactions wait in the node's mempool."""
    status = site.chain.rpc.call("txpool_status")
    return int(status["pending"], 16) + int(status["queued"], 16)


__all__ = ["Deployment", "Relayer", "Site", "pool_size"]
