# SPDX-License-Identifier: Apache-2.0
"""A key of AWS KMS (extra `aws`). Region and credentials are found as boto3 finds them: a role, better than variables.

Source: https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html
"""

from __future__ import annotations

from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from ipto.kms import TIMEOUT_SECONDS, KeyServiceError

_PASSING = {
    "ThrottlingException", "LimitExceededException", "DependencyTimeoutException", "KMSInternalException",
    "KeyUnavailableException", "ServiceUnavailable", "InternalFailure", "RequestTimeout",
}  # fmt: skip


class AwsKey:
    """One asymmetric key with spec ECC_SECG_P256K1 and usage SIGN_VERIFY."""

    def __init__(self, key: str) -> None:
        """key: id, ARN or `alias/…`. Needs kms:GetPublicKey and kms:Sign."""
        # How often to ask is decided in one place, above.
        config = Config(
            connect_timeout=TIMEOUT_SECONDS, read_timeout=TIMEOUT_SECONDS, retries={"total_max_attempts": 1}
        )
        try:
            self._client = boto3.session.Session().client("kms", config=config)
        except BotoCoreError as error:
            raise KeyServiceError(f"AWS KMS: {error}", retry=False) from None
        self._key = key

    def public_key(self) -> bytes:
        """The key's DER SubjectPublicKeyInfo."""
        return bytes(self._ask("get_public_key", KeyId=self._key)["PublicKey"])

    def sign(self, digest: bytes) -> bytes:
        """A DER signature over exactly these 32 bytes."""
        answer = self._ask(
            "sign", KeyId=self._key, Message=digest, MessageType="DIGEST", SigningAlgorithm="ECDSA_SHA_256"
        )
        return bytes(answer["Signature"])

    def _ask(self, method: str, **arguments: Any) -> Any:
        try:
            return getattr(self._client, method)(**arguments)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            raise KeyServiceError(f"AWS KMS refused: {code}", retry=code in _PASSING or status >= 500) from None
        except BotoCoreError as error:
            # Names the host and what failed, never a credential.
            raise KeyServiceError(f"AWS KMS did not answer: {type(error).__name__}", retry=True) from None
