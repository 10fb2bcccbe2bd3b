# SPDX-License-Identifier: Apache-2.0
"""`newHeads` over WebSocket, as a wake-up and nothing more: what is in the message is not believed, and without one
the follower polls as ever.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import orjson
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidURI, WebSocketException

log = logging.getLogger(__name__)

_FIRST_PAUSE = 0.5  # seconds
_LONGEST_PAUSE = 60.0
_MAX_MESSAGE = 1 << 20
_SUBSCRIBE = orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"]}).decode()


def websocket_url(rpc_url: str) -> str:
    """Where nodes usually listen for WebSockets: at the address of their HTTP endpoint."""
    scheme, _, rest = rpc_url.partition("://")
    return f"{'wss' if scheme == 'https' else 'ws'}://{rest}"


async def listen(url: str, wake: Callable[[], None]) -> None:
    """Call `wake` for each new head, until cancelled; connects again when the connection ends."""
    pause = _FIRST_PAUSE
    while True:
        try:
            async with connect(url, max_size=_MAX_MESSAGE, open_timeout=10) as socket:
                await socket.send(_SUBSCRIBE)
                async for message in socket:
                    found = orjson.loads(message)
                    if isinstance(found, dict) and "error" in found:
                        log.info("the node has no newHeads; polling only")
                        return
                    pause = _FIRST_PAUSE
                    wake()
        except InvalidURI:
            log.warning("the WebSocket URL cannot be used; polling only")
            return
        except (OSError, WebSocketException, orjson.JSONDecodeError, TimeoutError) as error:
            # Never the URL: it may hold a key.
            log.info("no newHeads (%s); polling, and trying again in %.1f s", type(error).__name__, pause)
        await asyncio.sleep(pause)
        pause = min(_LONGEST_PAUSE, 2 * pause)
