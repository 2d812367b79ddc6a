import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.errors import WorkflowError
from graph.fitting import fitted
from graph.node import Input, Widget

STEPS = Input("steps", "INT", Widget("number", low=1, high=50))
CFG = Input("cfg", "FLOAT", Widget("number", low=0, high=100))
TEXT = Input("text", "STRING", Widget("text"))
SWITCH = Input("add_noise", "BOOLEAN", Widget("toggle"))
CHOICE = Input("method", "COMBO", Widget("choice", options=("area", "7")))
IMAGE = Input("image", "IMAGE")


@pytest.mark.parametrize(
    ("wanted", "value", "expected"),
    [
        (STEPS, 2.0, 2),
        (STEPS, "8", 8),
        (STEPS, "1e2", 100),
        (STEPS, True, 1),
        (CFG, "4.5", 4.5),
        (CFG, 4, 4),
        (TEXT, 2024, "2024"),
        (TEXT, True, "true"),
        (SWITCH, "false", False),
        (SWITCH, " Yes", True),
        (SWITCH, 0, False),
        (CHOICE, 7, "7"),
        (CHOICE, "lanczos", "lanczos"),
        (IMAGE, 7, 7),
    ],
)
def test_a_value_that_a_link_brought_becomes_what_it_plainly_means(wanted, value, expected):
    found = fitted(wanted, value, wanted.name)
    assert (type(found), found) == (type(expected), expected)


@pytest.mark.parametrize(
    ("wanted", "value", "message"),
    [
        (STEPS, 4.5, "steps is 4.5, but must be a whole number."),
        (CFG, "red", "cfg is 'red', but must be a number."),
        (SWITCH, "perhaps", "add_noise is 'perhaps', but must be true or false."),
    ],
)
def test_a_value_that_means_nothing_there_is_refused_in_a_sentence(wanted, value, message):
    with pytest.raises(WorkflowError) as caught:
        fitted(wanted, value, wanted.name)
    assert (caught.value.message, caught.value.input) == (message, wanted.name)


@given(st.integers(-1000, 1000))
def test_limits_are_those_of_what_is_typed(number):
    assert fitted(STEPS, number, "steps") == number


@given(st.lists(st.integers(1, 50)))
def test_each_value_of_a_whole_list_is_fitted(numbers):
    every = Input("steps", "INT", Widget("number"), takes_list=True)
    assert fitted(every, [str(number) for number in numbers], "steps") == numbers


@given(st.none() | st.binary() | st.dictionaries(st.text(), st.integers()))
def test_what_is_not_simple_stays_as_it_is(value):
    assert fitted(STEPS, value, "steps") is value
