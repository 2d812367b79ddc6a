import pytest

from graph.errors import WorkflowError
from graph.mapping import all_blocked, blocker, call_count, differ, one_call, pieces
from graph.node import Blocked, From, Output, Result

ONE = (Output("a", "INT"),)
LIST = (Output("a", "INT", gives_list=True),)


@pytest.mark.parametrize(
    ("arrived", "whole", "count"),
    [
        ({}, (), 1),
        ({"a": (1,)}, (), 1),
        ({"a": (1, 2, 3), "b": (1,)}, (), 3),
        ({"a": (1, 2, 3), "b": (1, 2)}, ("a",), 2),
        ({"a": ()}, ("a",), 1),
    ],
)
def test_the_longest_list_decides_how_often_a_node_is_called(arrived, whole, count):
    assert call_count(arrived, whole) == count


def test_an_empty_list_is_an_error():
    with pytest.raises(WorkflowError, match="'b' is empty"):
        call_count({"a": (1, 2), "b": ()}, ())


def test_a_call_takes_its_own_item_or_the_last_and_lists_whole_where_wanted():
    arrived = {"a": (1, 2, 3), "b": (4, 5), "c": (6, 7)}
    assert one_call(arrived, {"c"}, 2) == {"a": 3, "b": 5, "c": [6, 7]}


@pytest.mark.parametrize(
    ("lengths", "told"), [((3, 3), False), ((3, 1), False), ((3, 2), True), ((1, 1), False)]
)
def test_lengths_that_differ_are_told_unless_one_of_them_is_one(lengths, told):
    assert differ({str(place): (0,) * length for place, length in enumerate(lengths)}, ()) is told


def test_a_blocker_is_found_in_a_value_and_in_a_list_taken_whole():
    assert blocker({"a": 1, "b": Blocked("no")}, ()) == Blocked("no")
    assert blocker({"a": [1, Blocked()]}, {"a"}) == Blocked()
    assert blocker({"a": [1, Blocked()]}, ()) is None


@pytest.mark.parametrize(
    ("result", "outputs", "expected"),
    [
        (Result((5,)), ONE, [(5,)]),
        (Result(), ONE, [(None,)]),
        (Result(([1, 2],)), ONE, [([1, 2],)]),
        (Result(([1, 2],)), LIST, [(1, 2)]),
        (Result((Blocked(),)), LIST, [(Blocked(),)]),
        (Result((From("x", "y"),)), LIST, [From("x", "y")]),
        (Blocked("why"), ONE, [(Blocked(),)]),
    ],
)
def test_what_a_call_adds_to_an_output(result, outputs, expected):
    assert pieces(result, outputs) == expected


@pytest.mark.parametrize(
    ("arrived", "told"),
    [
        ({"a": (1,)}, False),
        ({"a": (Blocked(),), "b": (1, 2)}, True),
        ({"a": (Blocked(), 1)}, False),
        ({"a": (Blocked(), 1), "b": (1, Blocked())}, True),
        ({"a": (Blocked(),), "b": ()}, False),
    ],
)
def test_a_node_is_passed_over_when_every_call_meets_a_blocker(arrived, told):
    assert all_blocked(arrived, ()) is told
