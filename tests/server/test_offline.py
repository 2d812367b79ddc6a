"""A run without a server: a worker of its own, and pictures where they were asked for."""

import json
import os
from pathlib import Path

import msgspec
import pytest
import torch
from safetensors.torch import load_file

from graph import document
from server import api
from server.config import PROGRAM
from server.offline import NotWritten, bench, catalog, moved, newest_change
from tests.server.served import CATALOG, config_in


def ended(*names: str) -> api.Run:
    items = tuple(api.ShownItem("image", "output", name) for name in names)
    return api.Run("1", "succeeded", "", 0.0, outputs=(api.RunOutput("save", items),))


@pytest.fixture
def output(tmp_path: Path) -> Path:
    (tmp_path / "made" / "sub").mkdir(parents=True)
    for name in ("a_00001_.png", "a_00002_.png", "sub/b_00001_.png"):
        (tmp_path / "made" / name).write_text(name)
    return tmp_path / "made"


def test_one_picture_gets_the_name_that_was_asked_for(output: Path, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    assert moved(ended("a_00001_.png"), output, tmp_path / "new" / "x.png", tmp_path) == [
        tmp_path / "new" / "x.png"
    ]
    assert (tmp_path / "new" / "x.png").read_text() == "a_00001_.png"


def test_further_pictures_are_numbered_on(output: Path, tmp_path: Path) -> None:
    made = moved(ended("a_00001_.png", "a_00002_.png"), output, tmp_path / "x.png", tmp_path)
    assert [path.name for path in made] == ["x.png", "x_2.png"]


def test_into_a_folder_pictures_go_with_their_own_names(output: Path, tmp_path: Path) -> None:
    assert moved(ended("sub/b_00001_.png"), output, tmp_path, tmp_path) == [tmp_path / "b_00001_.png"]


def test_weights_that_a_run_saved_are_moved_too_under_the_ending_they_have(
    output: Path, tmp_path: Path
) -> None:
    (output / "vae.safetensors").write_text("weights")
    items = (
        api.ShownItem("file", "output", "vae.safetensors"),
        api.ShownItem("image", "output", "a_00001_.png"),
    )
    run = api.Run("1", "succeeded", "", 0.0, outputs=(api.RunOutput("save", items),))
    made = moved(run, output, tmp_path / "x.png", tmp_path)
    assert [path.name for path in made] == ["x.safetensors", "x_2.png"]
    assert made[0].read_text() == "weights"


def test_a_picture_that_cannot_go_where_it_was_asked_for_is_kept(output: Path, tmp_path: Path) -> None:
    with pytest.raises(NotWritten, match="x.png cannot be written: no such file or directory") as told:
        moved(ended("a_00001_.png", "a_00002_.png"), output, tmp_path / "no" / "x.png", tmp_path / "spare")
    kept = [tmp_path / "spare" / f"a_0000{number}_.png" for number in (1, 2)]
    assert [path.read_text() for path in kept] == ["a_00001_.png", "a_00002_.png"]
    assert told.value.hint == f"What was made is kept as {kept[0]}, {kept[1]}."


async def test_the_kept_catalog_serves_until_a_node_changes(tmp_path: Path) -> None:
    config = config_in(tmp_path)
    kept = config.data / "catalog.json"
    kept.parent.mkdir()
    kept.write_bytes(msgspec.json.encode(CATALOG))
    assert await catalog(config) == CATALOG
    config.custom_nodes.mkdir()
    (config.custom_nodes / "new.py").touch()
    os.utime(config.custom_nodes / "new.py", (kept.stat().st_mtime + 9, kept.stat().st_mtime + 9))
    assert newest_change(config) > kept.stat().st_mtime


@pytest.mark.slow
async def test_a_pickled_file_is_converted_once_for_all_runs_without_a_server(
    tmp_path: Path,
) -> None:
    config = config_in(tmp_path)
    (upscalers := config.models[0] / "upscale_models").mkdir(parents=True)
    bundled = PROGRAM / "models" / "upscale_models" / "photogram_realesr_x4.safetensors"
    torch.save(load_file(bundled), upscalers / "x4.pth")
    nodes = {
        "picture": {"type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 255}},
        "upscaler": {"type": "UpscaleModelLoader", "inputs": {"model_name": "x4.pth"}},
        "large": {
            "type": "ImageUpscaleWithModel",
            "inputs": {
                "upscale_model": {"link": ["upscaler", "UPSCALE_MODEL"]},
                "image": {"link": ["picture", "IMAGE"]},
            },
        },
        "save": {"type": "SaveImage", "inputs": {"images": {"link": ["large", "IMAGE"]}}},
    }
    workflow = document.read(json.dumps({"format": 1, "nodes": nodes}))
    times = []
    for _ in range(2):
        async with bench(config) as worker:
            run = await worker.render(workflow, None, lambda event: None)
        assert run.state == "succeeded", run.problems
        times.append([path.stat().st_mtime_ns for path in (config.data / "converted").rglob("*.safetensors")])
    assert len(times[0]) == 1
    assert times[0] == times[1]
