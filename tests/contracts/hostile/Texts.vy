# pragma version ==0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title The module texts behind external functions.
"""

from contracts.modules import texts


@external
@pure
def base64(text: Bytes[11520]) -> String[15360]:
    return texts._base64(text)


@external
@pure
def hex32(number: uint256) -> String[64]:
    return texts._hex32(number)


@external
@pure
def hex20(account: address) -> String[42]:
    return texts._hex20(account)


@external
@pure
def minute(seconds: uint256) -> String[38]:
    return texts._minute(seconds)
