# SPDX-License-Identifier: Apache-2.0
"""What operators and clients may know about the relayer's condition."""

from __future__ import annotations

import asyncio
from typing import Any

import relayer
from ipto.chain import Deployment
from ipto.rpc import RpcError, RpcTransportError, quantity
from relayer.service import Service


class Status:
    """Readiness and the status report."""

    def __init__(self, service: Service, deployment: Deployment) -> None:
        self._service = service
        self._deployment = deployment

    async def not_ready(self) -> list[str]:
        """Why actions are not accepted or not sent now; empty when all is well."""
        sender, reasons = self._service.sender, []
        if not sender.is_running:
            reasons.append("the sender is not running")
        try:
            if await self._service.rpc.chain_id() != self._service.settings.chain_id:
                reasons.append("the node is on another chain")
        except (RpcError, RpcTransportError) as error:
            reasons.append(f"the node does not answer: {error}")
        reasons += [f"lane {address}: {why}" for address, why in sender.errors.items()]
        reasons += [lane.notice for lane in sender.lanes if lane.notice]
        return reasons

    async def report(self) -> dict[str, Any]:
        """Everything at a glance; nothing secret."""
        service, settings = self._service, self._service.settings
        lanes = []
        for lane in service.sender.lanes:
            try:
                balance = str(quantity(await service.rpc.call("eth_getBalance", lane.address, "latest")))
            except (RpcError, RpcTransportError):
                balance = None
            lanes.append(
                {
                    "address": lane.address,
                    "balance_wei": balance,
                    "notice": lane.notice,
                    "error": service.sender.errors.get(lane.address),
                }
            )
        return {
            "version": relayer.__version__,
            "chain_id": settings.chain_id,
            "contracts": self._deployment.contracts,
            "confirmations": settings.confirmations,
            "deadline": {"least_seconds": settings.deadline_margin, "most_seconds": settings.deadline_horizon},
            "currencies": list(service.currencies),
            "accepting": not service.sender.lanes[0].is_stopped(),
            "lanes": lanes,
            **await asyncio.to_thread(service.queue.summary, service.now()),
        }
