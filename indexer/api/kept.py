# SPDX-License-Identifier: Apache-2.0
"""Answers kept as long as they are the answer: an answer is a function of the question and of the database, some also
of the second. When anything is committed to the database, nothing that was kept before is used again."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import NamedTuple

from indexer.api.answers import Answer, Keep

_OVERHEAD = 500  # bytes of an entry besides body and question

State = int | str
Question = tuple[str, bytes]  # path and query


class _Entry(NamedTuple):
    state: State
    second: int  # 0: of any
    answer: Answer
    size: int


class Kept:
    """At most so many bytes of answers; the ones not asked for longest go first. Used from any thread."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._bytes = 0
        self._entries: OrderedDict[Question, _Entry] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def on(self) -> bool:
        """Whether anything is kept."""
        return self._most > 0

    @property
    def bytes(self) -> int:
        """What is held."""
        return self._bytes

    def find(self, question: Question, state: State) -> Answer | None:
        """The answer, if it is still one."""
        with self._lock:
            entry = self._entries.get(question)
            if entry is None or entry.state != state or (entry.second and entry.second != int(time.time())):
                return None
            self._entries.move_to_end(question)
            return entry.answer

    def keep(self, question: Question, state: State, second: int, answer: Answer) -> None:
        """Keep an answer that was made while the database was in `state`, begun in `second`."""
        if answer.keep is Keep.NEVER or answer.status != 200:
            return
        size = len(answer.body) + len(question[0]) + len(question[1]) + _OVERHEAD
        # One answer must not push out all others.
        if size > self._most // 8:
            return
        entry = _Entry(state, second if answer.keep is Keep.SECOND else 0, answer, size)
        with self._lock:
            before = self._entries.pop(question, None)
            self._entries[question] = entry
            self._bytes += size - (before.size if before else 0)
            while self._bytes > self._most:
                _, gone = self._entries.popitem(last=False)
                self._bytes -= gone.size
