from pathlib import Path

import pytest

from graph.errors import WorkflowError
from server.inputs import FolderFiles, FolderInputs


@pytest.fixture
def inputs(tmp_path: Path) -> FolderInputs:
    for name in ("input/sub/b.png", "input/a.png", "output/c.png", "temp/d.png", "secret.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return FolderInputs({folder: tmp_path / folder for folder in ("input", "output", "temp")})


@pytest.fixture
def files(tmp_path: Path, inputs: FolderInputs) -> FolderFiles:
    (tmp_path / "models" / "checkpoints").mkdir(parents=True)
    (tmp_path / "models" / "checkpoints" / "m.safetensors").write_text("weights")
    return FolderFiles([tmp_path / "models"], inputs)


@pytest.mark.parametrize(
    ("name", "lies"),
    [
        ("a.png", "input/a.png"),
        ("sub/b.png", "input/sub/b.png"),
        ("sub\\b.png", "input/sub/b.png"),
        ("a.png [input]", "input/a.png"),
        ("c.png [output]", "output/c.png"),
        ("d.png [temp]", "temp/d.png"),
    ],
)
def test_a_name_says_in_which_folder_the_file_lies(
    inputs: FolderInputs, tmp_path: Path, name: str, lies: str
) -> None:
    assert inputs.path(name) == tmp_path / lies


@pytest.mark.parametrize(
    "name", ["../secret.txt", "/etc/passwd", "sub/../../secret.txt", "sub", "", "a\0.png", "link"]
)
def test_nothing_outside_the_folder_is_found(inputs: FolderInputs, tmp_path: Path, name: str) -> None:
    (tmp_path / "input" / "link").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(WorkflowError, match="There is no file"):
        inputs.path(name)


def test_a_missing_file_is_told_with_the_nearest_name(inputs: FolderInputs) -> None:
    with pytest.raises(WorkflowError) as caught:
        inputs.path("aa.png")
    assert "a.png" in caught.value.hint


def test_a_digest_follows_the_content(inputs: FolderInputs, tmp_path: Path) -> None:
    before = inputs.digest("a.png")
    (tmp_path / "input" / "a.png").write_text("something longer")
    assert inputs.digest("a.png") != before


def test_a_stamp_tells_a_changed_file(files: FolderFiles, tmp_path: Path) -> None:
    before = files.stamp("checkpoints", "m.safetensors")
    (tmp_path / "models" / "checkpoints" / "m.safetensors").write_text("other weights")
    assert before is not None
    assert files.stamp("checkpoints", "m.safetensors") != before


def test_a_missing_file_has_no_stamp(files: FolderFiles) -> None:
    assert files.stamp("checkpoints", "n.safetensors") is None


def test_a_model_may_be_linked_from_another_disk(files: FolderFiles, tmp_path: Path) -> None:
    (tmp_path / "big.safetensors").write_text("big")
    (tmp_path / "models" / "checkpoints" / "big.safetensors").symlink_to(tmp_path / "big.safetensors")
    assert files.path("checkpoints", "big.safetensors").read_text() == "big"


def test_a_picker_for_pictures_looks_in_the_input_folder(files: FolderFiles, tmp_path: Path) -> None:
    assert files.path("input", "a.png") == tmp_path / "input" / "a.png"


@pytest.mark.parametrize("name", ["c.png", "c.png [output]"])
def test_a_picker_for_results_looks_in_the_output_folder(
    files: FolderFiles, tmp_path: Path, name: str
) -> None:
    assert files.path("output", name) == tmp_path / "output" / "c.png"


def test_of_a_model_that_is_a_folder_the_index_is_looked_at(files: FolderFiles, tmp_path: Path) -> None:
    index = tmp_path / "models/diffusers/a/model_index.json"
    index.parent.mkdir(parents=True)
    index.write_text("{}")
    assert files.path("diffusers", "a") == index and files.stamp("diffusers", "b") is None


@pytest.mark.parametrize("side", ["encoder", "decoder"])
def test_a_change_of_either_file_of_a_taesd_is_told(files: FolderFiles, tmp_path: Path, side: str) -> None:
    folder = tmp_path / "models/vae_approx/small"
    folder.mkdir(parents=True)
    for name in ("taesd_encoder.safetensors", "taesd_decoder.safetensors"):
        (folder / name).write_text("weights")
    before = files.stamp("vae", "taesd")
    assert files.stamp("vae", "taesd") == before
    (folder / f"taesd_{side}.safetensors").write_text("other weights")
    assert files.stamp("vae", "taesd") != before
