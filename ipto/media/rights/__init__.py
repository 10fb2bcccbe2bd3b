# SPDX-License-Identifier: Apache-2.0
"""Rights in the file: one statement from the terms documents, written into and read from every format in use.

`of_terms` → `xmp`, `rsl`, `web` (schema.org, Croissant, TDMRep, ERC-7517, CAWG), `provenance` (C2PA) → `read_signals`.
"""

from ipto.media.rights.signals import Signals, read_signals
from ipto.media.rights.statement import Answer, Statement, Use, merge, of_terms

__all__ = ["Answer", "Signals", "Statement", "Use", "merge", "of_terms", "read_signals"]
