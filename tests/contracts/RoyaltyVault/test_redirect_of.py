# SPDX-License-Identifier: Apache-2.0
"""redirect_of: zero until the owner of an account says otherwise."""

from ipto.structs import ZERO_ADDRESS
from tests.contracts.support.system import System


def test_follows_the_last_word(system: System) -> None:
    assert system.vault.redirect_of(system.editor) == ZERO_ADDRESS
    for to in (system.heir, system.keeper, ZERO_ADDRESS):
        system.vault.redirect(to, sender=system.editor)
        assert system.vault.redirect_of(system.editor) == to
