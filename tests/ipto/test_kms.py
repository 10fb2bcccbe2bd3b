# SPDX-License-Identifier: Apache-2.0
"""Keys in key services, over the real wire: AWS KMS against moto's server, Cloud KMS against a small server that speaks
its protocol (there is no emulator of it)."""

from __future__ import annotations

import concurrent.futures
import logging
from collections.abc import Iterator
from typing import Any

import boto3
import grpc
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from eth_account import Account
from eth_utils.crypto import keccak
from google.auth.credentials import AnonymousCredentials
from google.cloud import kms_v1
from google.cloud.kms_v1.services.key_management_service.transports import KeyManagementServiceGrpcTransport
from hypothesis import given, settings
from hypothesis import strategies as st
from moto.kms.utils import ECDSAPrivateKey
from moto.server import ThreadedMotoServer

from ipto._aws import AwsKey
from ipto._gcp import GcpKey, crc32c
from ipto.ecdsa import ORDER
from ipto.errors import InputError, IntegrityError
from ipto.kms import TRIES, KeyServiceError, KmsSigner, open_key

VERSION = "projects/p/locations/l/keyRings/r/cryptoKeys/lane/cryptoKeyVersions/1"
ALGORITHM = kms_v1.CryptoKeyVersion.CryptoKeyVersionAlgorithm.EC_SIGN_SECP256K1_SHA256
TRANSACTION = {
    "type": 2, "chainId": 31337, "nonce": 7, "to": "0x" + "11" * 20, "value": 3, "data": "0x", "gas": 21_000,
    "maxFeePerGas": 10**9, "maxPriorityFeePerGas": 1,
}  # fmt: skip


def spki(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


# --- AWS ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    # It says itself that it does not know digests (moto.kms.models): it learns to sign them here.
    # Its web server logs every request.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def sign_digest(self: ECDSAPrivateKey, message: bytes, signing_algorithm: str) -> bytes:
    assert (len(message), signing_algorithm) == (32, "ECDSA_SHA_256")
    return self.private_key.sign(message, ec.ECDSA(Prehashed(hashes.SHA256())))


@pytest.fixture
def aws(moto: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(ECDSAPrivateKey, "sign", sign_digest)
    for name, value in {
        "AWS_ENDPOINT_URL": moto, "AWS_DEFAULT_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": "hush-hush-hush", "NO_PROXY": "127.0.0.1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    return boto3.client("kms")


def aws_key(client: Any, spec: str = "ECC_SECG_P256K1") -> str:
    return str(client.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"])


def test_a_lane_signs_with_aws(aws: Any) -> None:
    key = aws_key(aws)
    aws.create_alias(AliasName="alias/lane-1", TargetKeyId=key)
    signer = open_key("aws:alias/lane-1")
    assert signer.address == open_key(f"aws:{key}").address
    for number in range(20):
        digest = keccak(number.to_bytes(4, "big"))
        signature = signer.sign_digest(digest)
        assert int.from_bytes(signature[32:64], "big") <= ORDER // 2
        assert Account._recover_hash(digest, signature=signature) == signer.address
    raw = signer.sign_transaction(TRANSACTION)
    assert Account.recover_transaction(raw) == signer.address
    assert "hush" not in repr(signer)


def test_a_service_that_signs_something_else_is_found_out(aws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    signer = open_key(f"aws:{aws_key(aws)}")
    monkeypatch.undo()  # moto hashes what it is given once more
    with pytest.raises(IntegrityError, match="something else"):
        signer.sign_digest(bytes(32))


def test_aws_says_no(aws: Any, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(KeyServiceError, match="NotFoundException"):
        open_key("aws:alias/nobody")
    with pytest.raises(IntegrityError, match="ECC_SECG_P256K1"):
        open_key(f"aws:{aws_key(aws, 'ECC_NIST_P256')}")
    assert "hush" not in caplog.text


def test_aws_does_not_answer(aws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    signer = KmsSigner("lane", AwsKey(aws_key(aws)), pause=lambda _: None)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    gone = AwsKey("alias/lane")
    with pytest.raises(KeyServiceError) as caught:
        gone.sign(bytes(32))
    assert caught.value.retry
    assert "hush" not in str(caught.value)
    assert signer.sign_digest(bytes(31) + b"\1")


# --- Google ---------------------------------------------------------------------------------------------------------


class Service:
    """The two methods of google.cloud.kms.v1.KeyManagementService that are asked for, and ways to fail."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256K1())
        self.algorithm = ALGORITHM
        self.fails: list[grpc.StatusCode] = []
        self.damage = ""
        self.asked = 0

    def get_public_key(self, request: Any, context: Any) -> Any:
        data = spki(self.key)
        key = {"data": data, "crc32c_checksum": crc32c(data)}
        form = kms_v1.PublicKey.PublicKeyFormat.DER
        assert request.public_key_format == form
        return kms_v1.PublicKey(name=request.name, algorithm=self.algorithm, public_key_format=form, public_key=key)

    def asymmetric_sign(self, request: Any, context: Any) -> Any:
        self.asked += 1
        if self.fails:
            context.abort(self.fails.pop(0), "it is what it is")
        digest = request.digest.sha256
        signature = self.key.sign(digest, ec.ECDSA(Prehashed(hashes.SHA256())))
        verified = request.digest_crc32c == crc32c(digest) and self.damage != "digest"
        checksum = crc32c(signature) ^ (self.damage == "signature")
        self.damage = ""
        return kms_v1.AsymmetricSignResponse(
            name=request.name, signature=signature, signature_crc32c=checksum, verified_digest_crc32c=verified
        )

    def handlers(self) -> grpc.GenericRpcHandler:
        def method(work: Any, kind: Any, answer: Any) -> grpc.RpcMethodHandler:
            return grpc.unary_unary_rpc_method_handler(work, kind.deserialize, answer.serialize)

        return grpc.method_handlers_generic_handler(
            "google.cloud.kms.v1.KeyManagementService",
            {
                "GetPublicKey": method(self.get_public_key, kms_v1.GetPublicKeyRequest, kms_v1.PublicKey),
                "AsymmetricSign": method(
                    self.asymmetric_sign, kms_v1.AsymmetricSignRequest, kms_v1.AsymmetricSignResponse
                ),
            },
        )


@pytest.fixture
def google() -> Iterator[tuple[Service, GcpKey]]:
    service = Service()
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((service.handlers(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.enable_http_proxy", 0)])
    transport = KeyManagementServiceGrpcTransport(channel=channel, credentials=AnonymousCredentials())
    yield service, GcpKey(VERSION, kms_v1.KeyManagementServiceClient(transport=transport))
    channel.close()
    server.stop(None)


def test_a_lane_signs_with_google(google: tuple[Service, GcpKey]) -> None:
    service, key = google
    signer = KmsSigner("lane", key, pause=lambda _: None)
    assert signer.address == Account.from_key(service.key.private_numbers().private_value.to_bytes(32, "big")).address
    for number in range(20):
        digest = keccak(number.to_bytes(4, "big"))
        assert Account._recover_hash(digest, signature=signer.sign_digest(digest)) == signer.address
    assert Account.recover_transaction(signer.sign_transaction(TRANSACTION)) == signer.address


def test_google_is_asked_again_when_that_may_help_and_not_when_it_cannot(google: tuple[Service, GcpKey]) -> None:
    service, key = google
    pauses: list[float] = []
    signer = KmsSigner("lane", key, pause=pauses.append)
    service.fails = [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED]
    assert signer.sign_digest(bytes(31) + b"\1")
    assert len(pauses) == 2
    service.fails = [grpc.StatusCode.UNAVAILABLE] * TRIES
    with pytest.raises(KeyServiceError, match="ServiceUnavailable"):
        signer.sign_digest(bytes(31) + b"\1")
    asked = service.asked
    service.fails = [grpc.StatusCode.PERMISSION_DENIED]
    with pytest.raises(KeyServiceError, match="PermissionDenied"):
        signer.sign_digest(bytes(31) + b"\1")
    assert service.asked == asked + 1


@pytest.mark.parametrize("what", ["digest", "signature"])
def test_what_is_damaged_on_its_way_is_asked_for_again(google: tuple[Service, GcpKey], what: str) -> None:
    service, key = google
    signer = KmsSigner("lane", key, pause=lambda _: None)
    service.damage = what
    assert signer.sign_digest(bytes(31) + b"\1")
    assert service.asked == 2


def test_a_key_that_was_exchanged_signs_nothing(google: tuple[Service, GcpKey]) -> None:
    service, key = google
    signer = KmsSigner("lane", key, pause=lambda _: None)
    service.key = ec.generate_private_key(ec.SECP256K1())
    with pytest.raises(IntegrityError, match="not by this key"):
        signer.sign_digest(bytes(31) + b"\1")


def test_a_key_of_another_algorithm_is_refused(google: tuple[Service, GcpKey]) -> None:
    service, key = google
    service.algorithm = kms_v1.CryptoKeyVersion.CryptoKeyVersionAlgorithm.EC_SIGN_P256_SHA256
    with pytest.raises(KeyServiceError, match="EC_SIGN_SECP256K1_SHA256"):
        KmsSigner("lane", key)


# --- both -----------------------------------------------------------------------------------------------------------


def test_only_digests_reach_a_service(google: tuple[Service, GcpKey]) -> None:
    service, key = google
    signer = KmsSigner("lane", key)
    for wrong in (b"", bytes(31), bytes(33)):
        with pytest.raises(InputError, match="32 bytes"):
            signer.sign_digest(wrong)
    assert service.asked == 0


@pytest.mark.parametrize("name", ["", "aws:", "gcp:", "azure:x", "alias/lane"])
def test_names_that_are_no_keys(name: str) -> None:
    with pytest.raises(InputError, match="is no key"):
        open_key(name)


@settings(deadline=None)
@given(st.binary(max_size=100))
def test_the_checksum(data: bytes) -> None:
    assert crc32c(b"123456789") == 0xE3069283  # RFC 3720's check value
    assert crc32c(data) != crc32c(data + b"\1")
