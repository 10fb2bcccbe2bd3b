# SPDX-License-Identifier: Apache-2.0
"""Why a request is refused, in words and in a code a client can act on (RFC 9457 problem details)."""

from __future__ import annotations

from ipto.errors import IptoError


class RefusedError(IptoError, ValueError):
    """A request the relayer will not carry out; nothing was kept of it.

    `status` is the HTTP status, `code` a stable slug, the text says what happened and what to do next.
    """

    def __init__(self, status: int, code: str, detail: str, *, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.retry_after = retry_after  # seconds


class ConfigurationError(IptoError, RuntimeError):
    """The relayer cannot start as it is configured; nothing was sent."""


def malformed(detail: str) -> RefusedError:
    """The message cannot be read."""
    return RefusedError(422, "malformed", detail)


def forbidden(code: str, detail: str) -> RefusedError:
    """Understood, and against the operator's policy."""
    return RefusedError(403, code, detail)


def conflict(code: str, detail: str) -> RefusedError:
    """At odds with something that was accepted or carried out before."""
    return RefusedError(409, code, detail)


def busy(code: str, detail: str, retry_after: int) -> RefusedError:
    """Possible later, not now."""
    return RefusedError(429 if code.startswith("signer") else 503, code, detail, retry_after=retry_after)
