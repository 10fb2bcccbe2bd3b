# SPDX-License-Identifier: Apache-2.0
"""How hard hypothesis tries. HYPOTHESIS_PROFILE=long for the long run; without it the same cases every time.
IPTO_EFFORT: how many times as many cases in the long run.

With "first" they are the same cases as well, but a failure is reported as it is found, not made smaller before.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
TIMES = int(os.environ.get("IPTO_EFFORT", "40")) if LONG else 1
FIRST = os.environ.get("HYPOTHESIS_PROFILE") == "first"
_QUIET = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]


def effort(examples: int = 25, steps: int = 30) -> settings:
    """Settings for a property of `examples` cases, or a state machine of that many runs of `steps` steps."""
    return settings(
        max_examples=examples * TIMES,
        stateful_step_count=steps * (2 if LONG else 1),
        deadline=None,
        suppress_health_check=_QUIET,
        derandomize=not LONG,
        database=None,
        phases=[Phase.explicit, Phase.generate] if FIRST else list(Phase),
    )
