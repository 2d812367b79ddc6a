"""The model as regions ask it: in as few forwards, and with as few changes of weights, as can be."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import lcm
from typing import NamedTuple

import torch
from torch import Tensor

from diffusion.errors import OutOfMemory
from diffusion.gligen import Grounded
from diffusion.hooks import Hook
from diffusion.inpaint import prompt_extra
from diffusion.memory import Patch
from diffusion.model import Model, quiet
from diffusion.networks import Vector
from diffusion.noise import tiled
from diffusion.regions import SHOWN, Box, Region, Regions
from diffusion.weight_hooks import HookPatches

NOTHING = 1e-37
"""Added to the sum of weights, so that where nobody acts the answer is 0."""
NO_HOOKS = HookPatches({})


class Asked(NamedTuple):
    """A region to ask about: the number of its list, and what its hooks do to the weights."""

    number: int
    region: Region
    patches: tuple[Patch, ...]


@dataclass(frozen=True, slots=True)
class Network:
    """The model as regions ask it: with what goes in beside the state, and a check between its blocks.

    hooks: what the prompts' hooks do to its weights.
    """

    model: Model
    concat: Tensor | None = None
    check: Callable[[], None] = quiet
    hooks: HookPatches = NO_HOOKS

    def predict(
        self, x: Tensor, sigma: float, lists: Sequence[Regions], hook: Hook | None = None, /
    ) -> list[Tensor]:
        """For each list of regions the clean latent it sees in x, in as few forwards as shapes allow.

        hook: changes the network for this one question.
        """
        if hook is not None:
            return replace(self, model=self.model.with_hook(hook)).predict(x, sigma, lists)
        asked = [
            Asked(number, region, self._patches(region, sigma))
            for number, regions in enumerate(lists)
            for region in regions
            if region.last <= sigma <= region.first
        ]
        groups = list(_groups(list(_with_rest_filled(asked, x))))
        answers = {place: self._answers(x, sigma, groups[place]) for place in self._order(groups)}
        said: list[list[tuple[Region, Tensor]]] = [[] for _ in lists]
        for place, group in enumerate(groups):
            for (number, region, _), answer in zip(group, answers[place], strict=True):
                said[number].append((region, answer))
        return [_mean(x, each) for each in said]

    def _patches(self, region: Region, sigma: float) -> tuple[Patch, ...]:
        """What the hooks of a region's prompt do to the weights at a noise level."""
        percent_to_sigma = self.model.noise.percent_to_sigma
        return self.hooks.of(region.prompt.hooks, lambda percent: sigma <= percent_to_sigma(percent))

    def _order(self, groups: Sequence[Sequence[Asked]]) -> Sequence[int]:
        """The order to ask groups in: first those for the weights as they are now, so they seldom change."""
        found: list[tuple[Patch, ...]] = []
        for group in groups:
            if group[0].patches not in found:
                found.append(group[0].patches)
        if len(found) > 1:
            carried, own = self.model.network.carried, self.model.patches
            found.sort(key=lambda patches: (*own, *patches) != carried)
        return sorted(range(len(groups)), key=lambda place: found.index(groups[place][0].patches))

    def _with(self, patches: tuple[Patch, ...]) -> "Network":
        """The network with the weights for a group. Where hooks act, they alternate with others."""
        if not self.hooks.made:
            return self
        return replace(self, model=replace(self.model.with_patches(*patches), alternates=True))

    def _answers(self, x: Tensor, sigma: float, group: Sequence[Asked]) -> Sequence[Tensor]:
        """One answer for each region of a group: in one forward, or in one each where memory is short."""
        patched = self._with(group[0].patches)
        regions = [each.region for each in group]
        try:
            return patched._forward(x, sigma, regions)
        except OutOfMemory:
            if len(regions) == 1:
                raise
        return [patched._forward(x, sigma, [region])[0] for region in regions]

    def _forward(self, x: Tensor, sigma: float, regions: Sequence[Region]) -> tuple[Tensor, ...]:
        """One forward over a batch with a block of rows for each region; all have the same shape."""
        images = len(x)
        crops = [region.area.of(x) if region.area else x for region in regions]
        beside = [each for region in regions if (each := self._beside(x, region)) is not None]
        answer = self._grounded(x, regions).denoised(
            torch.cat(crops),
            sigma,
            _joined_tokens([tiled(region.prompt.tokens, images) for region in regions]),
            self._vector(x, regions),
            [region.prompt.controls for region in regions for _ in range(images)],
            self.check,
            concat=torch.cat(beside) if beside else None,
            unwanted=[region.is_negative for region in regions],
        )
        return answer.chunk(len(regions))

    def _grounded(self, x: Tensor, regions: Sequence[Region]) -> Model:
        """The model with the boxes of the regions' prompts, which all or none of them have."""
        found = [region.prompt.grounding for region in regions if region.prompt.grounding]
        return self.model.with_hook(Grounded(found, *x.shape[-2:])) if found else self.model

    def _beside(self, x: Tensor, region: Region) -> Tensor | None:
        """What the network is given beside the state in a region: what its prompt shows, or what all get."""
        shown = prompt_extra(self.model, region.prompt, x, self.concat)
        shown = self.concat if shown is None else shown
        return region.area.of(shown) if shown is not None and region.area else shown

    def _vector(self, x: Tensor, regions: Sequence[Region]) -> Vector | None:
        """What the network takes besides the prompts; the size is that of the whole picture."""
        family = self.model.family
        if family.vector is None:
            return None
        height, width = (side * family.latent.downscale for side in x.shape[-2:])
        each = [family.vector(region.prompt, height, width, region.is_negative) for region in regions]
        return Vector(
            torch.cat([tiled(one.pooled, len(x)) for one in each]),
            torch.cat([tiled(one.numbers, len(x)) for one in each]),
        )


def _mean(x: Tensor, said: Sequence[tuple[Region, Tensor]]) -> Tensor:
    """What the regions of a list say together, each by its weight; 0 where none acts."""
    if len(said) == 1 and said[0][0].is_everything:
        return said[0][1]
    total, weights = torch.zeros_like(x), torch.zeros_like(x)
    for region, answer in said:
        box = region.area or _whole(x)
        box.of(total).add_(answer * region.weight)  # in place: made above
        box.of(weights).add_(region.weight)
    return total / (weights + NOTHING)


def _groups(asked: Sequence[Asked]) -> Iterator[list[Asked]]:
    """Those that can share a forward, in order."""
    left = list(asked)
    while left:
        group = [left.pop(0)]
        for candidate in list(left):
            if candidate.patches == group[0].patches and all(
                _fit(candidate.region, member.region) for member in group
            ):
                group.append(candidate)
                left.remove(candidate)
        yield group


def _with_rest_filled(asked: Sequence[Asked], x: Tensor) -> Iterator[Asked]:
    """The same, those that fill the rest with the weights that others of their list leave them, if any."""
    for each in asked:
        number, region, _ = each
        if not region.prompt.fills_rest:
            yield each
            continue
        left = x.new_ones(len(x), 1, *x.shape[-2:])
        for other_number, other, _ in asked:
            if other_number == number and not other.prompt.fills_rest:
                (other.area or _whole(x)).of(left).sub_(other.weight)  # in place: made above
        left = (region.area or _whole(x)).of(left.clamp(min=0))
        if left.any():
            yield each._replace(region=replace(region, weight=left))


def _fit(one: Region, other: Region) -> bool:
    size, other_size = one.area and one.area[:2], other.area and other.area[:2]
    if size != other_size or (one.prompt.pooled is None) != (other.prompt.pooled is None):
        return False
    if any((getattr(one.prompt, name) is None) != (getattr(other.prompt, name) is None) for name in SHOWN):
        return False
    grounding, other_grounding = one.prompt.grounding, other.prompt.grounding
    if (grounding and grounding.gligen) is not (other_grounding and other_grounding.gligen):
        return False
    tokens, other_tokens = one.prompt.tokens.shape, other.prompt.tokens.shape
    return (
        tokens[2] == other_tokens[2]
        and lcm(tokens[1], other_tokens[1]) // min(tokens[1], other_tokens[1]) <= 4
    )


def _joined_tokens(tokens: Sequence[Tensor]) -> Tensor:
    """Tokens of different counts, each repeated to the least common multiple: attention is the same."""
    length = lcm(*(each.shape[1] for each in tokens))
    return torch.cat(
        [each if each.shape[1] == length else each.repeat(1, length // each.shape[1], 1) for each in tokens]
    )


def _whole(x: Tensor) -> Box:
    return Box(x.shape[-2], x.shape[-1], 0, 0)
