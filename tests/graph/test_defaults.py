from graph.defaults import with_defaults
from graph.node import Input, NodeSpec, Option, Widget
from graph.workflow import Graph, Link, Node

SPEC = NodeSpec(
    "N",
    (
        Input("steps", "INT", Widget("number"), default=20),
        Input("cfg", "FLOAT", Widget("number"), default=8.0),
        Input("model", "MODEL"),
        Input("how", "COMBO", options=(Option("by", (Input("factor", "FLOAT", default=2.0),)), Option("to"))),
    ),
)


def filled(*links, **inputs):
    node = with_defaults(Graph({"n": Node("N", inputs=inputs)}, links), {"N": SPEC}).nodes["n"]
    return {name: (value, type(value)) for name, value in node.inputs.items()}


def test_what_is_missing_takes_the_default_of_the_description():
    assert filled() == {
        "steps": (20, int),
        "cfg": (8.0, float),
        "how": ("by", str),
        "how.factor": (2.0, float),
    }


def test_numbers_become_of_the_kind_their_inputs_want():
    assert filled(steps=5.0, cfg=7, how="to") == {"steps": (5, int), "cfg": (7.0, float), "how": ("to", str)}


def test_values_that_do_not_suit_stay_as_they_are():
    assert filled(steps=5.5, cfg="x", how="to") == {
        "steps": (5.5, float),
        "cfg": ("x", str),
        "how": ("to", str),
    }


def test_a_wired_input_takes_no_default():
    assert "steps" not in filled(Link("m", "INT", "n", "steps"))


def test_nodes_of_unknown_types_stay():
    graph = Graph({"n": Node("Other", inputs={"a": 1})})
    assert with_defaults(graph, {}) == graph
