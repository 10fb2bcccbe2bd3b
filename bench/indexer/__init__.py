# SPDX-License-Identifier: Apache-2.0
"""How fast the indexer reads a chain and answers, beside Ponder and Envio on the same chain: `make bench-indexer`."""
