# SPDX-License-Identifier: Apache-2.0
"""OpenAPI links: how what one operation answers is asked of another. For tools that follow them, and for readers."""

from __future__ import annotations

from typing import Any

_FIRST = "$response.body#/items/0/"
_SELF = "$response.body#/"

# operation → (operation to ask next, its parameter, where in the answer the parameter stands)
_LINKS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "listWorks": (
        ("getWork", "work", f"{_FIRST}id"),
        ("getEarnings", "work", f"{_FIRST}id"),
        ("listWorks", "owner", f"{_FIRST}owner"),
        ("listWorks", "cursor", f"{_SELF}next"),
    ),
    "getWork": (
        ("listOffers", "work", f"{_SELF}id"),
        ("listLicenses", "work", f"{_SELF}id"),
        ("listDatasetLicenses", "work", f"{_SELF}id"),
        ("listUsagePayments", "work", f"{_SELF}id"),
        ("listEvents", "work", f"{_SELF}id"),
        ("getAccount", "account", f"{_SELF}payee/account"),
    ),
    "listOffers": (("getOffer", "offer", f"{_FIRST}id"), ("listOffers", "currency", f"{_FIRST}price/currency")),
    "getOffer": (("listLicenses", "offer", f"{_SELF}id"), ("getWork", "work", f"{_SELF}work")),
    "listLicenses": (("getLicense", "license", f"{_FIRST}id"), ("listLicenses", "cursor", f"{_SELF}next")),
    "getLicense": (("listReports", "license", f"{_SELF}id"), ("listDuties", "license", f"{_SELF}id")),
    "listDatasets": (("getDataset", "dataset", f"{_FIRST}id"), ("listMembers", "dataset", f"{_FIRST}id")),
    "getDataset": (("listDatasetLicenses", "dataset", f"{_SELF}id"),),
    "listDatasetLicenses": (
        ("getDatasetLicense", "license", f"{_FIRST}id"),
        ("listCovered", "license", f"{_FIRST}id"),
    ),
    "listModels": (("getModel", "model", f"{_FIRST}id"),),
    "getModel": (("listReports", "model", f"{_SELF}id"),),
    "listReports": (("getReport", "report", f"{_FIRST}id"),),
    "getReport": (("listUsagePayments", "report", f"{_SELF}id"),),
    "listDisputes": (("getDispute", "case", f"{_FIRST}id"),),
    "listAttestations": (
        ("getAttestation", "attestation", f"{_FIRST}id"),
        ("listWorks", "verified_by", f"{_FIRST}attester"),
    ),
    "listSplits": (("getSplit", "split", f"{_FIRST}split"),),
    "getAccount": (("listLedger", "account", f"{_SELF}account/account"),),
    "listPayouts": (("getAccount", "account", f"{_FIRST}account/account"),),
}


def add_links(description: dict[str, Any]) -> None:
    """Write the links into an OpenAPI description."""
    for item in description["paths"].values():
        for operation in item.values():
            links = {
                f"{target}By{parameter.title()}": {"operationId": target, "parameters": {parameter: where}}
                for target, parameter, where in _LINKS.get(operation["operationId"], ())
            }
            if links:
                operation["responses"]["200"]["links"] = links
