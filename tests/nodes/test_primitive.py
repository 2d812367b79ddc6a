"""Values typed by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.define import spec_of
from nodes.primitive import (
    LIMIT,
    custom_combo,
    primitive_boolean,
    primitive_float,
    primitive_int,
    primitive_string,
    primitive_string_multiline,
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


def test_a_choice_of_ones_own_takes_any_text_and_goes_where_choices_go():
    [wanted] = spec_of(custom_combo).inputs
    assert (wanted.type, wanted.widget.kind, custom_combo("red")) == ("COMBO", "text", "red")
