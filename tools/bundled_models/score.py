"""Scores of the bundled models: what was asked for, and what a judge or a measurement finds in the pictures.

`python -m tools.bundled_models.score` prints them as JSON.
"""

import argparse
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn.functional import max_pool2d

from diffusion.canny import canny
from tools.bundled_models import asked, networks, sampling
from tools.bundled_models.asked import Asked
from tools.bundled_models.colours import BACKGROUNDS, HUES, main_hue
from tools.bundled_models.compose import with_article
from tools.bundled_models.judge import PATH, Judge, Verdict
from tools.bundled_models.judge import read as read_judge
from tools.bundled_models.networks import Base
from tools.bundled_models.packages import ROOT
from tools.bundled_models.sampling import Steering
from tools.bundled_models.scenes import SCENES
from tools.bundled_models.sprites import STICKER, Pixels
from tools.bundled_models.train_controlnet import HIGH, LOW, begun

MODELS = ROOT / "models"
SEEDS = (101, 202, 303)
NEAR = 3
"""Pixels within which an edge follows the hint."""
BATCH = 24
Scores = dict[str, float]
T = TypeVar("T")


def pictures(base: Base, prompts: Sequence[str], seeds: Sequence[int]) -> list[Pixels]:
    """A picture for each prompt and seed, in batches."""
    found: list[Pixels] = []
    for start in range(0, len(prompts), BATCH):
        part = slice(start, start + BATCH)
        found += sampling.decoded(base, sampling.latents(base, prompts[part], seeds[part]))
    return found


def each_seed(items: Sequence[T]) -> tuple[list[T], list[int]]:
    """Each item with each seed."""
    return [item for item in items for _ in SEEDS], list(SEEDS) * len(items)


def others(seeds: Sequence[int]) -> list[int]:
    """For each seed another."""
    return [SEEDS[SEEDS.index(seed) - 1] for seed in seeds]


def asked_pictures(base: Base, wanted: Sequence[Asked]) -> tuple[list[Asked], list[Pixels]]:
    """Each with each seed."""
    all_asked, seeds = each_seed(wanted)
    return all_asked, pictures(base, [one.prompt for one in all_asked], seeds)


def share(right: Iterable[float]) -> float:
    """The mean in per cent: of what is true or false, the part that is true."""
    return round(100 * float(np.mean(list(right))), 1)


def base_scores(base: Base, judge: Judge, nouns: Sequence[str], most: int) -> Scores:
    """Objects, backgrounds, colours of objects, numbers, pairs."""
    found: Scores = {}
    wanted, made = asked_pictures(base, asked.objects(nouns, most))
    verdicts = judge.verdicts(made, nouns)
    found["object"] = share(said.nouns[0] == one.nouns[0] for one, said in zip(wanted, verdicts, strict=True))
    found["background"] = share(map(has_background, wanted, made, verdicts))
    wanted, made = asked_pictures(base, asked.colours(nouns, most // 3))
    found["object colour"] = share(
        nearest_hue(picture) == one.colour for one, picture in zip(wanted, made, strict=True)
    )
    wanted, made = asked_pictures(base, asked.counts(nouns, most // 3))
    found["count"] = share(
        said.count == one.count for one, said in zip(wanted, judge.verdicts(made, nouns), strict=True)
    )
    wanted, made = asked_pictures(base, asked.pairs(nouns, most // 3))
    found["pair"] = share(
        {said.nouns[0] for said in judge.verdicts(halves(picture), nouns)} == set(one.nouns)
        for one, picture in zip(wanted, made, strict=True)
    )
    return found


def halves(picture: Pixels) -> list[Pixels]:
    """The picture twice, with the other half empty each time: the judge is at its best with one object."""
    corner = np.median(picture[:10].reshape(-1, 3), 0).astype(np.uint8)
    left, right = picture.copy(), picture.copy()
    middle = picture.shape[1] // 2
    left[:, middle:] = corner
    right[:, :middle] = corner
    return [left, right]


def has_background(one: Asked, picture: Pixels, said: Verdict) -> bool:
    """Whether the corners have the named colour rather than any other, or the scene is the one named."""
    if one.background in SCENES:
        return said.scene == one.background
    return nearest_background(picture) == one.background


def nearest_background(picture: Pixels) -> str:
    """The named colour nearest to the picture's corners."""
    corners = [picture[y, x] for y in (np.s_[:10], np.s_[-10:]) for x in (np.s_[:10], np.s_[-10:])]
    colour = np.median(np.concatenate([corner.reshape(-1, 3) for corner in corners]), 0)
    return min(BACKGROUNDS, key=lambda name: float(np.abs(colour - BACKGROUNDS[name]).sum()))


def nearest_hue(picture: Pixels) -> str | None:
    """The named hue nearest to the object's, which is what differs from the corners; None if it is grey."""
    corner = np.median(picture[:10, :10].reshape(-1, 3), 0)
    differs = np.abs(picture.astype(np.float32) - corner).max(-1) > 60
    hue = main_hue(picture[differs].astype(np.float32) / 255, least=0.2, agreement=0.3)
    if hue is None:
        return None
    return min(HUES, key=lambda name: abs((hue - HUES[name] + 180) % 360 - 180))


def edges(made: Sequence[Pixels]) -> Tensor:
    """Edges [count, 3, height, width] of pictures, 0 or 1, as the hint of the ControlNet has them."""
    images = torch.from_numpy(np.stack(made)).float() / 255
    return torch.as_tensor(canny(images, LOW, HIGH)).movedim(-1, 1)


def steering(base: Base, path: Path, hint: Tensor) -> Steering:
    """What a ControlNet file adds to the U-Net for a hint [count, 3, height, width], 0 or 1."""
    control = begun(base, path)
    twice = hint.repeat(2, 1, 1, 1)

    def steer(x: Tensor, time: int, context: Tensor) -> dict[str, object]:
        down, middle = control(x, time, context, controlnet_cond=twice, return_dict=False)
        return {"down_block_additional_residuals": down, "mid_block_additional_residual": middle}

    return steer


def with_and_without(
    base: Base, steer: Steering, prompts: Sequence[str], name: str, measure: Callable[[list[Pixels]], float]
) -> Scores:
    """A measure of pictures that a ControlNet steers, and of the same pictures without it."""
    seeds = list(SEEDS) * (len(prompts) // len(SEEDS))
    made, free = (
        sampling.decoded(base, sampling.latents(base, prompts, seeds, steer=chosen))
        for chosen in (steer, None)
    )
    return {name: measure(made), f"{name}, without": measure(free)}


def edge_scores(base: Base, path: Path, nouns: Sequence[str], most: int) -> Scores:
    """How many of the new picture's edges lie near the hint's, with the ControlNet and without it.

    The hints are the edges of other pictures of the base, of smaller objects at one side, where they are not
    drawn of themselves.
    """
    chosen, seeds = each_seed(every_so_often(nouns, most))
    sides = ("on the left", "on the right")
    prompts = [
        f"{with_article(noun)} {sides[index % 2]}, white background" for index, noun in enumerate(chosen)
    ]
    hint = edges(pictures(base, prompts, others(seeds)))
    near = max_pool2d(hint, 2 * NEAR + 1, stride=1, padding=NEAR)

    def measure(made: list[Pixels]) -> float:
        found = edges(made)
        return share(((found * near).sum((1, 2, 3)) / found.sum((1, 2, 3)).clamp(min=1)).tolist())

    prompts = [f"{with_article(noun)} on a blue background" for noun in chosen]
    return with_and_without(base, steering(base, path, hint), prompts, "edges near the hint", measure)


def mask_scores(base: Base, path: Path, nouns: Sequence[str], most: int) -> Scores:
    """How much of the object lies inside the disc it was given, with the ControlNet and without."""
    chosen, _ = each_seed(every_so_often(nouns, most))
    y, x = torch.meshgrid(torch.arange(128), torch.arange(128), indexing="ij")
    spots = [(34 + 60 * (index % 2), 34 + 60 * (index // 2 % 2)) for index in range(len(chosen))]
    masks = torch.stack([((x - left) ** 2 + (y - top) ** 2 < 28**2).float() for left, top in spots])
    near = max_pool2d(masks[:, None], 9, stride=1, padding=4)[:, 0]

    def measure(made: list[Pixels]) -> float:
        found = torch.stack([torch.from_numpy(foreground(picture)) for picture in made]).float()
        return share(((found * near).sum((1, 2)) / found.sum((1, 2)).clamp(min=1)).tolist())

    prompts = [f"{with_article(noun)} on a light blue background" for noun in chosen]
    steer = steering(base, path, masks[:, None].expand(-1, 3, -1, -1))
    return with_and_without(base, steer, prompts, "object inside the mask", measure)


def every_so_often(nouns: Sequence[str], most: int) -> Sequence[str]:
    """About so many of the nouns, at equal distances."""
    return nouns[:: max(1, -(-len(nouns) // most))]


def foreground(picture: Pixels) -> np.ndarray:
    """Where a picture differs from the colour of its border, bool [height, width]."""
    border = np.concatenate([picture[:4].reshape(-1, 3), picture[-4:].reshape(-1, 3)])
    difference: np.ndarray = np.abs(picture.astype(np.float32) - np.median(border, 0)).max(-1) > 40
    return difference


def lora_scores(base: Base, path: Path, judge: Judge, nouns: Sequence[str], most: int) -> Scores:
    """How many pictures have the style of the LoRA with it and without it, and still show what was asked."""
    chosen, seeds = each_seed(every_so_often(nouns, most))
    prompts = [f"{with_article(noun)} on a blue background" for noun in chosen]
    before = judge.verdicts(pictures(base, prompts, seeds), nouns)
    add_lora(base, load_file(path), 1.0)
    after = judge.verdicts(pictures(base, prompts, seeds), nouns)
    add_lora(base, load_file(path), -1.0)
    return {
        "style": share(said.style == STICKER for said in after),
        "style, without": share(said.style == STICKER for said in before),
        "style, object": share(said.nouns[0] == noun for noun, said in zip(chosen, after, strict=True)),
    }


def flat_scores(base: Base, judge: Judge, nouns: Sequence[str], most: int) -> Scores:
    """How many pictures have the drawing style that the prompt names, and show what was asked."""
    chosen, seeds = each_seed(every_so_often(nouns, most))
    prompts = [f"flat icon of {with_article(noun)} on a blue background" for noun in chosen]
    said = judge.verdicts(pictures(base, prompts, seeds), nouns)
    return {
        "flat": share(one.style == "flat" for one in said),
        "flat, object": share(one.nouns[0] == noun for noun, one in zip(chosen, said, strict=True)),
    }


def turbo_scores(base: Base, path: Path, judge: Judge, nouns: Sequence[str], most: int) -> Scores:
    """What four steps without guidance draw: is it what was asked, and how firm it is.

    The latter as the edges in the pictures, compared with those of all steps, guided: without the LoRA they
    are blurred.
    """
    chosen, seeds = each_seed(every_so_often(nouns, most))
    prompts = [f"{with_article(noun)} on a blue background" for noun in chosen]
    firm = float(edges(pictures(base, prompts, seeds)).mean())
    found: Scores = {}
    for strength, name in ((0.0, "four steps, edges, without"), (1.0, "four steps, edges")):
        add_lora(base, load_file(path), strength)
        made = sampling.decoded(base, sampling.few_steps(base, prompts, seeds))
        found[name] = round(100 * float(edges(made).mean()) / firm, 1)
    add_lora(base, load_file(path), -1.0)
    said = judge.verdicts(made, nouns)
    found["four steps"] = share(one.nouns[0] == noun for noun, one in zip(chosen, said, strict=True))
    return found


@torch.no_grad()
def add_lora(base: Base, weights: dict[str, Tensor], strength: float) -> None:
    """Add a LoRA with kohya's key names to the U-Net's weights."""
    modules = {"lora_unet_" + name.replace(".", "_"): module for name, module in base.unet.named_modules()}
    for key in {key.split(".")[0] for key in weights}:
        down, up = (weights[f"{key}.lora_{side}.weight"].float() for side in ("down", "up"))
        weight: Tensor = modules[key].get_parameter("weight")
        scale = strength * float(weights[f"{key}.alpha"]) / len(down)
        weight += scale * (up.flatten(1) @ down.flatten(1)).view_as(weight)


def inpaint_scores(base: Base, judge: Judge, nouns: Sequence[str], most: int) -> Scores:
    """Another object painted into the middle: is it the one asked for, is the rim unchanged."""
    chosen, seeds = each_seed(every_so_often(nouns, most))
    new = [*chosen[len(chosen) // 2 :], *chosen[: len(chosen) // 2]]
    before = [f"{with_article(noun)} on a light green background" for noun in chosen]
    after = [f"{with_article(noun)} on a light green background" for noun in new]
    where = torch.zeros(len(before), 1, 16, 16)
    where[:, :, 1:15, 1:15] = 1
    x = sampling.latents(base, before, seeds)
    y = sampling.latents(base, after, others(seeds), painting=sampling.Painting(x, where))
    old, made = sampling.decoded(base, x), sampling.decoded(base, y)
    kept = [
        np.abs(a[:, :4].astype(np.float32) - b[:, :4]).mean() < 12 for a, b in zip(old, made, strict=True)
    ]
    said = judge.verdicts(made, nouns)
    return {
        "inpainted object": share(one.nouns[0] == noun for noun, one in zip(new, said, strict=True)),
        "inpainting keeps the rest": share(map(bool, kept)),
    }


def all_scores(models: Path, judge: Judge, nouns: Sequence[str], most: int) -> Scores:
    """Every score there are files for.

    `most`: how many prompts for the first score; the others take a third.
    """
    base = networks.read(models / "checkpoints" / "photogram.safetensors")
    for network in (base.unet, base.text, base.vae):
        network.eval().requires_grad_(False)
    found = base_scores(base, judge, nouns, most) | inpaint_scores(base, judge, nouns, most // 3)
    found |= flat_scores(base, judge, nouns, most // 3)
    companions: dict[str, Callable[[Path], Scores]] = {
        "controlnet/photogram_edges.safetensors": lambda path: edge_scores(base, path, nouns, most // 3),
        "controlnet/photogram_mask.safetensors": lambda path: mask_scores(base, path, nouns, most // 3),
        "loras/photogram_stickers.safetensors": lambda path: lora_scores(base, path, judge, nouns, most // 3),
        "loras/photogram_turbo.safetensors": lambda path: turbo_scores(base, path, judge, nouns, most // 3),
    }
    for name, score in companions.items():
        if (models / name).is_file():
            found |= score(models / name)
    return found


def main() -> None:
    """Print every score as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, default=MODELS, help="a folder laid out as models/")
    parser.add_argument("--judge", type=Path, default=PATH)
    parser.add_argument("--prompts", type=int, default=72, help="for the first score; others take a third")
    options = parser.parse_args()
    about = networks.metadata(options.models / "checkpoints" / "photogram.safetensors")
    nouns = json.loads(about["photogram.objects"])
    torch.set_num_threads(1)
    print(json.dumps(all_scores(options.models, read_judge(options.judge), nouns, options.prompts), indent=1))


if __name__ == "__main__":
    main()
