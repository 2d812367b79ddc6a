"""Every template runs on the bundled model, and makes what it says."""

import asyncio
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from graph import document
from server.config import Config
from server.offline import bench
from tools.bundled_models import judge

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = sorted((ROOT / "workflows").glob("*.json"))
SIZES = {
    **dict.fromkeys(
        ("text_to_image", "image_to_image", "controlnet_edges", "lora_stickers", "four_steps"), (512, 512)
    ),
    "outpaint": (240, 128),
    "sweep": (645, 440),
    "two_pass_upscale": (192, 192),
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Image.Image]:
    """What each template saves, all made by one worker."""
    home = tmp_path_factory.mktemp("templates")
    shutil.copytree(ROOT / "workflows" / "inputs", home / "input")
    config = Config(input=home / "input", output=home / "output", precision="float32")

    async def render() -> dict[str, Image.Image]:
        made = {}
        async with bench(config) as worker:
            for path in TEMPLATES:
                run = await worker.render(document.read(path.read_text()), None, lambda event: None)
                assert run.state == "succeeded", (path.stem, run.problems)
                saved = next(output for output in run.outputs if output.node == "save")
                made[path.stem] = Image.open(config.output / saved.items[0].name).convert("RGB")
        return made

    return asyncio.run(render())


def unscaled(picture: Image.Image) -> Image.Image:
    """The picture as it was before the upscaler."""
    return picture.resize((128, 128), Image.Resampling.BOX) if picture.size == (512, 512) else picture


def part(picture: Image.Image, left: int, top: int, right: int, bottom: int) -> np.ndarray:
    """The mean colour of a box, in pixels of the unscaled picture."""
    return np.asarray(unscaled(picture).crop((left, top, right, bottom)), float).mean((0, 1))


def test_every_template_is_told_to_the_person_who_chooses():
    told = {path.stem: document.read(path.read_text()) for path in TEMPLATES}
    assert [
        name for name, found in told.items() if not found.graph.title or not found.extra.get("description")
    ] == []
    assert [name for name in told if not (ROOT / "workflows" / f"{name}.webp").is_file()] == []


@pytest.mark.parametrize("name", [path.stem for path in TEMPLATES])
def test_the_picture_has_the_size_the_template_promises(name, pictures):
    assert pictures[name].size == SIZES.get(name, (128, 128))


def test_a_red_apple_on_a_blue_background_is_red_on_blue(pictures):
    middle, corner = (
        part(pictures["text_to_image"], 40, 45, 90, 100),
        part(pictures["text_to_image"], 0, 0, 12, 12),
    )
    assert middle.argmax() == 0
    assert corner.argmax() == 2


def test_inpainting_keeps_what_is_not_masked(pictures):
    before = Image.open(ROOT / "workflows/inputs/photogram_apple.png").convert("RGB")
    assert np.abs(part(pictures["inpaint"], 0, 0, 128, 8) - part(before, 0, 0, 128, 8)).max() < 12


def test_inpainting_paints_the_masked_part_anew(pictures):
    middle = part(pictures["inpaint"], 48, 48, 84, 100)
    assert middle.argmax() == 1, "a green frog where the red apple was"


def test_outpainting_keeps_the_picture_and_paints_beside_it(pictures):
    kept, painted = part(pictures["outpaint"], 40, 45, 80, 100), part(pictures["outpaint"], 150, 45, 220, 100)
    assert kept.argmax() == 0, "the red apple"
    assert painted.argmax() == 1, "a green frog"


def test_image_to_image_follows_its_new_prompt(pictures):
    assert part(pictures["image_to_image"], 0, 110, 128, 128).min() > 120, "snow at the feet of the penguin"


def test_edges_decide_the_shape_and_words_the_colours(pictures):
    before = np.asarray(Image.open(ROOT / "workflows/inputs/photogram_apple.png").convert("RGB"), float)
    after = np.asarray(unscaled(pictures["controlnet_edges"]), float)
    shapes = [np.abs(picture - picture[3, 3]).max(-1) > 60 for picture in (before, after)]
    assert (shapes[0] & shapes[1]).sum() / (shapes[0] | shapes[1]).sum() > 0.7, "the apple's outline"
    assert part(pictures["controlnet_edges"], 40, 60, 80, 100).argmax() == 1, "a green apple"
    assert part(pictures["controlnet_edges"], 0, 0, 12, 12).argmin() == 2, "on yellow"


def test_a_lora_changes_the_style_that_the_model_has(pictures):
    made = [np.asarray(unscaled(pictures[name])) for name in ("text_to_image", "lora_stickers")]
    seen = judge.read().verdicts(made)
    assert [one.style for one in seen] == ["3d", "sticker"]


def test_four_steps_are_enough_with_a_lora_for_it(pictures):
    [seen] = judge.read().verdicts([np.asarray(unscaled(pictures["four_steps"]))])
    assert seen.nouns[0] == "mushroom"
