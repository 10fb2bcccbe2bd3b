# pragma version ==0.4.3
# pragma evm-version cancun
# pragma nonreentrancy on
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Attestations: who vouches for what
@license GNU Affero General Public License v3.0 only
@notice See `interfaces/IAttestations.vyi`.
"""

from .interfaces import IAttestations


implements: IAttestations


SIGNED_ACTIONS: public(immutable(address))

#   255   240 239          200 199          160 159             0
#   | unused | revoked at (s) | attested at (s) | attester       |
attestations: HashMap[bytes32, uint256]


@deploy
def __init__(signed_actions: address):
    assert signed_actions.is_contract, "attestations: bad wiring"
    SIGNED_ACTIONS = signed_actions


@external
def attest(actor: address, subject: bytes32, schema: bytes32, evidence: bytes32) -> bytes32:
    self._check_actor(actor)
    assert schema != empty(bytes32), "attestations: schema is zero"
    id: bytes32 = self._id(actor, subject, schema, evidence)
    assert self.attestations[id] == 0, "attestations: stated before"
    self.attestations[id] = (block.timestamp << 160) | convert(actor, uint256)
    log IAttestations.Attested(id=id, attester=actor, subject=subject, schema=schema, evidence=evidence)
    return id


@external
def revoke(actor: address, id: bytes32):
    self._check_actor(actor)
    word: uint256 = self.attestations[id]
    assert word != 0 and convert(word & (2**160 - 1), address) == actor, "attestations: not the attester"
    assert word >> 200 == 0, "attestations: revoked before"
    self.attestations[id] = word | (block.timestamp << 200)
    log IAttestations.AttestationRevoked(id=id, attester=actor)


@external
@view
def attestation_of(id: bytes32) -> (address, uint40, uint40):
    word: uint256 = self.attestations[id]
    return (
        convert(word & (2**160 - 1), address),
        convert((word >> 160) & (2**40 - 1), uint40),
        convert(word >> 200, uint40),
    )


@external
@view
def attestation_id(attester: address, subject: bytes32, schema: bytes32, evidence: bytes32) -> bytes32:
    return self._id(attester, subject, schema, evidence)


@external
@view
def stands(attester: address, subject: bytes32, schema: bytes32, evidence: bytes32) -> bool:
    word: uint256 = self.attestations[self._id(attester, subject, schema, evidence)]
    return word != 0 and word >> 200 == 0


@internal
@view
def _check_actor(actor: address):
    # SignedActions calls only in the name of whoever signed.
    assert msg.sender == actor or msg.sender == SIGNED_ACTIONS, "attestations: not the actor"


@internal
@pure
def _id(attester: address, subject: bytes32, schema: bytes32, evidence: bytes32) -> bytes32:
    return keccak256(abi_encode(attester, subject, schema, evidence))
