# SPDX-License-Identifier: Apache-2.0
"""Attestations: state something about a work, a license, a digest or an account; who stated what, and who took it back.

What is stated is named by a schema: the SHA-256 of a small document that says it in words. Those known here are in
`SCHEMAS`; anybody may use others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ipto import documents
from ipto._logs import Logs, topic, word
from ipto.accounts import Signer
from ipto.chain import Deployment
from ipto.documents import Document
from ipto.errors import InputError
from ipto.rpc import Rpc
from ipto.structs import ZERO32

__all__ = ["SCHEMAS", "Attestation", "Attestations", "schema_digest"]


def _schema(name: str, statement: str) -> Document:
    return {"format": "ipto.attestation/1", "name": name, "statement": statement}


SCHEMAS: Mapping[str, Document] = MappingProxyType(
    {
        name: _schema(name, statement)
        for name, statement in {
            "community-claim": "The subject, a work, contains cultural expressions of the attester's community.",
            "rights-checked": "The attester examined who has the rights in the subject, a work; they are cleared.",
            "identity": "The subject, an account, belongs to the person or body described in the evidence.",
            "model-card-checked": "The attester examined the subject, a model, and its card says what is true.",
            "terms-kept": "The attester audited the use made under the subject, a license, and found its terms kept.",
        }.items()
    }
)


@dataclass(frozen=True, slots=True)
class Attestation:
    """A statement. Times: UTC seconds; `revoked_at` is zero while it stands."""

    id: bytes
    attester: str
    subject: bytes
    schema: bytes
    evidence: bytes
    attested_at: int
    revoked_at: int

    @property
    def name(self) -> str:
        """The schema's name where it is known here, else its digest."""
        return next((name for name in SCHEMAS if schema_digest(name) == self.schema), "0x" + self.schema.hex())


def schema_digest(name: str) -> bytes:
    """The digest of a schema by its name, or given as 0x hex. Raises InputError."""
    if name in SCHEMAS:
        return documents.digest(SCHEMAS[name])
    if len(name) == 66 and name.startswith("0x"):
        try:
            return bytes.fromhex(name[2:])
        except ValueError:
            pass
    raise InputError(f"{name!r:.80} is no schema known here ({', '.join(SCHEMAS)}) and no digest in 0x hex")


class Attestations:
    """The attestations of one deployment. Raises RevertedError where the contract refuses."""

    def __init__(self, deployment: Deployment, rpc: Rpc) -> None:
        self._deployment, self._rpc = deployment, rpc
        self._contract = deployment.contract("Attestations", rpc)

    def attest(self, signer: Signer, subject: bytes, schema: bytes, evidence: bytes = ZERO32) -> bytes:
        """State something in the signer's name; the statement's id. All three: 32 bytes."""
        receipt = self._contract.send(signer, "attest", signer.address, subject, schema, evidence)
        return bytes(self._contract.events(receipt, "Attested")[0].args["id"])

    def revoke(self, signer: Signer, identifier: bytes) -> None:
        """Take a statement of the signer's back, for good."""
        self._contract.send(signer, "revoke", signer.address, identifier)

    def about(self, subject: bytes) -> list[Attestation]:
        """Everything that was ever stated about a subject, in order, what was taken back included."""
        logs = Logs(self._rpc, self._deployment.block_number)
        found = []
        for log in logs.matching(self._contract, [topic(self._contract, "Attested"), None, None, word(subject)]):
            attester, attested_at, revoked_at = self._contract.call("attestation_of", log.args["id"])
            said = (log.args["subject"], log.args["schema"], log.args["evidence"])
            found.append(Attestation(log.args["id"], attester, *said, attested_at, revoked_at))
        return found
