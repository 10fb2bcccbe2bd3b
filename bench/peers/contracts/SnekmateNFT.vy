# pragma version ==0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title The plainest token a project builds on snekmate's ERC-721
@license GNU Affero General Public License v3.0 only
"""

from snekmate.auth import ownable
from snekmate.tokens import erc721

initializes: ownable
initializes: erc721[ownable := ownable]

exports: erc721.__interface__


@deploy
def __init__():
    ownable.__init__()
    erc721.__init__("Bench", "BENCH", "", "Bench", "1")
