# SPDX-License-Identifier: Apache-2.0
"""Content by its digest: CIDs computed here, and stores whose every answer is checked.

`KuboStore` needs the extra `ipfs` and is imported from `ipto.content.kubo`.
"""

from ipto.content.cid import DAG_PB, RAW, Cid
from ipto.content.local import LocalStore
from ipto.content.store import ContentStore, MissingContentError, StoreUnavailableError, save
from ipto.content.unixfs import DEFAULT_PROFILE, PROFILES, Described, Profile, describe

__all__ = [
    "DAG_PB",
    "DEFAULT_PROFILE",
    "PROFILES",
    "RAW",
    "Cid",
    "ContentStore",
    "Described",
    "LocalStore",
    "MissingContentError",
    "Profile",
    "StoreUnavailableError",
    "describe",
    "save",
]
