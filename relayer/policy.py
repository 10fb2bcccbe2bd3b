# SPDX-License-Identifier: Apache-2.0
"""What the relayer accepts: an operator's rules about who is served and what a message may say.

What its keys sign is checked once more, and without belief in any of this, by `relayer.guard`.
"""

from __future__ import annotations

from ipto.chain import Deployment
from relayer.actions import PURCHASE, Request, served
from relayer.problems import RefusedError, busy, forbidden
from relayer.settings import Settings


class Policy:
    """The operator's rules for one deployment."""

    def __init__(self, settings: Settings, deployment: Deployment) -> None:
        self._settings = settings
        self._targets = {
            name: {field: deployment.address(contract) for field, contract in kind.TARGETS.items()}
            for name, kind in served(deployment).items()
        }

    def check_targets(self, request: Request) -> None:
        """The contracts a message names must be this deployment's. Raises RefusedError (422)."""
        for field, expected in self._targets.get(request.kind, {}).items():
            found = getattr(request.message, field)
            if found != expected:
                raise RefusedError(
                    422, "wrong-contract", f"the message names {found} as {field}; this relayer serves {expected}"
                )

    def check_new(self, request: Request, now: int) -> None:
        """Everything about a new action that needs no look at the chain. Raises RefusedError (403, 422, 503)."""
        settings = self._settings
        if settings.kill_switch is not None and settings.kill_switch.exists():
            raise busy("stopped", "the relayer accepts nothing at the moment; try again later", 600)
        if request.signer in settings.deny:
            raise forbidden("denied", f"{request.signer} is not served here; submit the action yourself")
        if settings.allow and request.signer not in settings.allow:
            raise forbidden("not-allowed", f"only known signers are served here, {request.signer} is not one of them")
        for number, offer in enumerate(request.offers):
            if request.kind != PURCHASE and offer.licensor != request.signer:
                raise RefusedError(
                    422, "not-the-actors", f"offer {number} names {offer.licensor} as licensor, not {request.signer}"
                )
        if request.deadline < now + settings.deadline_margin:
            raise RefusedError(
                422, "deadline", f"the deadline leaves less than {settings.deadline_margin} seconds; sign a later one"
            )
        if request.deadline > now + settings.deadline_horizon:
            raise RefusedError(
                422,
                "deadline",
                f"the deadline is more than {settings.deadline_horizon} seconds ahead; sign a nearer one",
            )
        if request.not_before > now:
            raise RefusedError(422, "too-early", "the authorization is not valid yet; submit it when it is")
