"""Prompts that act on part of the picture or of the sampling: who acts at a noise level, where, how much.

Each acting prompt is asked about its own region; the answers are averaged by weight, cell by cell.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain, cycle, pairwise
from math import inf, nextafter
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor

from diffusion.inpaint import mask_for
from diffusion.noise_range import NoiseRange
from diffusion.values import Conditioning, Prompt

FEATHER = 8
"""How many cells the edge of an area fades over, at most."""
MASK_AREA = 8
"""The least side of the area around a mask, in cells."""
SHOWN = ("concat_latent", "concat_mask")
SAID = ("tokens", "pooled", "framing", "pictures", "grounding", *SHOWN)
"""What of a prompt the network itself is given."""


class Box(NamedTuple):
    """An area in latent cells."""

    height: int
    width: int
    y: int
    x: int

    def of(self, planes: Tensor) -> Tensor:
        """This part of planes [..., height, width]."""
        return planes[..., self.y : self.y + self.height, self.x : self.x + self.width]

    def holds(self, other: "Box") -> bool:
        """Whether the other lies inside."""
        return (
            self.y <= other.y
            and self.x <= other.x
            and self.y + self.height >= other.y + other.height
            and self.x + self.width >= other.x + other.width
        )


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """A prompt ready for one run: its area (None is all), its weight map, and the noise levels it acts at.

    is_negative: it says what is not wanted.
    """

    prompt: Prompt
    area: Box | None
    weight: Tensor
    first: float
    last: float
    is_negative: bool = False

    @property
    def is_everything(self) -> bool:
        """Whether it acts everywhere with a weight of 1, unless others of its list leave it less."""
        return self.area is None and self.prompt.mask is None and self.prompt.strength == 1.0


Regions: TypeAlias = tuple[Region, ...]


def placed(
    wanted: Sequence[Conditioning], unwanted: Sequence[Conditioning], noise: NoiseRange, samples: Tensor
) -> tuple[Regions, ...]:
    """All conditionings laid out on a latent, areas mirrored from each to the others.

    Where texts were encoded for parts of the sampling, each part is laid out on its own.
    """
    entries = [entry for each in (*wanted, *unwanted) for entry in each.entries]
    starts = sorted({0.0, *(entry.text_start for entry in entries)})
    parts = [
        _placed(
            [_during(each, start, end) for each in wanted],
            [_during(each, start, end) for each in unwanted],
            noise,
            samples,
        )
        for start, end in pairwise((*starts, 1.0))
    ]
    return tuple(tuple(chain.from_iterable(lists)) for lists in zip(*parts, strict=True))


def _during(conditioning: Conditioning, start: float, end: float) -> Conditioning:
    """Those entries whose text was encoded for a part of the sampling, for that part."""
    return Conditioning(
        tuple(
            replace(entry, text_start=start, text_end=end)
            for entry in conditioning.entries
            if entry.text_start <= start < entry.text_end
        )
    )


def _placed(
    wanted: Sequence[Conditioning], unwanted: Sequence[Conditioning], noise: NoiseRange, samples: Tensor
) -> list[Regions]:
    """All conditionings laid out on a latent for one part of the sampling."""
    unwanted = [_with_controls_of(each, wanted) for each in unwanted]
    lists: list[Regions] = [
        tuple(replace(_place(prompt, noise, samples), is_negative=is_negative) for prompt in each.entries)
        for is_negative, group in ((False, wanted), (True, unwanted))
        for each in group
    ]
    for index in range(len(lists)):
        for other in range(len(lists)):
            if other != index:
                lists[other] = _with_areas_of(lists[other], lists[index])
    return lists


def _with_controls_of(unwanted: Conditioning, wanted: Sequence[Conditioning]) -> Conditioning:
    """What is not wanted, with the controls that act everywhere, if none of its own entries has any."""
    given = [
        controls
        for entry in (entry for each in wanted for entry in each.entries if entry.area is None)
        if (controls := tuple(control for control in entry.controls if control.everywhere))
    ]
    entries = list(unwanted.entries)
    places = [place for place, entry in enumerate(entries) if entry.area is None]
    if any(entries[place].controls for place in places):
        return unwanted
    for controls, place in zip(given, cycle(places), strict=False):
        entries[place] = replace(entries[place], controls=controls)
    return Conditioning(tuple(entries))


def _place(prompt: Prompt, noise: NoiseRange, samples: Tensor) -> Region:
    if (said := prompt.control_text) is not None:
        prompt = replace(prompt, controls=tuple(replace(control, said=said) for control in prompt.controls))
    height, width = samples.shape[-2:]
    mask = None if prompt.mask is None else mask_for(prompt.mask, samples)
    if mask is not None and prompt.mask_sets_area:
        area: Box | None = _within(_bounds(mask), height, width)
    else:
        area = _box(prompt, height, width)
    if mask is not None:
        weight = (area.of(mask) if area else mask) * prompt.mask_strength
    else:
        weight = (
            samples.new_ones(1, 1, height, width) if area is None else _fade(area, height, width).to(samples)
        )
    first, last = _levels(prompt, noise)
    return Region(prompt, area, weight * prompt.strength, first, last)


def _levels(prompt: Prompt, noise: NoiseRange) -> tuple[float, float]:
    """The first and the last noise level that a prompt acts at.

    Where its text was encoded for a part of the sampling that ends early, the end is the next part's.
    """
    first, text_first = noise.percent_to_sigma(prompt.start), noise.percent_to_sigma(prompt.text_start)
    last, text_last = noise.percent_to_sigma(prompt.end), noise.percent_to_sigma(prompt.text_end)
    return min(first, text_first), max(last, nextafter(text_last, inf) if prompt.text_end < 1 else 0.0)


def _box(prompt: Prompt, height: int, width: int) -> Box | None:
    if prompt.area is None:
        return None
    tall, wide, y, x = prompt.area
    if not prompt.area_is_fraction:
        return _within(Box(int(tall), int(wide), int(y), int(x)), height, width)
    size = max(1, round(tall * height)), max(1, round(wide * width))
    return _within(Box(*size, round(y * height), round(x * width)), height, width)


def _within(box: Box, height: int, width: int) -> Box:
    """The box cut to fit; one that lies outside becomes the nearest cell."""
    y, x = min(box.y, height - 1), min(box.x, width - 1)
    return Box(min(box.height, height - y), min(box.width, width - x), y, x)


def _bounds(mask: Tensor) -> Box:
    """The bounding box of what is not 0 in any of the masks."""
    rows, columns = mask.amax(dim=(0, 1)).nonzero(as_tuple=True)
    if len(rows) == 0:
        return Box(MASK_AREA, MASK_AREA, 0, 0)
    y, x = int(rows.min()), int(columns.min())
    return Box(max(MASK_AREA, int(rows.max()) - y + 1), max(MASK_AREA, int(columns.max()) - x + 1), y, x)


def _fade(area: Box, height: int, width: int) -> Tensor:
    """Weights that fall off towards the edges of an area, except along the border of the picture."""
    down = _edges(area.height, area.y > 0, area.y + area.height < height)
    across = _edges(area.width, area.x > 0, area.x + area.width < width)
    return (down[:, None] * across[None, :])[None, None]


def _edges(length: int, at_start: bool, at_end: bool) -> Tensor:
    reach = min(FEATHER, length // 4)
    ramp = torch.ones(length)
    slope = torch.arange(1, reach + 1) / max(reach, 1)
    if at_start:
        ramp[:reach] = slope  # in place: made above
    if at_end:
        ramp[length - reach :] = slope.flip(0)
    return ramp


def _with_areas_of(regions: Regions, others: Regions) -> Regions:
    """The regions, and a copy for each missing area of the others, that asks what these would say there.

    The copy takes the tokens of the smallest region that holds the area. So a prompt for an area also makes
    the negative prompt answer for that crop, with the same weights.
    """
    result = list(regions)
    for other in others:
        if other.area is None or any(region.area == other.area for region in result):
            continue
        if (host := _smallest_around(other.area, result)) is not None:
            said = {name: getattr(host.prompt, name) for name in SAID}
            prompt = replace(other.prompt, **said)
            result.append(replace(other, prompt=prompt, is_negative=host.is_negative))
    return tuple(result)


def _smallest_around(area: Box, regions: Sequence[Region]) -> Region | None:
    around = [region for region in regions if region.area is None or region.area.holds(area)]
    return min(around, key=_cells, default=None)


def _cells(region: Region) -> float:
    return float("inf") if region.area is None else region.area.height * region.area.width
