# SPDX-License-Identifier: Apache-2.0
"""ABI encoding and decoding that no other package can change.

`eth_abi.encode` and `decode` share one registry a process, and eth-ape, once imported, makes it read missing bytes as
zeros. What decides about money must notice them, so this library has a registry of its own.
"""

from collections.abc import Sequence
from typing import Any

from eth_abi.codec import ABICodec
from eth_abi.decoding import UnsignedIntegerDecoder
from eth_abi.encoding import UnsignedIntegerEncoder
from eth_abi.registry import BaseEquals, registry

from ipto import _encode

_own = registry.copy()  # type: ignore[no-untyped-call]
_own.unregister("uint")
_is_uint = BaseEquals("uint")  # type: ignore[no-untyped-call]
_own.register(_is_uint, UnsignedIntegerEncoder, UnsignedIntegerDecoder, label="uint")
_codec = ABICodec(_own)

decode = _codec.decode


def encode(types: Sequence[str], values: Sequence[Any]) -> bytes:
    """The ABI encoding of `values`. Raises what `eth_abi.encode` raises."""
    try:
        return _encode.encode(types, values)
    except Exception:
        # Whatever it is: `eth_abi` takes it, or names what is wrong with it.
        return _codec.encode(types, values)
