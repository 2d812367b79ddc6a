"""The worker process as it is installed: the built-in nodes, torch, and the bundled model."""

import json
from pathlib import Path

import pytest
from PIL import Image as Pictures

from graph import document
from tests.server.toys import plant

ROOT = Path(__file__).resolve().parents[2]


def small(name: str) -> str:
    """A template, with few steps."""
    data = json.loads((ROOT / "workflows" / name).read_text())
    for node in data["nodes"].values():
        if "steps" in node.get("inputs", {}):
            node["inputs"]["steps"] = 2
    return document.write(document.from_json(data))


@pytest.mark.slow
async def test_the_bundled_model_makes_a_picture_that_holds_its_workflow(tmp_path: Path) -> None:
    async with plant(tmp_path, builtin_nodes=True, version="1.2.3", precision="float32", packs=()) as toys:
        (tmp_path / "models").symlink_to(ROOT / "models")
        text = small("text_to_image.json")
        run = await toys.ended((await toys.queue.add(text)).id, 100)
        assert (run.state, run.problems) == ("succeeded", ())
        (item,) = run.outputs[0].items
        with Pictures.open(tmp_path / "output" / item.name) as picture:
            assert picture.size == (item.width, item.height)
            assert json.loads(picture.info["workflow"]) == json.loads(text)
            assert json.loads(picture.info["photogram"]) == {
                "version": "1.2.3",
                "device": "cpu",
                "precision": "float32",
            }
            assert str(tmp_path) not in str(picture.info)
        again = await toys.ended((await toys.queue.add(text)).id, 10)
        assert again.outputs == run.outputs
