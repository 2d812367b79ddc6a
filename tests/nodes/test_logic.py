"""Values typed by hand, and the switch."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.define import spec_of
from graph.lazy import Lazy
from nodes.logic import (
    LIMIT,
    concatenate,
    primitive_boolean,
    primitive_float,
    primitive_int,
    primitive_string,
    primitive_string_multiline,
    replace,
    switch,
)

PRIMITIVES = (primitive_int, primitive_float, primitive_string, primitive_string_multiline, primitive_boolean)


@pytest.mark.parametrize("function", PRIMITIVES)
@given(value=st.integers(-LIMIT, LIMIT))
def test_a_primitive_passes_its_value_on(function, value: int):
    assert function(value) == value


def test_primitives_are_called_as_in_the_field():
    assert [spec_of(each).type for each in PRIMITIVES] == [
        "PrimitiveInt",
        "PrimitiveFloat",
        "PrimitiveString",
        "PrimitiveStringMultiline",
        "PrimitiveBoolean",
    ]


def test_a_typed_whole_number_can_roll_between_runs():
    widget = spec_of(primitive_int).inputs[0].widget
    assert (widget.kind, widget.low, widget.high) == ("seed", -LIMIT, LIMIT)


@pytest.mark.parametrize(("on", "passed"), [(True, "yes"), (False, "no")])
async def test_a_switch_passes_one_of_two_on(on: bool, passed: str):
    assert await switch(on, on_false=Lazy.of("no"), on_true=Lazy.of("yes")) == passed


async def test_a_switch_never_computes_the_other():
    async def explode() -> int:
        raise AssertionError("computed")

    assert await switch(True, on_false=Lazy(explode), on_true=Lazy.of(1)) == 1


def test_two_texts_are_joined():
    assert concatenate("a", "b", ", ") == "a, b"


def test_a_text_is_replaced_wherever_it_occurs():
    assert replace("a cat, a dog", "a ", "one ") == "one cat, one dog"
