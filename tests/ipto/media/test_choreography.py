# SPDX-License-Identifier: Apache-2.0
"""Choreography: from joints to windows, codes and bytes, and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipto.errors import InputError
from ipto.media.choreography import BONES, Choreography, Stretch, compute, decode, mirrored, movements
from ipto.media.pose import Joints
from tests.support.dancers import dancer, mirror, recorded


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_mirror_twice_gives_the_same(seed: int) -> None:
    directions = np.random.default_rng(seed).normal(size=(5, len(BONES), 3)).astype(np.float32)
    assert np.array_equal(mirrored(mirrored(directions)), directions)


def test_a_mirrored_query_is_the_mirrored_film() -> None:
    film, copy = compute(recorded("first")), compute(mirror(recorded("first")))
    assert np.einsum("ij,ij->i", film.windows(mirrored=True).rows, copy.windows().rows).min() > 0.99


def test_the_binary_file_is_read_back_as_it_was_written() -> None:
    film = compute(recorded("first"))
    again = decode(film.encode())
    assert again.encode() == film.encode()
    assert len(film.windows()) > 10
    assert np.array_equal(again.windows().rows, film.windows().rows)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=120), st.integers(0, 400))
def test_damaged_files_are_refused_in_words(noise: bytes, at: int) -> None:
    good = compute(dancer(1, 5)).encode()
    for data in (noise, good[:at], good + b"x", good[:12] + noise + good[12:]):
        if data != good:
            with pytest.raises(InputError):
                decode(data)


def test_a_stretch_that_begins_before_another_ends_is_refused() -> None:
    stretch = compute(dancer(1, 5)).stretches[0]
    twice = Choreography((stretch, Stretch(100, stretch.directions, stretch.valid)))
    with pytest.raises(InputError, match="impossible times"):
        decode(twice.encode())


def test_whoever_stands_is_never_recognised() -> None:
    moving = dancer(3, 10)
    still = np.repeat(moving.places[:1], len(moving), axis=0)
    still = still + np.random.default_rng(1).normal(0, 0.01, still.shape).astype(np.float32)
    assert len(compute(Joints(still, moving.visibility, moving.spots)).windows()) == 0
    assert len(compute(moving).windows()) > 0


def test_whoever_repeats_one_movement_is_not_recognised() -> None:
    moving = dancer(4, 10)
    once = moving.places[40:64]
    there_and_back = np.concatenate([once[:12], once[:12][::-1]])
    again = np.tile(there_and_back, (5, 1, 1))
    spots = np.tile(moving.spots[:24], (5, 1, 1))
    assert len(compute(Joints(again, np.ones(again.shape[:2], np.float32), spots)).windows()) == 0


def test_people_who_are_hardly_seen_are_not_recognised() -> None:
    moving = dancer(5, 8)
    assert compute(Joints(moving.places, moving.visibility * 0.3, moving.spots)).stretches == ()
    far = Joints(moving.places, moving.visibility, moving.spots * 0.1)
    assert compute(far).stretches == ()


def test_a_joint_lost_for_a_moment_changes_little() -> None:
    whole = dancer(6, 8)
    visibility = whole.visibility.copy()
    visibility[30:34, 4] = 0
    lost = compute(Joints(whole.places, visibility, whole.spots)).windows()
    kept = compute(whole).windows()
    assert np.array_equal(lost.start_ms, kept.start_ms)
    assert np.einsum("ij,ij->i", lost.rows, kept.rows).min() > 0.9


@pytest.mark.parametrize("tempo", [0.75, 1.3])
def test_a_window_follows_the_tempo(tempo: float) -> None:
    slow, known = compute(dancer(7, 14, tempo)), compute(dancer(7, 14))
    asked = slow.windows(1 / tempo)
    best = (asked.rows @ known.windows().rows.T).max(axis=1)
    assert np.median(best) > 0.95


def test_codes_are_the_signs_and_movements_come_back_from_rows() -> None:
    windows = compute(recorded("first")).windows()
    assert windows.codes().shape == (len(windows), 32)
    assert np.array_equal(np.unpackbits(windows.codes(), axis=1).astype(bool), windows.rows >= 0)
    assert np.allclose((movements(windows.rows) ** 2).sum((1, 2)), 1, atol=1e-4)
