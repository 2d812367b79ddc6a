"""The flat format of the field, read."""

import pytest

from graph.formats import is_foreign, read
from graph.workflow import Link


def node(class_type: str, title: str | None = None, **inputs: object) -> dict:
    return {"class_type": class_type, "inputs": inputs, **({"_meta": {"title": title}} if title else {})}


def test_literals_and_links_become_inputs_by_name(specs):
    found = read({"3": node("KSampler", steps=7, model=["4", 0]), "4": node("CheckpointLoaderSimple")}, specs)
    assert found.source == "api"
    assert found.workflow.graph.nodes["3"].inputs == {"steps": 7}
    assert found.workflow.graph.links == (Link("4", "MODEL", "3", "model"),)


def test_numbers_written_as_text_become_numbers(specs):
    graph = read({"3": node("KSampler", steps="12", cfg="7.5", seed=str(2**64 - 1))}, specs).workflow.graph
    assert graph.nodes["3"].inputs == {"steps": 12, "cfg": 7.5, "seed": 2**64 - 1}


def test_text_that_is_no_number_stays_for_validation_to_report(specs):
    assert read({"3": node("KSampler", steps="many")}, specs).workflow.graph.nodes["3"].inputs == {
        "steps": "many"
    }


def test_a_wrapped_list_is_a_value_and_no_link(specs):
    graph = read({"3": node("Unknown", points={"__value__": ["a", 1]})}, specs).workflow.graph
    assert graph.nodes["3"].inputs == {"points": ["a", 1]}
    assert graph.links == ()


def test_an_unknown_node_stays_with_its_values_and_links(specs):
    graph = read({"a": node("Mystery", x=1, y=["b", 2]), "b": node("Riddle")}, specs).workflow.graph
    assert graph.nodes["a"].type == "Mystery"
    assert graph.nodes["a"].inputs == {"x": 1}
    assert graph.links == (Link("b", "2", "a", "y"),)


def test_constants_no_input_declares_are_kept_aside(specs):
    found = read({"1": node("LoadImage", image="a.png", upload="image")}, specs).workflow.graph.nodes["1"]
    assert found.inputs == {"image": "a.png"}
    assert found.extra == {"undeclared": {"upload": "image"}}


def test_the_inputs_of_the_chosen_variant_are_read(specs):
    values = {"resize_type": "scale dimensions", "resize_type.width": "64", "resize_type.height": 32}
    found = read({"1": node("ResizeImageMaskNode", **values)}, specs).workflow.graph.nodes["1"]
    assert found.inputs == {
        "resize_type": "scale dimensions",
        "resize_type.width": 64,
        "resize_type.height": 32,
    }


def test_paths_of_windows_become_ours(specs):
    found = read({"1": node("CheckpointLoaderSimple", ckpt_name="sd\\a.safetensors")}, specs).workflow.graph
    assert found.nodes["1"].inputs == {"ckpt_name": "sd/a.safetensors"}


def test_a_title_is_kept_only_where_it_differs(specs):
    nodes = read(
        {"1": node("VAEDecode", "Decode"), "2": node("KSampler", "KSampler")}, specs
    ).workflow.graph.nodes
    assert (nodes["1"].title, nodes["2"].title) == ("Decode", None)


def test_nodes_are_placed_in_columns_along_their_links(specs):
    data = {"1": node("VAEDecode", samples=["2", 0]), "2": node("KSampler", latent_image=["3", 0]),
            "3": node("EmptyLatentImage")}  # fmt: skip
    nodes = read(data, specs).workflow.graph.nodes
    assert nodes["3"].position[0] < nodes["2"].position[0] < nodes["1"].position[0]


def test_an_output_number_the_node_does_not_have_stays_for_validation_to_name(specs):
    data = {"1": node("VAEDecode", samples=["2", 5]), "2": node("KSampler")}
    assert read(data, specs).workflow.graph.links == (Link("2", "5", "1", "samples"),)


@pytest.mark.parametrize(
    "data", [{}, [], {"a": 1}, {"nodes": 3}, {"a": {"class_type": 1, "inputs": {}}}, None]
)
def test_other_json_is_no_workflow_of_the_field(data):
    assert not is_foreign(data)
