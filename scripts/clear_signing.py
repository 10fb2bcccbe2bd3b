# SPDX-License-Identifier: Apache-2.0
"""Writes contracts/clear-signing/: what wallets show of the messages, in words (ERC-7730).

    python -m scripts.clear_signing                                    write
    python -m scripts.clear_signing --check                            exit 1 when a committed file differs
    python -m scripts.clear_signing --deployment deployments/8453.json bind it to a deployment, for the registry

Fields come from the messages' own table, words from the tables below: a field without words is an error. Masks are
enumerations of every combination, because wallets know no bits. Source: https://eips.ethereum.org/EIPS/eip-7730
"""

from __future__ import annotations

import json
import sys
from enum import IntFlag
from pathlib import Path
from typing import Any

from ipto.chain import Deployment
from ipto.structs import ETH, AfterTerm, Aspect, ChainStruct, Forbid, OfferFlag, Unit, Usage
from ipto.typed_data import ACTIONS, AcceptInvitation, Redirect, encode_type, vault_domain

FOLDER = Path(__file__).resolve().parent.parent / "contracts" / "clear-signing"
OUTPUT = FOLDER / "eip712-ipto-signed-actions.json"
VAULT_OUTPUT = FOLDER / "eip712-ipto-royalty-vault.json"
VAULT_MESSAGES: tuple[type[ChainStruct], ...] = (Redirect, AcceptInvitation)
SCHEMA = "https://eips.ethereum.org/assets/eip-7730/erc7730-v1.schema.json"

_CONTRACT = {"format": "addressName", "params": {"types": ["contract"]}}
_PERSON = {"format": "addressName", "params": {"types": ["wallet", "eoa", "contract"]}}
_RAW = {"format": "raw"}
_DATE = {"format": "date", "params": {"encoding": "timestamp"}}
_SECONDS = {"format": "duration"}
_MILLISECONDS = {"format": "unit", "params": {"base": "s", "decimals": 3}}
_BPS = {"format": "unit", "params": {"base": "%", "decimals": 2}}
_PARTS = {"format": "unit", "params": {"base": "%", "decimals": 4}}


def _enum(name: str) -> dict[str, Any]:
    return {"format": "enum", "params": {"$ref": f"$.metadata.enums.{name}"}}


# What each field is called, and how it is shown. `currency` in the parameters stands for the one of the same structure.
FIELDS: dict[str, tuple[str, dict[str, Any]]] = {
    "account": ("Paid to", _RAW),
    "actor": ("Signed by", _PERSON),
    "after_term": ("When the license ends", _enum("after_term")),
    "allowed": ("May report", _enum("answer")),
    "aspects": ("Parts of the work", _enum("aspects")),
    "attestations": ("Attestations contract", _CONTRACT),
    "card": ("Model card (SHA-256)", _RAW),
    "case_id": ("Dispute", _RAW),
    "cleared": ("Rights you declare to control", _enum("aspects")),
    "closes_at": ("On sale until", _DATE),
    "content": ("Video file (SHA-256)", _RAW),
    "controller": ("Who may approve leaving the split", _PERSON),
    "cultural": ("Cultural notice (SHA-256)", _RAW),
    "curator": ("Curator", _PERSON),
    "curator_fee_bps": ("Curator's fee on top", _BPS),
    "currency": ("Currency", {"format": "tokenTicker"}),
    "dataset_id": ("Dataset", _RAW),
    "datasets": ("Dataset contract", _CONTRACT),
    "deadline": ("Can be carried out until", _DATE),
    "developer": ("Developer", _PERSON),
    "disputes": ("Dispute contract", _CONTRACT),
    "duration_ms": ("Length of the video", _MILLISECONDS),
    "end_ms": ("Scene ends at", _MILLISECONDS),
    "evidence": ("Evidence (SHA-256)", _RAW),
    "flags": ("How it is sold", _enum("flags")),
    "forbids": ("Never allowed", _enum("forbids")),
    "given": ("Sales allowed", _enum("answer")),
    "id": ("Attestation", _RAW),
    "license": ("License", _RAW),
    "licensee": ("Only buyer (zero: anyone)", _PERSON),
    "licensor": ("Offered by", _PERSON),
    "manifest": ("Manifest (SHA-256)", _RAW),
    "market": ("Market contract", _CONTRACT),
    "metadata": ("Metadata document (SHA-256)", _RAW),
    "model": ("Model", _RAW),
    "number": ("Number of the report", _RAW),
    "nonce": ("Number of this signature", _RAW),
    "offer_id": ("Offer", _RAW),
    "opens_at": ("On sale from", _DATE),
    "payee": ("Split that is paid (zero: the owner)", _RAW),
    "price": ("Price", {"format": "tokenAmount", "params": {"tokenPath": "currency", "nativeCurrencyAddress": ETH}}),
    "registry": ("Registry contract", _CONTRACT),
    "report_every": ("Usage reports every", _SECONDS),
    "revenue_share_bps": ("Revenue share", _BPS),
    "root": ("Root of the shares", _RAW),
    "salt": ("Told apart by", _RAW),
    "schema": ("What is attested (SHA-256)", _RAW),
    "settlement": ("Usage contract", _CONTRACT),
    "share": ("Share", _PARTS),
    "start_ms": ("Scene begins at", _MILLISECONDS),
    "steward": ("Community steward (zero: none)", _PERSON),
    "subject": ("About", _RAW),
    "supply": ("Licenses for sale", _RAW),
    "term": ("License lasts", _SECONDS),
    "terms": ("Terms document (SHA-256)", _RAW),
    "to": ("Next steward", _PERSON),
    "unit": ("Usage is counted by", _enum("unit")),
    "unit_price": (
        "Price for each",
        {"format": "tokenAmount", "params": {"tokenPath": "currency", "nativeCurrencyAddress": ETH}},
    ),
    "usages": ("Allowed usages", _enum("usages")),
    "vault": ("Vault contract", _CONTRACT),
    "work": ("Work", _RAW),
}

# The same words mean something else in the vault's messages.
OWN_FIELDS: dict[str, dict[str, tuple[str, dict[str, Any]]]] = {
    "Redirect": {
        "account": ("Whose payments", _PERSON),
        "to": ("Paid to from now on (zero: yourself)", _PERSON),
        "nonce": ("Number of this redirection", _RAW),
    },
    "AcceptInvitation": {"key": ("Invite key", _PERSON), "to": ("Paid to (for good)", _PERSON)},
}

# What signing does, as the headline.
INTENTS = {
    "Redirect": "Have all that you earn paid to another address",
    "AcceptInvitation": "Accept an invitation: its income is yours for good",
    "Onboard": "Register your video, share its income and offer licenses",
    "RegisterWorks": "Register your videos and share their income",
    "PostOffers": "Offer licenses of your works",
    "WithdrawOffer": "Stop offering a license",
    "SetMetadata": "Change what your work says of itself",
    "ApprovePayee": "Agree that another split is paid for a work",
    "AcceptStewardship": "Become the steward of a work",
    "HandOverStewardship": "Hand your stewardship over",
    "SetCultural": "Change the cultural notice of a work",
    "SetConsent": "Allow or stop sales of a work in your care",
    "OpenDataset": "Open a dataset",
    "AddToDataset": "Add works to your dataset",
    "TakeOut": "Take your work out of a dataset",
    "RegisterModel": "Register an AI model of yours",
    "CommitManifest": "Commit to what your model was trained on",
    "AuthorizeReporter": "Allow or stop another to report your usage",
    "BindModel": "Bind a license to one model for good",
    "RestateReport": "Restate a voided usage report",
    "Attest": "Attest something in your name",
    "RevokeAttestation": "Take your attestation back",
    "SubmitEvidence": "Add evidence to a dispute",
    "CancelNonce": "Cancel whatever you signed with this number",
}


def _mask(kind: type[IntFlag]) -> dict[str, str]:
    """Every combination of a mask's bits in words."""
    bits = [(bit.value, str(bit.name).lower().replace("_", " ")) for bit in kind]
    return {
        str(value): ", ".join(word for bit, word in bits if value & bit) or "none" for value in range(1 << len(bits))
    }


def _enums() -> dict[str, dict[str, str]]:
    plain = {
        "unit": {str(item.value): str(item.name).lower().replace("_", " ") for item in Unit},
        "after_term": {
            str(AfterTerm.MODEL_SURVIVES.value): "the model may be used on",
            str(AfterTerm.SUNSET.value): "no new outputs after a grace period",
            str(AfterTerm.RETIRE.value): "the model must be retired",
        },
        "answer": {"true": "yes", "false": "no"},
    }
    masks = {"usages": Usage, "aspects": Aspect, "forbids": Forbid, "flags": OfferFlag}
    return plain | {name: _mask(kind) for name, kind in masks.items()}


def _fields(kind: type[ChainStruct], where: str = "") -> list[dict[str, Any]]:
    """Every field of a structure, nested ones in place."""
    words = FIELDS | OWN_FIELDS.get(kind.__name__, {})
    shown: list[dict[str, Any]] = []
    for spec in kind.fields():
        path = f"{where}{spec.chain_name}{'.[]' if spec.is_array else ''}"
        if spec.struct is not None:
            shown += _fields(spec.struct, f"{path}.")
            continue
        label, format_ = words[spec.chain_name]
        field: dict[str, Any] = {"path": path, "label": label, **format_}
        if "tokenPath" in field.get("params", {}):
            field["params"] = {**field["params"], "tokenPath": f"{where}{field['params']['tokenPath']}"}
        shown.append(field)
    return shown


def _format(kind: type[ChainStruct]) -> dict[str, Any]:
    return {"intent": INTENTS[kind.__name__], "fields": _fields(kind)}


def descriptor(deployments: list[Deployment] | None = None) -> dict[str, Any]:
    """The descriptor of all messages; bound to deployments when there are any."""
    binding: dict[str, Any] = {"domain": {"name": "IPTO", "version": "1"}}
    if deployments:
        binding["deployments"] = [
            {"chainId": item.chain_id, "address": item.address("SignedActions")} for item in deployments
        ]
    return {
        "$schema": SCHEMA,
        "context": {"$id": "IPTO signed actions", "eip712": binding},
        "metadata": {"owner": "IPTO", "contractName": "SignedActions", "enums": _enums()},
        "display": {"formats": {encode_type(kind): _format(kind) for kind in ACTIONS}},
    }


def vault_descriptor(deployments: list[Deployment] | None = None) -> dict[str, Any]:
    """The descriptor of the messages that the vault itself carries out."""
    domain = vault_domain(1, ETH)
    binding: dict[str, Any] = {"domain": {"name": domain.name, "version": domain.version}}
    if deployments:
        binding["deployments"] = [
            {"chainId": item.chain_id, "address": item.address("RoyaltyVault")} for item in deployments
        ]
    return {
        "$schema": SCHEMA,
        "context": {"$id": "IPTO royalty vault", "eip712": binding},
        "metadata": {"owner": "IPTO", "contractName": "RoyaltyVault", "enums": {}},
        "display": {"formats": {encode_type(kind): _format(kind) for kind in VAULT_MESSAGES}},
    }


def _text(content: Any) -> str:
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def build(deployments: list[Deployment] | None = None) -> str:
    """The content of the file for SignedActions."""
    return _text(descriptor(deployments))


def build_vault(deployments: list[Deployment] | None = None) -> str:
    """The content of the file for RoyaltyVault."""
    return _text(vault_descriptor(deployments))


def main(arguments: list[str]) -> int:
    """Write or check."""
    files = {OUTPUT: build(), VAULT_OUTPUT: build_vault()}
    if arguments == ["--check"]:
        return (
            0 if all(file.exists() and file.read_text(encoding="utf-8") == text for file, text in files.items()) else 1
        )
    if arguments and (arguments[0] != "--deployment" or len(arguments) < 2):
        print(__doc__, file=sys.stderr)
        return 2
    deployments = [Deployment.load(Path(path)) for path in arguments[1:]]
    if deployments:
        # For the registry, one after the other; the committed files name no chain.
        print(_text([descriptor(deployments), vault_descriptor(deployments)]), end="")
    else:
        for file, text in files.items():
            file.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
