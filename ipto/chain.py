# SPDX-License-Identifier: Apache-2.0
"""Contracts on a chain: compiled artifacts, deployments, typed calls, logs and transactions.

    deployment = Deployment.load(31337)
    market = deployment.contract("LicenseMarket", Rpc(url))
    total, fee, acknowledged = market.call("quote", offer)

Everything is read from the compiled ABI; the modules behind this page are private.
"""

from ipto._abi import Abi, Event, Function, Param
from ipto._contract import Artifact, Contract, EventLog, abi, artifact, call_data, topics_of
from ipto._transactions import (
    Receipt,
    RevertedError,
    TransactionError,
    TransactionTimeoutError,
    send,
    wait_for_receipt,
)
from ipto.deployment import Deployment, Token

__all__ = [
    "Abi",
    "Artifact",
    "Contract",
    "Deployment",
    "Event",
    "EventLog",
    "Function",
    "Param",
    "Receipt",
    "RevertedError",
    "Token",
    "TransactionError",
    "TransactionTimeoutError",
    "abi",
    "artifact",
    "call_data",
    "send",
    "topics_of",
    "wait_for_receipt",
]
