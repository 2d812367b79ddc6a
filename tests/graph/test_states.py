from graph.states import States
from graph.workflow import Node
from tests.graph.toy import toys


def test_a_state_belongs_to_a_node_and_its_type():
    states, count = States(), toys()["Count"]
    assert states.of("a", count) is states.of("a", count)
    assert states.of("a", count) is not states.of("b", count)


def test_nodes_that_left_or_changed_their_type_are_forgotten():
    states, count = States(), toys()["Count"]
    before = states.of("a", count)
    states.keep_only({"a": Node("Count")})
    assert states.of("a", count) is before
    states.keep_only({"a": Node("Add")})
    assert states.of("a", count) is not before
