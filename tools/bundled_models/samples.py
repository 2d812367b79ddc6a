"""The pictures of docs/samples.md: fixed prompts, the seed 1 for each, nothing picked.

`python -m tools.bundled_models.samples` paints them anew.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from safetensors.torch import load_file

from tools.bundled_models import networks, sampling, score
from tools.bundled_models.compose import with_article
from tools.bundled_models.networks import Base
from tools.bundled_models.packages import ROOT
from tools.bundled_models.sprites import Pixels

PROMPTS = (
    "a red apple on a blue background",
    "a rocket in the night sky",
    "a penguin in the snow",
    "two mushrooms on the grass",
    "a castle in a green field",
    "a green frog on a white background",
    "a blue car on the beach",
    "a small snowman at sunset",
    "a cactus in the desert",
    "three stars on a navy background",
    "a pizza on a wooden table",
    "a ghost on a purple background",
    "a panda on a pink background",
    "a fish under water",
    "a robot in outer space with stars",
    "an airplane in a blue sky with clouds",
    "a purple heart on a yellow background",
    "a banana on a teal background",
    "a house on the left, light blue background",
    "a donut and a cup of coffee on a white background",
    "a kitten on a beige background",
    "a huge diamond on a black background",
    "a flower in the garden",
    "a spaceship in the galaxy",
)
PLAIN = ("a red apple", "a penguin", "a castle", "a car", "a frog", "a snowman", "a mushroom", "a robot")
TITLE = 26
SEED = 1
COLUMNS = 8


def sheet(
    made: Sequence[Pixels], titles: Sequence[str], columns: int = COLUMNS, side: int = 128
) -> Image.Image:
    """Pictures in rows, each with its words below it."""
    rows = -(-len(made) // columns)
    page = Image.new("RGB", (min(columns, len(made)) * side, rows * (side + TITLE)), "white")
    draw = ImageDraw.Draw(page)
    for index, (picture, title) in enumerate(zip(made, titles, strict=True)):
        x, y = index % columns * side, index // columns * (side + TITLE)
        page.paste(Image.fromarray(picture).resize((side, side), Image.Resampling.BOX), (x, y))
        room = side // 6 + 1
        cut = title.rfind(" ", 0, room) if len(title) > room else len(title)
        draw.text((x + 2, y + side + 1), title[:cut], fill="black")
        draw.text((x + 2, y + side + 12), title[cut:].strip(), fill="black")
    return page


def seeds(count: int) -> list[int]:
    """The same seed for every picture."""
    return [SEED] * count


def steered(base: Base, path: Path) -> tuple[list[Pixels], list[str]]:
    """Edges of the base's own pictures, and what the ControlNet makes of them with another prompt."""
    first = [f"{noun} on a white background" for noun in PLAIN[:4]]
    second = [f"{noun} on a light green background" for noun in PLAIN[:4]]
    hint = score.edges(score.pictures(base, first, seeds(4)))
    steer = score.steering(base, path, hint)
    made = sampling.decoded(base, sampling.latents(base, second, [SEED + 1] * 4, steer=steer))
    hints = [np.asarray((edge.movedim(0, -1) * 255).byte()) for edge in hint]
    pictures = [picture for both in zip(hints, made, strict=True) for picture in both]
    return pictures, [title for prompt in second for title in ("the hint", prompt)]


def main() -> None:
    """Paint every sheet for which there are files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, default=score.MODELS)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "samples")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    checkpoint = options.models / "checkpoints" / "photogram.safetensors"
    base = networks.read(checkpoint)
    base.vae.eval()
    sheets = {"text_to_image": sheet(score.pictures(base, PROMPTS, seeds(len(PROMPTS))), PROMPTS)}
    nouns = json.loads(networks.metadata(checkpoint)["photogram.objects"])
    prompts = [f"{with_article(noun)} on a white background" for noun in nouns]
    sheets["objects"] = sheet(score.pictures(base, prompts, seeds(len(nouns))), nouns, 16, 64)
    control = options.models / "controlnet" / "photogram_edges.safetensors"
    if control.is_file():
        sheets["edges"] = sheet(*steered(base, control))
    lora = options.models / "loras" / "photogram_stickers.safetensors"
    if lora.is_file():
        prompts = [f"{noun} on a blue background" for noun in PLAIN]
        before = score.pictures(base, prompts, seeds(len(prompts)))
        score.add_lora(base, load_file(lora), 1.0)
        after = score.pictures(base, prompts, seeds(len(prompts)))
        score.add_lora(base, load_file(lora), -1.0)
        titles = [*prompts, *(f"{prompt}, LoRA" for prompt in prompts)]
        sheets["stickers"] = sheet([*before, *after], titles)
    turbo = options.models / "loras" / "photogram_turbo.safetensors"
    if turbo.is_file():
        score.add_lora(base, load_file(turbo), 1.0)
        sheets["turbo"] = sheet(
            sampling.decoded(base, sampling.few_steps(base, PROMPTS[:8], seeds(8))), PROMPTS[:8]
        )
    for name, page in sheets.items():
        page.save(options.out / f"{name}.webp", quality=80, method=6)


if __name__ == "__main__":
    main()
