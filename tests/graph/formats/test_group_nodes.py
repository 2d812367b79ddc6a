"""Group nodes of older files, read as subgraphs."""

from graph.flatten import flatten
from graph.formats import read
from graph.workflow import Link
from tests.graph.formats.test_comfy_ui import node, page


def inner(type: str, inputs: tuple[str, ...] = (), values: tuple = (), **more: object) -> dict:
    entries = [{"name": name, "type": "*", "link": None} for name in inputs]
    return {"id": -1, "type": type, "inputs": entries, "widgets_values": [*values], **more}


SAMPLE = {
    "nodes": [
        inner("KSampler", ("model", "positive", "negative", "latent_image"), (1, "fixed", 20, 8.0, "euler")),
        inner("VAEDecode", ("samples", "vae")),
        inner("KSampler", ("model", "positive", "negative", "latent_image"), (2, "fixed", 9, 8.0, "euler")),
    ],
    "links": [[0, 0, 1, 0, 4, "LATENT"], [0, 0, 2, 3, 4, "LATENT"]],
    "external": [[0, 0, "LATENT"]],
}
INSTANCE = node(
    7,
    "workflow>Sample",
    (5, "randomize", 30, 7.5, "ddim", 6, "increment", 12, 6.5, "euler"),
    {"model": 1, "KSampler model": 2},
)


def file(group: dict = SAMPLE, instance: dict = INSTANCE) -> dict:
    return page(
        node(1, "CheckpointLoaderSimple", ("a",)),
        instance,
        node(2, "SaveImage", ("x",), {"images": 3}),
        node(3, "VAEDecode", (), {"samples": 4}),
        links=(
            (1, 1, 0, 7, 0, "MODEL"),
            (2, 1, 0, 7, 5, "MODEL"),
            (3, 7, 1, 2, 0, "IMAGE"),
            (4, 7, 0, 3, 0, "LATENT"),
        ),
        extra={"groupNodes": {"Sample": group}},
    )


def flat(data: dict, specs: dict):
    return flatten(read(data, specs).workflow, specs)


def test_a_group_node_becomes_a_subgraph_with_its_wires(specs):
    links = [(link.from_node, link.output, link.to_node, link.input) for link in flat(file(), specs).links]
    assert sorted(links) == [
        ("1", "MODEL", "7:0", "model"),
        ("1", "MODEL", "7:2", "model"),
        ("7:0", "LATENT", "3", "samples"),
        ("7:0", "LATENT", "7:1", "samples"),
        ("7:0", "LATENT", "7:2", "latent_image"),
        ("7:1", "IMAGE", "2", "images"),
    ]


def test_an_output_that_shows_may_be_written_with_its_whole_node(specs):
    whole = {**SAMPLE["nodes"][0], "index": 0}
    group = {**SAMPLE, "external": [[whole, 0, "LATENT"]]}
    assert flat(file(group), specs).links == flat(file(), specs).links


def test_values_of_a_group_node_go_to_the_widgets_inside_in_order(specs):
    nodes = flat(file(), specs).nodes
    assert nodes["7:0"].inputs == {"seed": 5, "steps": 30, "cfg": 7.5, "sampler_name": "ddim"}
    assert nodes["7:2"].inputs == {"seed": 6, "steps": 12, "cfg": 6.5, "sampler_name": "euler"}
    instance = read(file(), specs).workflow.graph.nodes["7"]
    assert instance.seeds == {"seed": "random", "KSampler seed": "increment"}


def test_a_hidden_widget_has_no_value_and_a_renamed_input_its_new_name(specs):
    config = {"0": {"input": {"steps": {"visible": False}, "model": {"name": "engine"}}}}
    instance = node(7, "workflow/Sample", (5, "fixed", 7.5), {"engine": 1})
    found = flat(file({**SAMPLE, "config": config}, instance), specs)
    assert found.nodes["7:0"].inputs == {"seed": 5, "steps": 20, "cfg": 7.5, "sampler_name": "euler"}
    assert Link("1", "MODEL", "7:0", "model") in found.links


def test_a_primitive_inside_is_one_value_for_all_it_feeds(specs):
    group = {
        "nodes": [
            inner("PrimitiveNode", (), (64, "fixed"), title="Side"),
            inner("EmptyLatentImage", ("width", "height"), (8, 8)),
        ],
        "links": [[0, 0, 1, 0, 1, "INT"], [0, 0, 1, 1, 1, "INT"]],
    }
    found = flat(file(group, node(7, "workflow>Sample", (96,))), specs)
    assert found.nodes["7:1"].inputs == {"width": 96, "height": 96}


def test_a_reroute_inside_is_an_input_called_after_what_it_carries(specs):
    group = {
        "nodes": [inner("VAEDecode", ("samples", "vae")), inner("Reroute", ("",))],
        "links": [[None, 0, 1, 0, 9, "LATENT"], [1, 0, 0, 0, 9, "LATENT"]],
        "config": {"1": {"input": {"LATENT": {"name": "latent"}}}},
    }
    data = file(group, node(7, "workflow>Sample", (), {"vae": 1, "latent": 5}))
    data["nodes"].append(node(8, "KSampler", (5,)))
    data["links"].append([5, 8, 0, 7, 1, "LATENT"])
    assert Link("8", "LATENT", "7:0", "samples") in flat(data, specs).links


def test_values_after_a_node_of_an_unknown_type_keep_their_place(specs):
    group = {"nodes": [inner("Mystery", (), (1, 2)), inner("EmptyLatentImage", (), (8, 8))]}
    found = flat(file(group, node(7, "workflow>Sample", (3, 4, 16, 32))), specs)
    assert found.nodes["7:1"].inputs == {"width": 16, "height": 32}


def test_a_group_node_that_the_file_does_not_define_stays_as_an_unknown_node(specs):
    data = {**file(), "extra": {}}
    assert read(data, specs).workflow.graph.nodes["7"].type == "workflow>Sample"


def test_a_broken_group_node_that_nothing_uses_does_no_harm(specs):
    data = page(node(1, "KSampler", (5,)), extra={"groupNodes": {"Old": {"nodes": 3}}})
    assert read(data, specs).workflow.graph.nodes["1"].inputs == {"seed": 5}
