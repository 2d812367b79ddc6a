"""Commands say what is wrong in a sentence and with their exit status."""

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from graph.node import Input, Widget
from server import cli
from server.commands import parsed
from tests.server.served import CATALOG, document


@pytest.fixture
def known(tmp_path: Path) -> list[str]:
    """Flags for a data folder that holds a catalog, so that no worker is needed."""
    for name in ("data", "models"):
        (tmp_path / name).mkdir()
    (tmp_path / "data" / "catalog.json").write_bytes(msgspec.json.encode(CATALOG))
    return [f"--{name}={tmp_path / name}" for name in ("data", "input", "output", "models", "custom-nodes")]


def written(tmp_path: Path, workflow: object) -> str:
    path = tmp_path / "workflow.json"
    path.write_text(json.dumps(workflow))
    return str(path)


def test_a_sound_workflow_is_fine(
    tmp_path: Path, known: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["validate", written(tmp_path, document()), *known]) == 0
    assert capsys.readouterr().out == "The workflow is fine.\n"


def test_a_faulty_workflow_is_told_with_the_place(
    tmp_path: Path, known: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["validate", written(tmp_path, document(width=0)), *known]) == 1
    assert capsys.readouterr().err.startswith("empty.width: ")


@pytest.mark.parametrize("text", ["{", "[]", '{"format": 2}'])
def test_what_is_no_workflow_is_refused(tmp_path: Path, known: list[str], text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    assert cli.main(["validate", str(tmp_path / "x.json"), *known]) == 1


def test_a_missing_file_is_told_in_a_sentence(known: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["validate", "nowhere.json", *known]) == 1
    assert (
        capsys.readouterr().err == "nowhere.json cannot be read: No such file or directory. Check the path.\n"
    )


@pytest.mark.parametrize(
    "arguments", [[], ["dance"], ["run"], ["serve", "--port"], ["validate", "a", "--colour"]]
)
def test_wrong_usage_has_its_own_status(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2


def test_wrong_settings_are_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["serve", "--port=many"]) == 2
    assert cli.main(["serve", "--listen=0.0.0.0"]) == 2
    assert "no sign-in" in capsys.readouterr().err


def test_a_folder_that_cannot_be_made_is_told_in_a_sentence(
    tmp_path: Path, known: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert cli.main(["serve", "--port=0", *known, f"--output={tmp_path / 'file' / 'sub'}"]) == 1
    told = f"The output folder {tmp_path}/file/sub cannot be used: not a directory. Choose another with"
    assert capsys.readouterr().err.splitlines()[-1] == f"{told} --output."


def test_a_models_folder_that_is_not_there_is_told(
    tmp_path: Path, known: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["models", *known, f"--models={tmp_path / 'away'}"]) == 0
    assert f"There is no models folder {tmp_path / 'away'}" in capsys.readouterr().err


def test_a_models_folder_that_is_a_file_is_wrong_usage(
    known: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["models", *known, f"--models={__file__}"]) == 2
    assert "is a file. Give --models a folder" in capsys.readouterr().err


def test_a_file_of_the_field_is_turned_into_ours(
    tmp_path: Path, known: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    flat = {"1": {"class_type": "EmptyImage", "inputs": {"width": 8}}}
    assert cli.main(["import", written(tmp_path, flat), *known]) == 0
    assert json.loads(capsys.readouterr().out)["nodes"]["1"]["inputs"] == {"width": 8}


def test_a_node_is_described(known: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["nodes", "EmptyImage", *known]) == 0
    assert "width                INT            1 to 8192, default 64." in capsys.readouterr().out


def test_an_unknown_node_is_answered_with_the_nearest(
    known: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["nodes", "EmptyImge", *known]) == 1
    assert capsys.readouterr().err == "There is no node type EmptyImge. Did you mean 'EmptyImage'?\n"


def test_results_are_json_when_asked_for(known: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["nodes", "--json", *known]) == 0
    assert len(json.loads(capsys.readouterr().out)["nodes"]) == 4


def test_models_are_listed(tmp_path: Path, known: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "models" / "vae").mkdir()
    (tmp_path / "models" / "vae" / "a.sft").touch()
    assert cli.main(["models", *known]) == 0
    listed = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["vae", "a.sft"] in listed
    assert ["checkpoints", "photogram.safetensors"] in listed


def test_settings_are_printed_with_where_they_come_from(
    known: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["config", "--threads=3", "--json", *known]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["threads"], found["port"]["from"]) == ({"value": 3, "from": "--threads"}, "default")


def test_without_a_server_the_queue_says_how(known: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["queue", "--port=1", known[0]]) == 1
    assert capsys.readouterr().err.endswith("Start it with: photogram serve\n")


@pytest.mark.parametrize(
    ("text", "input", "value"),
    [
        ("5", Input("a", "INT"), 5), ("5", Input("a", "STRING"), "5"), ("0.5", None, 0.5),
        ("true", None, True),
        ("a cat", None, "a cat"), ("1", Input("a", "COMBO", Widget("choice", options=("1", "2"))), "1"),
        ("18446744073709551615", Input("a", "INT"), 2**64 - 1),
    ],
)  # fmt: skip
def test_a_value_is_read_as_its_input_wants_it(text: str, input: Input | None, value: object) -> None:
    assert parsed(text, input) == value


def test_a_package_of_the_same_name_elsewhere_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "nodes.py").write_text("")
    first = f"import sys; sys.path.insert(0, {str(tmp_path)!r})"
    code = f"{first}; from server import cli; sys.exit(cli.main(['config']))"
    found = subprocess.run(
        [sys.executable, "-c", code],
        cwd=cli.PROGRAM, capture_output=True, text=True,
    )  # fmt: skip
    assert (found.returncode, "hidden by" in found.stderr) == (2, True)


@pytest.mark.slow
def test_a_workflow_is_rendered_without_a_server(tmp_path: Path) -> None:
    out = tmp_path / "picture.png"
    values = ["sampler.steps=1", "positive.text=a rocket", "latent.width=130"]
    settings = [*(word for value in values for word in ("--set", value)), "-o", str(out), "--json"]
    found = subprocess.run(
        [sys.executable, "-m", "server", "run", "workflows/text_to_image.json", *settings],
        cwd=cli.PROGRAM, capture_output=True, text=True,
    )  # fmt: skip
    assert (found.returncode, json.loads(found.stdout)["files"]) == (0, [str(out)])
    assert " INFO " not in found.stderr and "KSampler\n" in found.stderr
    assert "Empty Latent Image: width is 130, which is not a multiple of 8, so 128 is used." in found.stderr
    assert out.read_bytes().startswith(b"\x89PNG")
