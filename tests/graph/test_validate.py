import math
import time

import pytest

from graph.node import Grows, Input, NodeSpec, Option, Output, Widget
from graph.validate import EVERYWHERE, problems, validate
from graph.workflow import Graph, Link, Node
from tests.graph.toy import graph_of, wired

SOME = tuple(
    {
        "Load": NodeSpec(
            "Load",
            (Input("name", "COMBO", Widget("file", folder="checkpoints")),),
            (Output("MODEL", "MODEL"), Output("VAE", "VAE")),
            title="Load Checkpoint",
        ),
        "Empty": NodeSpec("Empty", (), (Output("LATENT", "LATENT"),), title="Empty Latent"),
        "Decode": NodeSpec(
            "Decode",
            (Input("samples", "LATENT"), Input("vae", "VAE")),
            (Output("IMAGE", "IMAGE"),),
            title="VAE Decode",
        ),
        "Mask": NodeSpec("Mask", (), (Output("MASK", "MASK"),)),
        "Sample": NodeSpec(
            "Sample",
            (
                Input("model", "MODEL"),
                Input("seed", "INT", Widget("seed"), default=0),
                Input("steps", "INT", Widget("number", low=1, high=100), default=20),
                Input("cfg", "FLOAT", Widget("number", low=0, high=100), default=8.0),
                Input("sampler", "COMBO", Widget("choice", options=("euler", "heun")), default="euler"),
                Input("tiled", "BOOLEAN", Widget("toggle"), default=False),
                Input("text", "STRING", Widget("text"), default=""),
                Input("color", "STRING", Widget("color"), default="#000000"),
                Input("mask", "MASK", optional=True),
            ),
            (Output("LATENT", "LATENT"), Output("count", "INT")),
            title="KSampler",
        ),
        "Switch": NodeSpec(
            "Switch",
            (Input("yes", "*", template="T", optional=True), Input("no", "*", template="T", optional=True)),
            (Output("any", "*", template="T"),),
        ),
        "Batch": NodeSpec(
            "Batch",
            (Input("images", "IMAGE", grows=Grows("image", least=2, most=4)),),
            (Output("IMAGE", "IMAGE"),),
        ),
        "Resize": NodeSpec(
            "Resize",
            (
                Input(
                    "how",
                    "COMBO",
                    options=(
                        Option("by", (Input("factor", "FLOAT", Widget("number", low=0.1), default=1.0),)),
                        Option("to", (Input("width", "INT", Widget("number", low=1)),)),
                    ),
                ),
            ),
            (Output("IMAGE", "IMAGE"),),
        ),
        "Save": NodeSpec("Save", (Input("images", "IMAGE"),), terminal=True, title="Save Image"),
        "Show": NodeSpec("Show", (Input("any", "*"),), terminal=True),
    }.items()
)
SPECS = dict(SOME)


def found(graph, **more):
    return [(problem.node, problem.input, problem.code) for problem in problems(graph, SPECS, **more)]


def only(graph, **more):
    (problem,) = problems(graph, SPECS, **more)
    return problem


def sampled(**inputs):
    load = ("Load", {"name": "a.safetensors"})
    return wired(
        load=load,
        s=("Sample", {"model": ("load", "MODEL"), **inputs}),
        out=("Show", {"any": ("s", "LATENT")}),
    )


def test_a_sound_graph_has_no_problem_on_any_output():
    assert validate(sampled(), SPECS) == {"out": ()}


@pytest.mark.parametrize(
    ("inputs", "code", "message"),
    [
        ({"steps": 0}, "value_out_of_range", "steps is 0, but must be between 1 and 100."),
        ({"steps": 2.5}, "wrong_kind", "steps is 2.5, but must be a whole number."),
        ({"steps": "many"}, "wrong_kind", "steps is 'many', but must be a whole number."),
        ({"steps": True}, "wrong_kind", "steps is True, but must be a whole number."),
        ({"cfg": math.nan}, "value_out_of_range", "cfg is nan, but must be a finite number."),
        ({"cfg": math.inf}, "value_out_of_range", "cfg is inf, but must be a finite number."),
        ({"seed": 2**64}, "value_out_of_range", f"seed is {2**64}, but must be between 0 and {2**64 - 1}."),
        ({"seed": -1}, "value_out_of_range", f"seed is -1, but must be between 0 and {2**64 - 1}."),
        ({"sampler": "eular"}, "not_an_option", "sampler is 'eular', which is not one of its options."),
        ({"tiled": "yes"}, "wrong_kind", "tiled is 'yes', but must be true or false."),
        ({"text": 5}, "wrong_kind", "text is 5, but must be a text."),
        ({"color": "red"}, "wrong_kind", "color is 'red', but must be a colour such as '#ff8000'."),
        ({"mask": "m.png"}, "wrong_kind", "mask is 'm.png', but it needs a link."),
    ],
)
def test_a_literal_that_does_not_suit_is_named_with_its_value_and_limits(inputs, code, message):
    problem = only(sampled(**inputs))
    assert (problem.node, problem.input, problem.code, problem.message) == ("s", *inputs, code, message)


@pytest.mark.parametrize(
    "inputs", [{"seed": 2**64 - 1}, {"cfg": 7}, {"steps": 20.0}, {"mask": None}, {"color": "#A0b0C0"}]
)
def test_values_at_the_edge_of_what_is_allowed_pass(inputs):
    assert found(sampled(**inputs)) == []


def test_an_option_misspelt_gets_a_suggestion():
    assert only(sampled(sampler="eular")).hint == "Did you mean 'euler'?"


def test_an_unknown_node_gets_a_suggestion_and_stops_every_output_that_needs_it():
    graph = wired(
        a=("Smaple", {}),
        out=("Show", {"any": ("a", "LATENT")}),
        fine=("Show", {"any": ("b", "MASK")}),
        b=("Mask", {}),
    )
    by_output = validate(graph, SPECS)
    assert (by_output["fine"], by_output["out"][0].code) == ((), "unknown_node")
    assert by_output["out"][0].hint == "Did you mean 'Sample'?"


def test_an_unknown_node_that_nothing_reads_counts_as_an_output():
    assert list(validate(wired(save=("PackSave", {})), SPECS)) == ["save"]


def test_a_missing_link_says_what_to_connect():
    problem = only(wired(s=("Sample", {}), out=("Show", {"any": ("s", "LATENT")})))
    assert problem.message == "model of KSampler is not connected."
    assert problem.hint == "Connect an output of type MODEL, for example from Load Checkpoint."


def test_what_only_passes_a_type_on_is_no_example_of_where_it_comes_from():
    change = NodeSpec("Change", (Input("model", "MODEL"),), (Output("MODEL", "MODEL"),))
    (problem,) = problems(
        wired(s=("Sample", {}), out=("Show", {"any": ("s", "LATENT")})), {"Change": change} | SPECS
    )
    assert problem.hint == "Connect an output of type MODEL, for example from Load Checkpoint."


def test_a_wrong_type_names_both_types_and_what_would_turn_one_into_the_other():
    problem = only(wired(e=("Empty", {}), out=("Save", {"images": ("e", "LATENT")})))
    assert problem.message == "images takes IMAGE, but Empty Latent gives LATENT."
    assert problem.hint == "VAE Decode turns LATENT into IMAGE."


def test_a_whole_number_may_feed_a_float():
    graph = wired(
        load=("Load", {"name": "a"}),
        one=("Sample", {"model": ("load", "MODEL")}),
        two=("Sample", {"model": ("load", "MODEL"), "cfg": ("one", "count")}),
    )
    assert found(graph, targets=["two"]) == []


def test_inputs_of_one_template_must_agree():
    graph = wired(
        e=("Empty", {}),
        m=("Mask", {}),
        s=("Switch", {"yes": ("e", "LATENT"), "no": ("m", "MASK")}),
        out=("Show", {"any": ("s", "any")}),
    )
    assert only(graph).message == "no gets MASK, but yes gets LATENT; they must be of one type."


def test_an_output_of_a_template_takes_the_type_that_its_inputs_agreed_on():
    graph = wired(
        m=("Mask", {}), s=("Switch", {"yes": ("m", "MASK")}), out=("Save", {"images": ("s", "any")})
    )
    assert only(graph).message == "images takes IMAGE, but Switch gives MASK."


def test_a_growing_row_wants_its_least_members_and_takes_no_more_than_its_most():
    image = ("r", "IMAGE")
    graph = wired(r=("Resize", {"how": "by"}), b=("Batch", {"images.image1": image, "images.image9": image}))
    assert found(graph, targets=["b"]) == [
        ("b", "images.image0", "missing_input"),
        ("b", "images.image9", "dangling_link"),
    ]


def test_a_variant_brings_the_inputs_of_the_chosen_option():
    assert found(wired(r=("Resize", {"how": "to"})), targets=["r"]) == [("r", "how.width", "missing_input")]
    assert found(wired(r=("Resize", {"how": "by", "how.factor": 0})), targets=["r"]) == [
        ("r", "how.factor", "value_out_of_range")
    ]
    assert found(wired(r=("Resize", {"how": "bye"})), targets=["r"]) == [("r", "how", "not_an_option")]


@pytest.mark.parametrize(
    ("link", "code"),
    [
        (("gone", "MODEL"), "dangling_link"),
        (("load", "MODEL2"), "dangling_link"),
        (("load", "VAE"), "type_mismatch"),
    ],
)
def test_a_link_to_nowhere_is_named_with_its_input(link, code):
    graph = wired(
        load=("Load", {"name": "a"}), s=("Sample", {"model": link}), out=("Show", {"any": ("s", "LATENT")})
    )
    assert found(graph) == [("s", "model", code)]


def test_a_link_into_an_undeclared_input_is_a_fault_but_a_literal_there_a_warning():
    graph = wired(m=("Mask", {}), s=("Show", {"any": ("m", "MASK"), "anny": ("m", "MASK"), "old": 5}))
    assert [(problem.input, problem.code, problem.warning) for problem in problems(graph, SPECS)] == [
        ("anny", "dangling_link", False),
        ("old", "unknown_input", True),
    ]


def test_a_value_that_is_cut_is_a_warning():
    specs = {"Empty": NodeSpec("Empty", (Input("width", "INT", Widget("number", cut_to=8)),), terminal=True)}
    [problem] = problems(Graph({"e": Node("Empty", inputs={"width": 130})}), specs)
    assert (problem.code, problem.warning, problem.node, problem.input) == ("value_cut", True, "e", "width")
    assert problem.message == "width is 130, which is not a multiple of 8, so 128 is used."


@pytest.mark.parametrize(
    ("version", "hint"), [(1, "could not be brought up to date"), (3, "Update Photogram")]
)
def test_a_node_of_another_version_is_a_warning(version, hint):
    specs = {"Keep": NodeSpec("Keep", version=2, terminal=True)}
    [problem] = problems(Graph({"k": Node("Keep", version=version)}), specs)
    assert (problem.code, problem.warning) == ("other_version", True)
    assert f"version {version}, but this program has version 2" in problem.message and hint in problem.hint


def test_a_missing_file_is_told_with_its_folder_and_the_nearest_name():
    problem = only(sampled(), files=lambda folder: ["b.ckpt", "a1.safetensors"])
    assert problem.message == "name: there is no 'a.safetensors' in the folder checkpoints."
    assert (problem.code, problem.hint) == ("missing_file", "Did you mean 'a1.safetensors'?")


def test_a_cycle_is_named_by_titles():
    graph = wired(
        a=("Switch", {"yes": ("b", "any")}),
        b=("Switch", {"yes": ("a", "any")}),
        out=("Show", {"any": ("b", "any")}),
    )
    titled = Graph(
        {**graph.nodes, "a": Node("Switch", title="A"), "b": Node("Switch", title="B")}, graph.links
    )
    problem = only(titled)
    assert (problem.code, problem.message) == ("cycle", "These nodes wait for each other: A → B → A.")


def test_a_node_that_reads_itself_is_a_cycle():
    assert found(wired(a=("Switch", {"yes": ("a", "any")})), targets=["a"]) == [("a", None, "cycle")]


def test_a_workflow_that_saves_nothing_says_so():
    (problem,) = validate(wired(m=("Mask", {})), SPECS)[EVERYWHERE]
    assert problem.code == "nothing_to_run"


def test_a_target_that_does_not_exist_is_named():
    assert validate(wired(m=("Mask", {})), SPECS, ["mm"])["mm"][0].message == "There is no node 'mm' to run."


def test_more_than_10_000_nodes_are_refused():
    graph = Graph({str(index): Node("Mask") for index in range(10_001)})
    assert validate(graph, SPECS)[EVERYWHERE][0].code == "too_many_nodes"


def test_ids_that_name_prototypes_are_plain_ids():
    graph = graph_of({"__proto__": ("Mask", {}), "constructor": ("Show", {"any": ("__proto__", "MASK")})})
    assert validate(graph, SPECS) == {"constructor": ()}


def test_a_link_to_a_reader_that_does_not_exist_is_told():
    graph = Graph({"m": Node("Mask")}, (Link("m", "MASK", "gone", "any"),))
    assert validate(graph, SPECS, ["m"])[EVERYWHERE][0].code == "dangling_link"


def seconds_of(function):
    times = []
    for _ in range(3):
        began = time.thread_time()
        function()
        times.append(time.thread_time() - began)
    return min(times)


def diamonds(count, kind="Switch"):
    nodes = {"0": ("Mask", {})}
    for index in range(1, count):
        link = (str(index - 1), "any" if index > 1 else "MASK")
        nodes[str(index)] = (kind, {"yes": link, "no": link})
    return graph_of(nodes)


@pytest.mark.slow
def test_10_000_nodes_of_diamonds_are_checked_within_a_second():
    assert seconds_of(lambda: validate(diamonds(10_000), SPECS, ["9999"])) < 1


@pytest.mark.slow
def test_10_000_faulty_nodes_with_as_many_outputs_are_checked_within_seconds():
    nodes = {"0": ("Mask", {"bad": 1})} | {
        str(i): ("Show", {"any": ("0", "MASK"), "odd": "x" * 99}) for i in range(1, 10_000)
    }
    assert seconds_of(lambda: validate(graph_of(nodes), SPECS)) < 3
