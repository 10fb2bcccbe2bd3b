# SPDX-License-Identifier: Apache-2.0
"""A key of Google Cloud KMS (extra `gcp`). Credentials are the machine's own (application default credentials).

Source: https://cloud.google.com/kms/docs/reference/rpc/google.cloud.kms.v1 (integrity by CRC32C:
https://cloud.google.com/kms/docs/data-integrity-guidelines)
"""

from __future__ import annotations

from typing import Any

from google.api_core.exceptions import GoogleAPICallError, RetryError, ServerError, TooManyRequests
from google.auth.exceptions import GoogleAuthError
from google.cloud import kms_v1

from ipto.kms import TIMEOUT_SECONDS, KeyServiceError

_ALGORITHM = kms_v1.CryptoKeyVersion.CryptoKeyVersionAlgorithm.EC_SIGN_SECP256K1_SHA256
_DER = kms_v1.PublicKey.PublicKeyFormat.DER


class GcpKey:
    """One version of a key with purpose ASYMMETRIC_SIGN and algorithm EC_SIGN_SECP256K1_SHA256 (protection HSM)."""

    def __init__(self, version: str, client: kms_v1.KeyManagementServiceClient | None = None) -> None:
        """version: `projects/…/locations/…/keyRings/…/cryptoKeys/…/cryptoKeyVersions/…`. Needs
        cloudkms.cryptoKeyVersions.viewPublicKey and .useToSign."""
        try:
            self._client = client or kms_v1.KeyManagementServiceClient()
        except GoogleAuthError as error:
            raise KeyServiceError(f"Cloud KMS: {error}", retry=False) from None
        self._version = version

    def public_key(self) -> bytes:
        """The key's DER SubjectPublicKeyInfo."""
        found = self._ask(self._client.get_public_key, {"name": self._version, "public_key_format": _DER})
        if found.algorithm != _ALGORITHM or found.name != self._version:
            raise KeyServiceError(
                f"Cloud KMS: {self._version} is a key for another algorithm; make one with EC_SIGN_SECP256K1_SHA256",
                retry=False,
            )
        data = bytes(found.public_key.data)
        _check(data, found.public_key.crc32c_checksum)
        return data

    def sign(self, digest: bytes) -> bytes:
        """A DER signature over exactly these 32 bytes."""
        request = {
            "name": self._version,
            # The service signs the digest as it is given; that it is a SHA-256 is what the field is called.
            "digest": {"sha256": digest},
            "digest_crc32c": crc32c(digest),
        }
        answer = self._ask(self._client.asymmetric_sign, request)
        if answer.name != self._version or not answer.verified_digest_crc32c:
            raise KeyServiceError("Cloud KMS: the digest was damaged on its way", retry=True)
        signature = bytes(answer.signature)
        _check(signature, answer.signature_crc32c)
        return signature

    def _ask(self, method: Any, request: dict[str, Any]) -> Any:
        try:
            # How often to ask is decided in one place, above.
            return method(request=request, timeout=TIMEOUT_SECONDS, retry=None)
        except GoogleAPICallError as error:
            passing = isinstance(error, (ServerError, TooManyRequests))
            raise KeyServiceError(f"Cloud KMS refused: {type(error).__name__}", retry=passing) from None
        except (RetryError, GoogleAuthError) as error:
            raise KeyServiceError(f"Cloud KMS did not answer: {type(error).__name__}", retry=True) from None


def crc32c(data: bytes) -> int:
    """CRC-32C (Castagnoli, RFC 3720 appendix B.4) of a few bytes."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


def _check(data: bytes, checksum: int) -> None:
    if crc32c(data) != checksum:
        raise KeyServiceError("Cloud KMS: the answer was damaged on its way", retry=True)
