# SPDX-License-Identifier: Apache-2.0
"""commit_manifest: what a model was trained on, for good."""

from ipto.structs import ZERO32, ZERO_ADDRESS
from tests.contracts.support.build import digest
from tests.contracts.support.contract import reverts
from tests.contracts.support.system import now, travel
from tests.contracts.support.usage import Usage


def test_the_moment_is_kept(usage: Usage) -> None:
    manifest = digest()
    usage.contract.commit_manifest(usage.developer, usage.model, manifest, sender=usage.developer)
    (event,) = usage.contract.events("ManifestCommitted")
    assert event == {"model": usage.model, "manifest": manifest, "developer": usage.developer}
    committed = now()
    travel(100)
    assert usage.contract.committed_at(usage.model, manifest) == committed


def test_many_each_once(usage: Usage) -> None:
    for manifest in (first := digest(), digest()):
        usage.contract.commit_manifest(usage.developer, usage.model, manifest, sender=usage.developer)
    with reverts("usage: manifest committed already"):
        usage.contract.commit_manifest(usage.developer, usage.model, first, sender=usage.developer)


def test_by_the_models_developer(usage: Usage) -> None:
    thief = usage.system.thief
    with reverts("usage: not the model's developer"):
        usage.contract.commit_manifest(thief, usage.model, digest(), sender=thief)
    with reverts("usage: not the actor"):
        usage.contract.commit_manifest(usage.developer, usage.model, digest(), sender=thief)
    usage.contract.commit_manifest(usage.developer, usage.model, digest(), sender=usage.system.signed.address)


def test_of_a_model_there_is(usage: Usage) -> None:
    with reverts("usage: not the model's developer"):
        usage.contract.commit_manifest(usage.developer, digest(), digest(), sender=usage.developer)


def test_nobody_is_not_the_developer_of_no_model(usage: Usage) -> None:
    """The zero address is nobody's actor, not even SignedActions'."""
    with reverts("usage: not the model's developer"):
        usage.contract.commit_manifest(ZERO_ADDRESS, digest(), digest(), sender=usage.system.signed.address)


def test_a_manifest_there_must_be(usage: Usage) -> None:
    with reverts("usage: manifest is zero"):
        usage.contract.commit_manifest(usage.developer, usage.model, ZERO32, sender=usage.developer)


def test_what_was_never_committed(usage: Usage) -> None:
    assert usage.contract.committed_at(usage.model, digest()) == 0
