"""How far positions may be committed."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from penstock.sdk.watermark import Watermark


@given(gaps=st.lists(st.integers(1, 3), min_size=1, max_size=40), seed=st.integers(0, 1000))
def test_the_position_is_that_of_the_first_record_that_is_not_done(gaps: list[int], seed: int) -> None:
    watermark, positions = Watermark(), [sum(gaps[: i + 1]) for i in range(len(gaps))]
    marks = [watermark.read(position) for position in positions]
    order = marks[:]
    random.Random(seed).shuffle(order)
    committed = 0
    for mark in order:
        mark.done = True
        moved = watermark.advance()
        if moved is not None:
            assert moved > committed
            committed = moved
            watermark.committed(moved)
        unfinished = [m.position for m in marks if not m.done]
        done_before = [m.position for m in marks if not unfinished or m.position < unfinished[0]]
        assert committed == (done_before[-1] + 1 if done_before else 0)


def test_what_was_committed_is_not_committed_again() -> None:
    watermark = Watermark()
    watermark.read(4).done = True
    assert watermark.advance() == 5
    assert watermark.advance() == 5
    watermark.committed(5)
    assert watermark.advance() is None
