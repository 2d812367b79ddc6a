"""Nodes that show how diffusion works: noise over a picture, schedules, every step of a run, sweeps."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Annotated, Any, ClassVar, NamedTuple

import torch

from diffusion.chart import chart
from diffusion.guidance import cfg as guided_by
from diffusion.inpaint import as_noise_mask
from diffusion.model import Model
from diffusion.named import named
from diffusion.noise import RunNoise
from diffusion.noising import CORRUPTIONS, corrupted
from diffusion.sample import Guider, Job, sample
from diffusion.samplers import SAMPLERS
from diffusion.schedules import SCHEDULES, last_part
from diffusion.sheet import Labels, sheet
from diffusion.values import Conditioning, Image, Latent
from graph.define import node
from graph.errors import WorkflowError
from graph.services import Progress, quiet
from graph.widgets import OneOf, Range, Seed, Text

TRUTHS = {"true": True, "false": False}
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII)
EXACT = 2**53
"""Below it, a whole number written as a decimal is what was written."""


class Noised(NamedTuple):
    """A picture under noise, and its way there."""

    image: Image
    strip: Image


@node("NoiseStrip", category="sampling/explain", title="Noise a Picture", outputs=("IMAGE", "STRIP"))
def noise_strip(
    image: Image,
    time: Annotated[float, Range(0.0, 1.0, step=0.01, slider=True)] = 0.5,
    schedule: Annotated[str, OneOf(CORRUPTIONS)] = "scaled_linear",
    frames: Annotated[int, Range(2, 32)] = 8,
    seed: Seed = 0,
) -> Noised:
    """Add noise to a picture as in training, and show the way from clean to static.

    Args:
        image: The picture.
        time: 0 is the clean picture, 1 the end of the schedule.
        schedule: How fast the picture drowns: as in Stable Diffusion, as in the first diffusion models, along
            a cosine, or along the straight line of flow models.
        frames: How many pictures the strip has.
        seed: The noise.

    Returns:
        image: The picture at that time.
        strip: The picture at evenly spaced times from 0 to 1, each with its time.
    """
    corruption = named(schedule, CORRUPTIONS)
    times = [frame / (frames - 1) for frame in range(frames)]
    strip = corrupted(image, times, corruption, seed)
    labels = Labels(tuple(f"t = {each:.2f}" for each in times))
    return Noised(corrupted(image, [time], corruption, seed), sheet([each[None] for each in strip], labels))


@node("SchedulePlot", category="sampling/explain", title="Plot Schedule", outputs=("IMAGE",))
def schedule_plot(
    model: Model,
    scheduler: Annotated[str, OneOf(SCHEDULES)] = "karras",
    steps: Annotated[int, Range(1, 10_000)] = 20,
    denoise: Annotated[float, Range(0.0, 1.0, step=0.01)] = 1.0,
) -> Image:
    """Draw the noise level over the steps; the other schedules stay in the background.

    Args:
        model: Whose noise levels.
        scheduler: The schedule to stand out.
        steps: How many steps.
        denoise: Less than 1 runs the last part only.

    Returns:
        The chart, with the noise level on a logarithmic axis; the last level, 0, lies at the bottom.
    """
    lines = {
        name: list(enumerate(last_part(schedule, steps, model.noise, denoise)))
        for name, schedule in SCHEDULES.items()
    }
    chosen = scheduler if scheduler in lines else next(iter(lines))
    return chart(lines, chosen, "step", "noise level (sigma)")


class EveryStep(NamedTuple):
    """The end of a run, and what it saw on the way."""

    latent: Latent
    steps: Latent


@node(
    "KSamplerEveryStep",
    category="sampling/explain",
    title="KSampler (Every Step)",
    outputs=("LATENT", "STEPS"),
)
def ksampler_every_step(
    model: Model,
    positive: Conditioning,
    negative: Conditioning,
    latent_image: Latent,
    seed: Seed = 0,
    steps: Annotated[int, Range(1, 1000)] = 20,
    cfg: Annotated[float, Range(0.0, 100.0, step=0.1, round_to=0.01)] = 8.0,
    sampler_name: Annotated[str, OneOf(SAMPLERS)] = "euler",
    scheduler: Annotated[str, OneOf(SCHEDULES)] = "simple",
    denoise: Annotated[float, Range(0.0, 1.0, step=0.01)] = 1.0,
    *,
    progress: Progress = quiet,
) -> EveryStep:
    """Denoise a latent and keep what the model took the clean picture for at every step.

    Args:
        model: The model that denoises.
        positive: What the picture should show.
        negative: What it should not.
        latent_image: Where to start: an empty latent, or a picture to change.
        seed: The noise to start from; the same seed and settings give the same picture.
        steps: More steps are slower and, up to a point, finer.
        cfg: How strongly the picture follows the prompt.
        sampler_name: The method that takes the steps.
        scheduler: How the noise is spread over the steps.
        denoise: 1 starts from pure noise; less keeps more of the input.

    Returns:
        latent: The denoised latent, as KSampler gives it.
        steps: One latent for each step of the first picture: decode them to leaf from static to picture.
    """
    guider, sampler = Guider(model, (positive,), (negative,), guided_by(cfg)), named(sampler_name, SAMPLERS)
    schedule = named(scheduler, SCHEDULES)
    sigmas = last_part(schedule, steps, model.noise, denoise, not sampler.skips_penultimate)
    seen: list[torch.Tensor] = []
    end = sample(Job(guider, latent_image, sigmas, sampler, RunNoise(seed)), progress, keep=seen.append)
    way = torch.cat([each[:1] for each in seen] or [end.samples[:1]])
    mask = None if end.noise_mask is None else as_noise_mask(end.noise_mask)[:1]
    return EveryStep(end, Latent(way, mask, extra=end.extra))


@dataclass(frozen=True, slots=True)
class Sweep:
    """The values of a sweep's two axes, as they were written, and what the axes are called."""

    labels: Labels
    socket: ClassVar[str] = "SWEEP"


class Swept(NamedTuple):
    """One value of each axis for every cell of the sheet, row by row."""

    x: list[Any]
    y: list[Any]
    sweep: Sweep


def a_value_a_line(values: dict[str, Any]) -> dict[str, Any]:
    """The inputs of version 1, which split lines at their commas too."""
    texts = {name: values.get(name) for name in ("x_values", "y_values")}
    broken = {name: text for name, text in texts.items() if isinstance(text, str) and "\n" in text.strip()}
    return {**values, **{name: text.replace(",", "\n") for name, text in broken.items()}}


@node(
    "Sweep",
    category="sampling/explain",
    outputs=("X", "Y", "SWEEP"),
    version=2,
    upgrades={1: a_value_a_line},
)
def sweep(
    x_name: str = "cfg",
    x_values: Annotated[str, Text(multiline=True)] = "2, 4, 6, 8",
    y_name: str = "",
    y_values: Annotated[str, Text(multiline=True)] = "",
) -> Swept:
    """Try every pair of two rows of values: what is connected runs once for each.

    Connect X and Y to any inputs (cfg, steps, a sampler's name, a seed, a LoRA's strength), and the pictures
    with SWEEP to a Sweep Sheet.

    Args:
        x_name: What the columns are called.
        x_values: The values of the columns: one on each line, or all on one line with commas between them.
            true and false, also yes and no, on and off, are the two positions of a switch.
        y_name: What the rows are called.
        y_values: The values of the rows. Without any, the sheet has one row, and Y is not to be connected.

    Returns:
        x: The column's value, for each cell.
        y: The row's value, for each cell.
        sweep: The labels of the sheet.
    """
    columns, rows = words_in(x_values), words_in(y_values)
    if not columns:
        raise WorkflowError(
            "There are no values to sweep over.", "Write some, as in 2, 4, 6.", input="x_values"
        )
    labels = Labels(labelled(x_name, columns), labelled(y_name, rows) or ("",))
    x, y = values_of(columns), values_of(rows)
    return Swept([each for _ in y or [0] for each in x], [each for each in y for _ in x], Sweep(labels))


@node("SweepSheet", category="sampling/explain", title="Sweep Sheet", outputs=("IMAGE",))
def sweep_sheet(images: list[Image], sweep: list[Sweep]) -> Image:
    """Lay the pictures of a sweep out in rows and columns, with labels.

    Args:
        images: The pictures, one for each pair of values.
        sweep: The sweep they were made with.

    Returns:
        The sheet.
    """
    return sheet(images, sweep[0].labels)


def words_in(text: str) -> list[str]:
    """The values of a text as they were written: its lines, or what is between the commas of its one line."""
    lines = text.strip().splitlines()
    return [each.strip() for each in (lines if len(lines) > 1 else text.split(",")) if each.strip()]


def values_of(words: Sequence[str]) -> Sequence[bool | int | float | str]:
    """The words as switches or as numbers, if all of them are; one that is not makes texts of all."""
    for meaning in (TRUTHS.get, number):
        values = [found for word in words if (found := meaning(word.lower())) is not None]
        if len(values) == len(words):
            return values
    return words


def number(word: str) -> int | float | None:
    """The number that a word is, also 2.0 as the whole number; None if it is none, or not a finite one."""
    if not NUMBER.fullmatch(word) or not isfinite(value := float(word)):
        return None
    if word.lstrip("+-").isdigit():
        return int(word)
    return int(value) if value.is_integer() and abs(value) < EXACT else value


def labelled(name: str, words: Sequence[str]) -> tuple[str, ...]:
    """The labels of an axis."""
    return tuple(f"{name} {word}".strip() for word in words)
