# SPDX-License-Identifier: Apache-2.0
"""Events that change no projection, each with the reason. They are kept raw like all others: `/v1/events`, the stream
and webhooks show them. A test makes sure that every event of an indexed contract has a handler or stands here.
"""

from __future__ import annotations

_OWNER = "who administers a contract is asked of the contract; no answer of the API depends on it"
_APPROVAL = "who may move a token is a question for the chain, at the moment of moving it"
_REFRESH = "tells marketplaces to fetch a token's metadata again; what changed has an event of its own"

_OWNABLE = ("WorkRegistry", "LicenseMarket", "DatasetMarket", "PanelArbiter", "SignedActions")
_TOKENS = ("WorkRegistry", "LicenseMarket", "DatasetMarket")

RAW: dict[tuple[str, str], str] = {
    **{(name, event): _OWNER for name in _OWNABLE for event in ("OwnershipTransferred", "OwnershipTransferStarted")},
    **{(name, event): _APPROVAL for name in _TOKENS for event in ("Approval", "ApprovalForAll")},
    **{(name, "MetadataUpdate"): _REFRESH for name in _TOKENS},
    ("WorkRegistry", "Commit"): "the registration again, in the form of ERC-7053 for readers of provenance",
    ("WorkRegistry", "PayeeApproved"): "a consent that counts only once PayeeSet follows, which is projected",
    ("PanelArbiter", "FeeShared"): "the vault's Booked of the same transaction tells who got what",
    ("Receivers", "Flushed"): "the vault's Credited of the same transaction tells the same amount",
    (
        "SignedActions",
        "ActionFailed",
    ): "nothing happened on chain; whoever sent the batch has the reason from its relayer",
}
