"""Limits in signatures are those that hypothesis draws from."""

from typing import Annotated, Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from graph.node import Widget
from graph.widgets import Fields, OneOf, Range, Rolls, Seed


@given(st.from_type(Annotated[int, Range(1, 150)]))  # type: ignore[arg-type]
def test_drawn_whole_numbers_lie_within_the_range(value: int):
    assert 1 <= value <= 150


@given(st.from_type(Annotated[float, Range(0, 1, step=0.01)]))  # type: ignore[arg-type]
def test_drawn_numbers_lie_within_the_range(value: float):
    assert 0 <= value <= 1


@given(st.from_type(Seed))
def test_drawn_seeds_have_64_bits(value: int):
    assert 0 <= value < 2**64


@given(st.from_type(Annotated[int, Range(low=5)]))  # type: ignore[arg-type]
def test_a_range_may_be_open_above(value: int):
    assert value >= 5


@given(st.from_type(Annotated[int, Rolls(-3, 3)]))  # type: ignore[arg-type]
def test_what_rolls_may_be_negative(value: int):
    assert -3 <= value <= 3


def test_a_choice_takes_the_keys_of_a_table():
    table: dict[str, Any] = {"euler": len, "heun": len}
    assert OneOf(table).options == ("euler", "heun")


def test_equal_metadata_is_equal_and_hashable():
    assert len({OneOf(["a"]), OneOf(("a",)), Fields("ab"), Fields(["a", "b"])}) == 2


def test_the_limits_of_a_seed_survive_json():
    limits = Widget("seed", 0, 2**64 - 1)
    assert msgspec.json.decode(msgspec.json.encode(limits), type=Widget) == limits
