"""The format of the field's editor, read."""

import json

import pytest

from graph.errors import UnreadableWorkflow
from graph.formats import read
from graph.node import Input, NodeSpec
from graph.workflow import Link


def node(
    id: object, type: str, values: object = (), inputs: dict[str, int] | None = None, **more: object
) -> dict:
    """A node record; `inputs` maps input names to link ids."""
    entries = [{"name": name, "type": "*", "link": link} for name, link in (inputs or {}).items()]
    values = list(values) if isinstance(values, tuple) else values
    return {"id": id, "type": type, "pos": [10, 20], "widgets_values": values, "inputs": entries, **more}


def page(*nodes: dict, links: tuple = (), **more: object) -> dict:
    return {"nodes": list(nodes), "links": [list(link) for link in links], "version": 0.4, **more}


def graph_of(data: dict, specs: dict) -> object:
    return read(data, specs).workflow.graph


def test_widget_values_are_taken_by_position(specs):
    found = graph_of(page(node(3, "KSampler", (5, "randomize", 20, 7.5, "sample_ddim"))), specs).nodes["3"]
    assert found.inputs == {"seed": 5, "steps": 20, "cfg": 7.5, "sampler_name": "ddim"}
    assert found.seeds == {"seed": "random"}


def test_a_seed_without_a_control_mode_is_read_too(specs):
    found = graph_of(page(node(3, "KSampler", (5, 20, 7.5, "ddim"))), specs).nodes["3"]
    assert (found.inputs["steps"], found.seeds) == (20, {})


def test_holes_and_surplus_values_do_not_count(specs):
    found = graph_of(page(node(1, "LoadImage", (None, "a.png", "image"))), specs).nodes["1"]
    assert found.inputs == {"image": "a.png"}


def test_a_widget_without_a_value_keeps_its_place(specs):
    found = graph_of(page(node(3, "KSampler", (None, "randomize", 20, None, "ddim"))), specs).nodes["3"]
    assert found.inputs == {"steps": 20, "sampler_name": "ddim"}


def test_old_files_hold_a_value_for_each_socket_that_could_be_typed(specs):
    typed = Input("strength", "FLOAT")
    specs = {**specs, "Old": NodeSpec("Old", (typed, Input("seed", "INT"), *specs["KSampler"].inputs[5:]))}
    found = graph_of(page(node(1, "Old", (1.0, 7, "fixed", 20, 7.5, "ddim"))), specs).nodes["1"]
    assert found.inputs == {"steps": 20, "cfg": 7.5, "sampler_name": "ddim"}


def test_widget_values_by_name_are_read(specs):
    found = graph_of(page(node(1, "EmptyLatentImage", {"height": 64, "other": 1})), specs).nodes["1"]
    assert found.inputs == {"height": 64}


def test_the_inputs_of_a_variant_follow_it_in_place(specs):
    found = graph_of(page(node(1, "ResizeImageMaskNode", ("scale dimensions", 1280, 720, "lanczos"))), specs)
    assert found.nodes["1"].inputs == {
        "resize_type": "scale dimensions",
        "resize_type.width": 1280,
        "resize_type.height": 720,
        "scale_method": "lanczos",
    }


def test_links_are_matched_by_the_name_of_the_input(specs):
    data = page(
        node(1, "KSampler"),
        node(2, "VAEDecode", (), {"vae": None, "samples": 9}),
        links=((9, 1, 0, 2, 0, "LATENT"),),
    )
    assert graph_of(data, specs).links == (Link("1", "LATENT", "2", "samples"),)


def test_links_written_as_objects_are_read(specs):
    data = page(node(1, "KSampler"), node(2, "VAEDecode", (), {"samples": 9}))
    data["links"] = [
        {"id": 9, "origin_id": 1, "origin_slot": 0, "target_id": 2, "target_slot": 0, "type": "LATENT"}
    ]
    assert graph_of(data, specs).links == (Link("1", "LATENT", "2", "samples"),)


def test_reroutes_become_plain_links(specs):
    data = page(
        node(1, "KSampler"), node(5, "Reroute", (), {"": 1}), node(6, "Reroute", (), {"": 2}),
        node(2, "VAEDecode", (), {"samples": 3}),
        links=((1, 1, 0, 5, 0, "*"), (2, 5, 0, 6, 0, "*"), (3, 6, 0, 2, 0, "*")),
    )  # fmt: skip
    found = graph_of(data, specs)
    assert found.links == (Link("1", "LATENT", "2", "samples"),)
    assert set(found.nodes) == {"1", "2"}


def test_reroutes_in_a_circle_are_refused(specs):
    data = page(node(5, "Reroute", (), {"": 1}), node(2, "VAEDecode", (), {"samples": 2}),
                links=((1, 5, 0, 5, 0, "*"), (2, 5, 0, 2, 0, "*")))  # fmt: skip
    with pytest.raises(UnreadableWorkflow, match="circle"):
        read(data, specs)


def test_get_and_set_pairs_become_plain_links(specs):
    data = page(
        node(1, "KSampler"), node(5, "SetNode", ("latent",), {"LATENT": 1}), node(6, "GetNode", ("latent",)),
        node(2, "VAEDecode", (), {"samples": 2}),
        links=((1, 1, 0, 5, 0, "*"), (2, 6, 0, 2, 0, "*")),
    )  # fmt: skip
    assert graph_of(data, specs).links == (Link("1", "LATENT", "2", "samples"),)


def test_a_primitive_sets_the_value_of_what_it_feeds(specs):
    data = page(
        node(7, "PrimitiveNode", (99, "increment")),
        node(1, "KSampler", (5, "fixed", 20), {"seed": 1}),
        links=((1, 7, 0, 1, 4, "INT"),),
    )
    found = graph_of(data, specs)
    assert found.nodes["1"].inputs["seed"] == 99
    assert found.nodes["1"].seeds == {"seed": "increment"}
    assert found.links == ()


def test_a_primitive_that_feeds_several_inputs_becomes_a_named_input(specs):
    data = page(
        node(7, "PrimitiveNode", (64, "fixed"), title="Side"),
        node(1, "EmptyLatentImage", (8, 8), {"width": 1, "height": 2}),
        links=((1, 7, 0, 1, 0, "INT"), (2, 7, 0, 1, 1, "INT")),
    )
    found = graph_of(data, specs)
    assert [(port.name, port.targets) for port in found.inputs] == [
        ("Side", (("1", "width"), ("1", "height")))
    ]


def test_a_primitive_that_keeps_its_values_by_name_sets_the_first(specs):
    data = page(
        node(7, "PrimitiveNode", {"value": 99, "control": "increment"}),
        node(1, "KSampler", (5, "fixed", 20), {"seed": 1}),
        links=((1, 7, 0, 1, 4, "INT"),),
    )
    assert graph_of(data, specs).nodes["1"].inputs["seed"] == 99


def test_a_primitive_without_a_value_leaves_what_it_feeds(specs):
    data = page(
        node(7, "PrimitiveNode", (None,)),
        node(1, "KSampler", (5, "fixed", 20), {"seed": 1}),
        links=((1, 7, 0, 1, 4, "INT"),),
    )
    assert graph_of(data, specs).nodes["1"].inputs["seed"] == 5


def test_muted_and_bypassed_nodes_keep_their_state(specs):
    nodes = graph_of(
        page(node(1, "KSampler", mode=2), node(2, "KSampler", mode=4), node(3, "KSampler")), specs
    ).nodes
    assert [nodes[id].state for id in "123"] == ["off", "skipped", "on"]


def test_notes_and_groups_are_carried_over(specs):
    data = page(
        node(4, "MarkdownNote", ("# Hi",)), groups=[{"title": "G", "bounding": [1, 2, 3, 4], "color": "#333"}]
    )
    found = graph_of(data, specs)
    assert [note.text for note in found.notes] == ["# Hi"]
    assert [(group.title, group.bounds) for group in found.groups] == [("G", (1.0, 2.0, 3.0, 4.0))]
    assert not found.nodes


@pytest.mark.parametrize("place", [[None, None], 3, [1], ["a", "b"], [1e400, 0]])
def test_a_node_with_a_broken_place_is_still_read(specs, place):
    found = graph_of(page({**node(1, "KSampler", (5,)), "pos": place}), specs).nodes["1"]
    assert (found.position, found.inputs) == ((0.0, 0.0), {"seed": 5})


def test_a_frame_may_be_written_as_an_object_and_one_without_bounds_is_left_out(specs):
    frames = [{"title": "A", "bounding": {"0": 1, "1": 2, "2": 3, "3": 4}}, {"title": "B"}, {"bounding": 3}]
    found = graph_of(page(node(1, "KSampler"), groups=frames), specs)
    assert [(group.title, group.bounds) for group in found.groups] == [("A", (1.0, 2.0, 3.0, 4.0))]


def test_an_unknown_node_stays_with_its_sockets_values_and_links(specs):
    data = page(
        node(1, "Mystery", (1, "x"), outputs=[{"name": "LATENT", "type": "LATENT", "links": [9]}]),
        node(2, "VAEDecode", (), {"samples": 9}),
        links=((9, 1, 0, 2, 0, "LATENT"),),
    )
    found = graph_of(data, specs)
    assert found.links == (Link("1", "LATENT", "2", "samples"),)
    assert found.nodes["1"].extra["widgets_values"] == [1, "x"]
    assert found.nodes["1"].extra["sockets"]["outputs"] == [{"name": "LATENT", "type": "LATENT"}]


def test_old_names_of_types_are_brought_up_to_date(specs):
    assert graph_of(page(node(1, "T2IAdapterLoader")), specs).nodes["1"].type == "ControlNetLoader"


SUBGRAPH = {
    "id": "sub", "name": "Decode and save", "inputNode": {"id": -10}, "outputNode": {"id": -20},
    "inputs": [{"name": "latent", "type": "LATENT", "linkIds": [1]},
               {"name": "prefix", "type": "STRING", "linkIds": [3], "label": "Name"}],
    "outputs": [{"name": "IMAGE", "type": "IMAGE", "linkIds": [4]}],
    "nodes": [
        node(1, "VAEDecode", (), {"samples": 1}),
        {**node(2, "SaveImage", ("inner",), {"images": 2}),
         "inputs": [{"name": "images", "type": "IMAGE", "link": 2},
                    {"name": "filename_prefix", "type": "STRING", "link": 3, "widget": {"name": "x"}}]},
    ],
    "links": [
        {"id": 1, "origin_id": -10, "origin_slot": 0, "target_id": 1, "target_slot": 0, "type": "LATENT"},
        {"id": 2, "origin_id": 1, "origin_slot": 0, "target_id": 2, "target_slot": 0, "type": "IMAGE"},
        {"id": 3, "origin_id": -10, "origin_slot": 1, "target_id": 2, "target_slot": 1, "type": "STRING"},
        {"id": 4, "origin_id": 1, "origin_slot": 0, "target_id": -20, "target_slot": 0, "type": "IMAGE"},
    ],
}  # fmt: skip


def with_subgraph(**instance: object) -> dict:
    return page(
        node(8, "KSampler"), node(9, "sub", instance.pop("values", ()), {"latent": 5}, **instance),
        links=((5, 8, 0, 9, 0, "LATENT"),), definitions={"subgraphs": [SUBGRAPH]},
    )  # fmt: skip


def test_a_subgraph_has_named_inputs_and_outputs(specs):
    found = read(with_subgraph(), specs).workflow.subgraphs["sub"]
    assert [(port.name, port.targets, port.title) for port in found.inputs] == [
        ("latent", (("1", "samples"),), None),
        ("prefix", (("2", "filename_prefix"),), "Name"),
    ]
    assert [(port.name, port.source) for port in found.outputs] == [("IMAGE", ("1", "IMAGE"))]
    assert found.links == (Link("1", "IMAGE", "2", "images"),)


def test_an_instance_of_a_subgraph_is_wired_by_the_names_of_its_inputs(specs):
    assert graph_of(with_subgraph(), specs).links == (Link("8", "LATENT", "9", "latent"),)


def test_promoted_widgets_are_values_of_the_instance(specs):
    data = with_subgraph(values=("mine",), properties={"proxyWidgets": [["-1", "prefix"]]})
    assert graph_of(data, specs).nodes["9"].inputs == {"prefix": "mine"}


def test_without_a_list_of_promoted_widgets_values_go_to_the_widget_inputs_in_order(specs):
    assert graph_of(with_subgraph(values=("mine",)), specs).nodes["9"].inputs == {"prefix": "mine"}


def test_the_list_of_promoted_widgets_may_be_a_text(specs):
    text = json.dumps([["2", "other"], ["-1", "prefix"]])
    data = with_subgraph(values=(None, "mine"), properties={"proxyWidgets": text})
    assert graph_of(data, specs).nodes["9"].inputs == {"prefix": "mine"}


def test_a_promoted_input_that_is_no_widget_inside_keeps_its_value(specs):
    data = with_subgraph(values=("mine",), properties={"proxyWidgets": [["-1", "latent"]]})
    assert graph_of(data, specs).nodes["9"].inputs == {"latent": "mine"}


def test_an_instance_may_keep_its_values_by_name(specs):
    data = with_subgraph(values={"prefix": "mine", "other": 1})
    assert graph_of(data, specs).nodes["9"].inputs == {"prefix": "mine"}


def test_a_value_of_an_instance_is_fitted_to_the_widget_inside(specs):
    assert graph_of(with_subgraph(values=(12,)), specs).nodes["9"].inputs == {"prefix": "12"}


def test_a_definition_may_stand_inside_another(specs):
    outer = {**SUBGRAPH, "id": "outer", "nodes": [node(3, "sub")], "links": [], "inputs": [], "outputs": []}
    data = page(
        node(9, "outer"), definitions={"subgraphs": [{**outer, "definitions": {"subgraphs": [SUBGRAPH]}}]}
    )
    assert set(read(data, specs).workflow.subgraphs) == {"outer", "sub"}


def test_a_subgraph_output_that_nothing_feeds_is_reported(specs):
    open_ended = {**SUBGRAPH, "links": SUBGRAPH["links"][:3]}
    found = read({**with_subgraph(), "definitions": {"subgraphs": [open_ended]}}, specs)
    assert [problem.code for problem in found.problems] == ["open_output"]


def test_what_we_do_not_know_is_kept(specs):
    data = page(
        node(1, "KSampler", properties={"ver": "1"}), extra={"ds": {"scale": 1}}, id="u-1", revision=3
    )
    workflow = read(data, specs).workflow
    assert workflow.id == "u-1"
    assert workflow.extra == {"comfy": {"revision": 3}, "ds": {"scale": 1}}
    assert workflow.graph.nodes["1"].extra == {"comfy": {"properties": {"ver": "1"}}}


@pytest.mark.parametrize("extra", [None, 5, [1], "text"])
def test_extra_data_of_another_kind_is_left_behind(specs, extra):
    assert read(page(node(1, "KSampler"), extra=extra), specs).workflow.extra == {}


@pytest.mark.parametrize("id", ["", "é" * 101])
def test_a_file_with_an_id_that_could_not_be_saved_is_refused(specs, id):
    with pytest.raises(UnreadableWorkflow, match="1 to 200 bytes"):
        read(page(node(id, "KSampler")), specs)


@pytest.mark.parametrize("broken", [{"links": [[1]]}, {"links": 7}])
def test_a_damaged_file_is_refused_in_a_sentence(specs, broken):
    with pytest.raises(UnreadableWorkflow, match="damaged"):
        read({**page(node(1, "KSampler")), **broken}, specs)
