# SPDX-License-Identifier: Apache-2.0
"""The relayer: carries signed actions to the chain and pays their gas, so that creators need none."""

__version__ = "0.1.0"
