# SPDX-License-Identifier: Apache-2.0
"""State machines whose steps have weights.

Hypothesis switches rules off at random in each run and gives the rest equal chances; with a few runs of a long script
(claim, offer, sale, payout) hardly any gets to its end. Here one rule draws which step comes next.
"""

from __future__ import annotations

import atexit
import json
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import boa
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

_FOLDER = os.environ.get("IPTO_STEPS")  # where a campaign wants to find how many steps were taken
_steps: Counter[str] = Counter()
if _FOLDER:
    atexit.register(lambda: Path(_FOLDER, f"{os.getpid()}.json").write_text(json.dumps(_steps)))

F = TypeVar("F", bound=Callable[..., None])


def step(weight: int = 1, when: Callable[[Any], Any] = lambda _: True, **arguments: Any) -> Callable[[F], F]:
    """Mark a method as a step. when: whether it makes sense now. arguments: a strategy for each parameter."""

    def mark(method: F) -> F:
        method.__dict__["step"] = (weight, when, arguments)
        return method

    return mark


class Machine(RuleBasedStateMachine):
    """Runs its steps in any order; the chain is as before when it is done."""

    def __init__(self) -> None:
        super().__init__()
        self._anchor = boa.env.anchor()
        self._anchor.__enter__()

    def teardown(self) -> None:
        try:
            self.finish()
        finally:
            self._anchor.__exit__(None, None, None)

    def finish(self) -> None:
        """What must hold at the end."""

    @rule(data=st.data())
    def next_step(self, data: st.DataObject) -> None:
        """Draw a step by weight, then its arguments."""
        marked = {name: getattr(getattr(type(self), name), "step", None) for name in dir(type(self))}
        names = [name for name, found in marked.items() if found and found[1](self) for _ in range(found[0])]
        name = data.draw(st.sampled_from(names), label="step")
        strategies = marked[name][2]
        arguments = {key: data.draw(strategy, label=key) for key, strategy in strategies.items()}
        getattr(self, name)(**arguments)
        _steps[type(self).__name__] += 1
