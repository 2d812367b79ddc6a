from functools import partial
from operator import ge

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diffusion.keyframes import CURVES, Keyframe, Keyframes, interpolated, spread

PART = st.floats(0, 1)
FRAMES = st.lists(st.builds(Keyframe, PART, st.floats(-20, 20)), max_size=6)
CURVE = st.sampled_from(sorted(CURVES))


def strength(frames, now):
    return Keyframes().and_also(*frames).strength(partial(ge, now))


@given(PART)
def test_without_keyframes_the_strength_is_1(now):
    assert Keyframes().strength(partial(ge, now)) == 1.0
    assert Keyframes().strengths == {1.0}


@settings(max_examples=20)
@given(FRAMES.filter(bool), PART)
def test_the_latest_keyframe_that_is_reached_holds_and_before_all_the_first(frames, now):
    before = [frame for frame in frames if frame.start <= now]
    first = min(frame.start for frame in frames)
    start = max((frame.start for frame in before), default=first)
    last_given = [frame for frame in frames if frame.start == start]
    assert strength(frames, now) == (last_given[-1] if before else last_given[0]).strength


@settings(max_examples=20)
@given(FRAMES, FRAMES, PART)
def test_adding_keyframes_one_after_another_is_adding_them_at_once(some, more, now):
    assert Keyframes().and_also(*some).and_also(*more).frames == Keyframes().and_also(*some, *more).frames


@settings(max_examples=20)
@given(st.lists(st.floats(0, 1), min_size=2, max_size=9), PART, PART)
def test_strengths_are_spread_evenly_from_one_part_to_another(strengths, start, end):
    frames = spread(strengths, start, end)
    gap = (end - start) / (len(strengths) - 1)
    assert [frame.strength for frame in frames] == strengths
    assert [frame.start for frame in frames] == pytest.approx(
        [start + gap * place for place in range(len(frames))]
    )


def test_a_single_strength_stands_at_the_start():
    assert (spread([0.5], 0.2, 0.8), spread([], 0.2, 0.8)) == ((Keyframe(0.2, 0.5),), ())


@settings(max_examples=20)
@given(CURVE, st.integers(2, 9), st.floats(0, 10), st.floats(0, 10))
def test_strengths_go_from_the_first_to_the_last_without_turning_back(curve, count, low, high):
    frames = interpolated(Keyframe(0.1, low), Keyframe(0.9, high), count, curve)
    strengths = [frame.strength for frame in frames]
    assert len(frames) == count
    assert (frames[0], frames[-1].start) == (Keyframe(0.1, low), pytest.approx(0.9))
    assert strengths[-1] == pytest.approx(high)
    assert strengths == pytest.approx(sorted(strengths, reverse=high < low))


@given(PART)
def test_slow_at_last_is_slow_at_first_seen_from_the_end(part):
    assert CURVES["ease_out"](part) == pytest.approx(1 - CURVES["ease_in"](1 - part))
    assert CURVES["ease_in_out"](part) == pytest.approx(1 - CURVES["ease_in_out"](1 - part))
    assert CURVES["linear"](part) == part
