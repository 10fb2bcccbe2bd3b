# SPDX-License-Identifier: Apache-2.0
"""Hypothesis strategies for the chain's structures, drawn from their own field tables."""

import itertools
from typing import Any

from hypothesis import strategies as st

from ipto._struct import ChainStruct, FieldSpec
from ipto.ids import address_account
from ipto.structs import MAX_SHARES, SHARE_TOTAL, Share, checksum_address

addresses = st.binary(min_size=20, max_size=20).map(lambda raw: checksum_address("0x" + raw.hex()))
actors = addresses.filter(lambda address: int(address, 16) != 0)
digests = st.binary(min_size=32, max_size=32)


def uints(bits: int) -> st.SearchStrategy[int]:
    """Integers of a width, its ends often."""
    top = (1 << bits) - 1
    return st.one_of(st.sampled_from([0, 1, top - 1, top]), st.integers(0, top))


def structures(kind: type[ChainStruct]) -> st.SearchStrategy[Any]:
    """Any value of a structure."""
    return st.builds(kind, **{spec.name: _field(spec) for spec in kind.fields()})


def _field(spec: FieldSpec) -> st.SearchStrategy[Any]:
    if spec.struct is not None:
        inner = structures(spec.struct)
        return st.lists(inner, max_size=min(3, spec.max_items)).map(tuple) if spec.is_array else inner
    if spec.abi == "address":
        return addresses
    if spec.abi == "bool":
        return st.booleans()
    return digests if spec.abi == "bytes32" else uints(int(spec.abi.removeprefix("uint")))


@st.composite
def splits(draw: st.DrawFn) -> tuple[Share, ...]:
    """A valid split among addresses."""
    people = draw(st.lists(actors, min_size=1, max_size=MAX_SHARES, unique_by=lambda a: int(a, 16)))
    cuts = draw(
        st.lists(st.integers(1, SHARE_TOTAL - 1), min_size=len(people) - 1, max_size=len(people) - 1, unique=True)
    )
    edges = [0, *sorted(cuts), SHARE_TOTAL]
    parts = [after - before for before, after in itertools.pairwise(edges)]
    accounts = sorted(address_account(person) for person in people)
    return tuple(Share(account, part) for account, part in zip(accounts, parts, strict=True))
