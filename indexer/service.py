# SPDX-License-Identifier: Apache-2.0
"""The follower as a service: everything it needs, put together from the settings, on a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable

from indexer.database import WriterBusyError, open_writer
from indexer.endpoints import Endpoints
from indexer.fetch import Fetcher
from indexer.follow import Follower
from indexer.gateway import Gateway
from indexer.model import PROTOCOL_MODEL, plan
from indexer.resolve import FolderSource, Resolver, Source
from indexer.settings import Settings
from indexer.shown import Shower
from indexer.store import Chain, Store
from indexer.wake import listen, websocket_url
from indexer.webhooks import Hook, Outbox, Sender
from ipto.chain import artifact
from ipto.content import LocalStore
from ipto.deployment import Deployment
from ipto.errors import NotFoundError


def _compiled(name: str) -> bool:
    try:
        artifact(name)
    except NotFoundError:
        return False
    return True


# The contracts whose events this version understands.
INDEXED = tuple(name for name in PROTOCOL_MODEL.contracts if _compiled(name))
_STANDBY_SECONDS = 1.0


def chain_of(deployment: Deployment) -> Chain:
    """What of a deployment is indexed. A contract the deployment does not have has no events."""
    named = {name: deployment.contracts[name] for name in INDEXED if name in deployment.contracts}
    contracts = {bytes.fromhex(address[2:]): name for name, address in named.items()}
    return Chain(deployment.chain_id, contracts, deployment.block_number)


def schema_of(deployment: Deployment) -> str:
    """The PostgreSQL schema of a chain: several chains share one database side by side."""
    return f"ipto_{deployment.chain_id}"


def open_store(settings: Settings, deployment: Deployment) -> Store:
    """The writer; with `standby`, once nobody else is. Raises WriterBusyError, InputError."""
    steps = plan(PROTOCOL_MODEL, {name: artifact(name)["abi"] for name in chain_of(deployment).contracts.values()})
    while True:
        try:
            db = open_writer(settings.database, schema_of(deployment))
        except WriterBusyError:
            if not settings.standby:
                raise
            time.sleep(_STANDBY_SECONDS)
            continue
        hooks = [Hook(hook.url, hook.secret, hook.events) for hook in settings.webhooks]
        showers = {name: Shower(artifact(name)["abi"]) for name in chain_of(deployment).contracts.values()}
        return Store(db, chain_of(deployment), PROTOCOL_MODEL, steps, Outbox(hooks, showers))


class Service:
    """Follows the chain and resolves documents, until stopped."""

    def __init__(self, settings: Settings, deployment: Deployment, store: Store) -> None:
        self._settings = settings
        self._deployment = deployment
        self._store = store

    async def run(self, ready: Callable[[Callable[[], None]], None]) -> None:
        """Run until stopped. `ready` is given the function that stops it, to be called on this event loop.

        Raises WrongChainError when the node is on another chain, ForbiddenGatewayError for a gateway at home.
        """
        settings = self._settings
        async with Endpoints(settings.rpc_urls, timeout=settings.rpc_timeout_seconds) as rpc:
            gateways = [
                Gateway(url, timeout=settings.document_timeout_seconds, allow_private=settings.allow_private_gateways)
                for url in settings.gateways
            ]
            folder = settings.content_folder
            sources: list[Source] = [FolderSource(LocalStore(folder))] if folder else []
            resolver = Resolver(self._store.db, [*sources, *gateways], rpc, attempts=settings.document_attempts)
            fetcher = Fetcher(
                rpc,
                chain_of(self._deployment).contracts,
                width=settings.first_range_blocks,
                max_width=settings.max_range_blocks,
                concurrency=settings.concurrency,
                check_headers=settings.check_headers,
            )
            follower = Follower(
                fetcher,
                self._store,
                self._deployment.block_number,
                chain_id=self._deployment.chain_id,
                finality_blocks=None if settings.finality_blocks < 0 else settings.finality_blocks,
                fallback_finality=settings.fallback_finality_blocks,
                journal_blocks=settings.journal_blocks,
                poll_seconds=settings.poll_seconds,
                on_commit=resolver.wake,
            )

            sender = self._sender()

            def stop() -> None:
                follower.stop()
                resolver.stop()
                if sender is not None:
                    sender.stop()

            ready(stop)
            resolving = asyncio.create_task(resolver.run())
            sending = None if sender is None else asyncio.create_task(sender.run())
            listening = None
            if settings.ws_url != "off":
                heads = settings.ws_url or websocket_url(settings.rpc_urls[0])
                listening = asyncio.create_task(listen(heads, follower.wake))
            try:
                await follower.run()
            finally:
                resolver.stop()
                if listening is not None:
                    listening.cancel()
                    await asyncio.gather(listening, return_exceptions=True)
                if sender is not None and sending is not None:
                    sender.stop()
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(sending, 2)
                    await sender.aclose()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(resolving, 2)
                for gateway in gateways:
                    await gateway.aclose()

    def _sender(self) -> Sender | None:
        outbox = self._store.outbox
        if outbox is None or not outbox.hooks:
            return None
        settings = self._settings
        return Sender(
            self._store.db,
            outbox,
            timeout=settings.webhook_timeout_seconds,
            allow_private=settings.allow_private_webhooks,
        )


class ServiceThread:
    """A service on a thread with its own event loop, so that a large commit never holds up the API."""

    def __init__(self, service: Service, on_end: Callable[[], None]) -> None:
        """on_end: called on the thread when the service has ended, for whatever reason."""
        self.error: BaseException | None = None
        self._service = service
        self._on_end = on_end
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: Callable[[], None] | None = None
        self._stop_asked = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._main, name="follower")

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wait(self) -> None:
        """Until it ends by itself; interruptible by Ctrl-C and SIGTERM."""
        self._ended.wait()

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        self._stop_asked = True
        if self._loop is not None and self._stop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed already
                self._loop.call_soon_threadsafe(self._stop)
        self._thread.join()

    def _main(self) -> None:
        try:
            asyncio.run(self._run())
        except BaseException as error:
            self.error = error
        finally:
            self._ended.set()
            self._on_end()

    async def _run(self) -> None:
        def ready(stop: Callable[[], None]) -> None:
            self._loop, self._stop = asyncio.get_running_loop(), stop
            if self._stop_asked:
                stop()

        await self._service.run(ready)
