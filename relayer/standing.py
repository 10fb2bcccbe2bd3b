# SPDX-License-Identifier: Apache-2.0
"""How the operator stands to an account that signs in: the same rules and proofs that decide whose gas is paid."""

from __future__ import annotations

from dataclasses import dataclass

from relayer.database import Database
from relayer.problems import RefusedError, busy, forbidden
from relayer.settings import Settings


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of one account."""

    denied: bool
    proved: bool  # it showed that it is not one of a crowd, or nobody is asked to
    stopped: bool  # the kill switch is on, for everybody


class Standings:
    """Looks accounts up."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings, self._database = settings, database

    def of(self, account: str) -> Standing:
        """How an account stands now. Raises StorageError."""
        settings = self._settings
        found = self._database.read(
            "SELECT 'rule' AS what, rule AS value FROM rules WHERE address = ?"
            " UNION ALL SELECT 'proof', kind FROM proofs WHERE signer = ?"
            " UNION ALL SELECT 'stopped', value FROM meta WHERE name = 'stopped'",
            account, account,
        )  # fmt: skip
        known = {row["what"]: row["value"] for row in found}
        rule = known.get("rule")
        outside = bool(settings.allow) and account not in settings.allow
        killed = settings.kill_switch is not None and settings.kill_switch.exists()
        return Standing(
            denied=rule == "deny" or account in settings.deny or outside,
            proved=settings.free_actions is None or rule == "allow" or "proof" in known,
            stopped=killed or "stopped" in known,
        )

    def check(self, account: str) -> Standing:
        """How an account stands that wants something new. Raises RefusedError: 403 `denied`, 503 `stopped`."""
        standing = self.of(account)
        if standing.denied:
            raise refused_account(account)
        if standing.stopped:
            raise busy("stopped", "the relayer accepts nothing at the moment; try again later", 600)
        return standing


def refused_account(account: str) -> RefusedError:
    """This account is not served."""
    return forbidden("denied", f"{account} is not served here; use another operator, or your own node")
