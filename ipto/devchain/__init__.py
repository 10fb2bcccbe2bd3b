# SPDX-License-Identifier: Apache-2.0
"""An Ethereum chain on this machine: anvil, found or downloaded, started and surely ended.

with DevChain() as chain:
    chain.rpc.block_number(), chain.signers[0]
"""

from ipto.devchain.accounts import MNEMONIC, dev_signer, dev_signers
from ipto.devchain.binary import DevChainError, find_anvil
from ipto.devchain.chain import DEV_CHAIN_ID, DevChain

__all__ = ["DEV_CHAIN_ID", "MNEMONIC", "DevChain", "DevChainError", "dev_signer", "dev_signers", "find_anvil"]
