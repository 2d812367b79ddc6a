"""What would stop a run is refused before it is queued, with the node and the input."""

from pathlib import Path
from typing import Any

import pytest

from graph.document import from_json
from graph.errors import InvalidWorkflow, Problem, WorkflowError
from server.folders import Folders
from server.submission import check, targets_of, with_value
from tests.server.served import SPECS, document

KNOWN = {spec.type: spec for spec in SPECS}
NAMED = document() | {"inputs": [{"name": "wide", "targets": [["empty", "width"]], "type": "INT"}]}


def refused(tmp_path: Path, data: dict[str, Any], targets: tuple[str, ...] | None = None) -> list[Problem]:
    folders = Folders((tmp_path / "models",), tmp_path / "input", {"output": tmp_path / "output"})
    with pytest.raises(InvalidWorkflow) as caught:
        check(from_json(data), KNOWN, targets, folders)
    return [problem for problem in caught.value.problems if not problem.warning]


@pytest.mark.parametrize(
    "inputs",
    [
        {"width": 10**6}, {"width": -1}, {"width": 2**63}, {"width": 64.5}, {"width": "x"}, {"width": 0},
        {"strength": 2}, {"seed": 2**64}, {"seed": -1},
    ],
)  # fmt: skip
def test_a_value_out_of_its_limits_is_refused_with_its_place(tmp_path: Path, inputs: dict[str, Any]) -> None:
    (problem,) = refused(tmp_path, document(**inputs))
    assert (problem.node, problem.input) == ("empty", next(iter(inputs)))


@pytest.mark.parametrize(
    "prefix",
    ["../../x", "/abs", "a/../../b", "..", "a\\..\\..\\b", ".hidden", "x" * 10_000, "a\0b", "", "con|"],
)
def test_a_file_name_prefix_cannot_leave_the_output_folder(tmp_path: Path, prefix: str) -> None:
    data = document()
    data["nodes"]["save"]["inputs"]["filename_prefix"] = prefix
    (problem,) = refused(tmp_path, data)
    assert (problem.code, problem.node, problem.input) == ("unsafe_name", "save", "filename_prefix")


@pytest.mark.parametrize(
    "name", ["../../x.safetensors", "/etc/passwd", "http://x/y.safetensors", "a/b", "", "none"]
)
def test_only_models_that_are_there_can_be_named(tmp_path: Path, name: str) -> None:
    data = document()
    data["nodes"]["empty"] = {"type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": name}}
    assert [problem.code for problem in refused(tmp_path, data)] == ["missing_file"]


def test_a_result_of_before_can_be_an_input(tmp_path: Path) -> None:
    data = document()
    data["nodes"]["empty"] = {"type": "LoadImage", "inputs": {"image": "a.png [output]"}}
    assert refused(tmp_path, data)[0].code == "missing_file"
    (tmp_path / "output").mkdir()
    (tmp_path / "output" / "a.png").touch()
    folders = Folders((), tmp_path / "input", {"output": tmp_path / "output"})
    assert check(from_json(data), KNOWN, None, folders) == ()


def test_a_target_that_is_not_there_is_refused(tmp_path: Path) -> None:
    (problem,) = refused(tmp_path, document(), ("nowhere",))
    assert (problem.code, problem.node) == ("unknown_node", "nowhere")


def test_a_value_is_set_by_node_and_input() -> None:
    changed = with_value(from_json(document()), KNOWN, "empty.width", 8)
    assert changed.graph.nodes["empty"].inputs["width"] == 8


def test_a_value_is_set_by_the_name_of_an_input_of_the_workflow() -> None:
    assert with_value(from_json(NAMED), KNOWN, "wide", 8).graph.nodes["empty"].inputs["width"] == 8


def test_the_longest_node_id_that_exists_is_meant() -> None:
    data = {"format": 1, "nodes": {"a": {"type": "X"}, "a.b": {"type": "X"}}}
    assert targets_of(from_json(data).graph, "a.b.c") == (("a.b", "c"),)
    assert targets_of(from_json(data).graph, "a.x.c") == (("a", "x.c"),)


def test_a_link_gives_way_to_a_value_that_is_set() -> None:
    changed = with_value(from_json(document()), KNOWN, "save.images", 1)
    assert (changed.graph.links, changed.graph.nodes["save"].inputs["images"]) == ((), 1)


@pytest.mark.parametrize("key", ["width", "nowhere.width", "empty.", ".", ""])
def test_an_input_that_is_not_there_is_refused(key: str) -> None:
    with pytest.raises(WorkflowError, match="has no input"):
        with_value(from_json(document()), KNOWN, key, 1)


def test_a_value_for_an_input_that_the_node_does_not_have_is_refused() -> None:
    with pytest.raises(WorkflowError, match="EmptyImage has no input 'widht'") as told:
        with_value(from_json(document()), KNOWN, "empty.widht", 8)
    assert (told.value.hint, told.value.node) == ("Did you mean 'width'?", "empty")
