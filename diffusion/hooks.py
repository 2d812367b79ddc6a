"""Changes to what a U-Net computes, not to its weights: FreeU and shrinking inside.

A change is installed for one forward and removed after it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias

import torch
from torch import Tensor, nn

from diffusion.resize import resized

STEERING = (
    "down_block_additional_residuals",
    "mid_block_additional_residual",
    "down_intrablock_additional_residuals",
)
"""What diffusers' U-Net is called with for controls: for its skips, for the middle, inside its levels."""


class Hook(Protocol):
    """A change to what a network computes."""

    def installed(self, module: nn.Module, sigma: float) -> AbstractContextManager[None]:
        """While this lasts, a network computes it at that noise level."""


@contextmanager
def hooked(module: nn.Module, hooks: tuple[Hook, ...], sigma: float) -> Iterator[None]:
    """While this lasts, all these changes are installed."""
    with ExitStack() as stack:
        for hook in hooks:
            stack.enter_context(hook.installed(module, sigma))
        yield


Attend: TypeAlias = Callable[..., Tensor]
"""How a layer attends, as diffusers asks for it: (layer, states [batch, token, width], ...) to the same."""


class Site(NamedTuple):
    """A place of a U-Net where tokens attend to each other: how often the picture was halved before it.

    transformer: what reads the picture there. layers: its self-attention, in order.
    """

    depth: int
    transformer: nn.Module
    layers: list[Any]


def sites(module: Any) -> list[Site]:
    """Where tokens of diffusers' U-Net attend to each other, in order. Nothing if it is no U-Net."""
    if not hasattr(module, "down_blocks"):
        return []
    last = len(module.down_blocks) - 1
    levels = [*enumerate(module.down_blocks), (last, module.mid_block)]
    levels += [(last - place, level) for place, level in enumerate(module.up_blocks)]
    return [
        Site(depth, each, [block.attn1 for block in each.transformer_blocks])
        for depth, level in levels
        for each in getattr(level, "attentions", ())
    ]


@contextmanager
def attending(layers: list[Any], change: Callable[[Attend], Attend]) -> Iterator[None]:
    """While this lasts, layers attend in a changed way."""
    before = [layer.processor for layer in layers]
    for layer in layers:
        layer.processor = change(layer.processor)
    try:
        yield
    finally:
        for layer, attend in zip(layers, before, strict=True):
            layer.processor = attend


class Step(NamedTuple):
    """A residual block of the decoder, what comes before it, and how many channels of its input are that."""

    before: nn.Module
    block: nn.Module
    width: int


def encoder_ends(module: Any) -> list[nn.Module]:
    """The modules of diffusers' U-Net whose answers are the skips, in order."""
    ends: list[nn.Module] = [module.conv_in]
    for level in module.down_blocks:
        ends.extend(getattr(level, "attentions", level.resnets))
        ends.extend(level.downsamplers or ())
    return ends


def decoder_steps(module: Any) -> list[Step]:
    """The residual blocks of the decoder of diffusers' U-Net, in order."""
    steps: list[Step] = []
    before, width = module.mid_block, module.mid_block.resnets[-1].out_channels
    for level in module.up_blocks:
        for block, end in zip(level.resnets, getattr(level, "attentions", level.resnets), strict=True):
            steps.append(Step(before, block, width))
            before, width = end, block.out_channels
        if level.upsamplers:
            before = level.upsamplers[-1]
    return steps


def answering(module: nn.Module, change: Callable[[Tensor], Tensor]) -> Callable[[], None]:
    """From now on a module's answer is changed; call what is returned to end that."""

    def changed(_module: nn.Module, _inputs: object, output: Tensor | tuple[Tensor, ...]) -> object:
        return (change(output[0]), *output[1:]) if isinstance(output, tuple) else change(output)

    return module.register_forward_hook(changed).remove


def reading(module: nn.Module, change: Callable[[Tensor], Tensor]) -> Callable[[], None]:
    """From now on what a module reads is changed; call what is returned to end that."""
    return module.register_forward_pre_hook(lambda _module, args: (change(args[0]), *args[1:])).remove


@dataclass(frozen=True, slots=True, eq=False)
class FreeU:
    """Si et al. 2023, FreeU (arXiv:2309.11497): stronger backbone, skips with weaker low frequencies.

    factors: by how many times the network's width a block has channels, those of backbone and skip.
    adaptive: the backbone's factor follows the mean of its channels, cell by cell, as in the paper's second
    version.
    """

    factors: Mapping[int, tuple[float, float]]
    adaptive: bool

    @contextmanager
    def installed(self, module: nn.Module, sigma: float) -> Iterator[None]:  # noqa: ARG002
        """While this lasts, a network computes it."""
        base = module.get_submodule("conv_in").get_parameter("weight").shape[0]
        with ExitStack() as stack:
            for step in decoder_steps(module):
                if (found := self.factors.get(step.width // base)) and step.width % base == 0:
                    stack.callback(reading(step.block, self.change(step.width, *found)))
            yield

    def change(self, width: int, backbone: float, skip: float) -> Callable[[Tensor], Tensor]:
        """What becomes of a block's input, whose first `width` channels are the backbone's."""

        def changed(joined: Tensor) -> Tensor:
            half = joined[:, : width // 2]
            factor = backbone if not self.adaptive else (backbone - 1) * evened(joined[:, :width]) + 1
            rest = joined[:, width // 2 : width]
            return torch.cat((half * factor, rest, damped(joined[:, width:], skip)), 1)

        return changed


def evened(planes: Tensor) -> Tensor:
    """The mean of the channels of each image, brought to 0 to 1; all 0 where it is the same everywhere."""
    mean = planes.mean(1, keepdim=True)
    low, high = mean.amin((2, 3), keepdim=True), mean.amax((2, 3), keepdim=True)
    return torch.where(high > low, (mean - low) / (high - low), 0.0)


def damped(planes: Tensor, factor: float) -> Tensor:
    """Planes whose four lowest frequencies are multiplied by a factor."""
    waves = torch.fft.fftshift(torch.fft.fftn(planes.float(), dim=(-2, -1)), dim=(-2, -1))
    row, column = (side // 2 for side in planes.shape[-2:])
    waves[..., max(0, row - 1) : row + 1, max(0, column - 1) : column + 1] *= factor  # in place: made above
    back: Tensor = torch.fft.ifftn(torch.fft.ifftshift(waves, dim=(-2, -1)), dim=(-2, -1))
    return back.real.to(planes)


@dataclass(frozen=True, slots=True, eq=False)
class Shrink:
    """From one block of the encoder on, a smaller picture: so a network composes larger ones than it learnt.

    It acts at noise levels from `first` down to `last`. block: 1 or higher. after_skip: what the decoder is
    shown of that block is not made smaller. What steers the blocks that see the smaller picture is left out:
    it is made for the larger one. Kohya's deep shrink.
    """

    block: int
    factor: float
    first: float
    last: float
    after_skip: bool
    down: str
    up: str

    @contextmanager
    def installed(self, module: nn.Module, sigma: float) -> Iterator[None]:
        """While this lasts, a network computes it at that noise level."""
        ends = encoder_ends(module)
        if not self.last <= sigma <= self.first or self.block >= len(ends):
            yield
            return
        sizes: list[tuple[int, int]] = []

        def noted(planes: Tensor) -> Tensor:
            sizes.append((planes.shape[-1], planes.shape[-2]))
            return planes

        def fitted(planes: Tensor) -> Tensor:
            width, height = sizes.pop()
            return planes if planes.shape[-2:] == (height, width) else resized(planes, width, height, self.up)

        with ExitStack() as stack:
            if not self.after_skip:
                stack.callback(answering(ends[self.block], self.smaller))
            for end in ends:
                stack.callback(answering(end, noted))
            if self.after_skip:
                stack.callback(reading(after(module, ends, self.block), self.smaller))
            for step in decoder_steps(module):
                stack.callback(answering(step.before, fitted))
            stack.callback(module.register_forward_pre_hook(self.steered_before, with_kwargs=True).remove)
            yield

    def smaller(self, planes: Tensor) -> Tensor:
        """Planes with shorter sides."""
        height, width = self.sides(planes)
        return resized(planes, width, height, self.down)

    def sides(self, planes: Tensor) -> tuple[int, int]:
        """The shorter sides, height and width."""
        height, width = (max(1, round(side / self.factor)) for side in planes.shape[-2:])
        return height, width

    def steered_before(
        self, module: Any, args: tuple[Any, ...], named: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """What a network is called with, without what steers the blocks that see the smaller picture."""
        if self.sides(args[0]) == args[0].shape[-2:]:
            return args, named
        levels, last = [], 0  # of each level the last skip before its downsampler, and the last of all
        for level in module.down_blocks:
            levels.append(last + len(level.resnets))
            last = levels[-1] + len(level.downsamplers or ())
        smaller_from = self.block + self.after_skip

        def kept(steering: Iterable[Tensor], places: Iterable[int]) -> list[Tensor]:
            pairs = zip(places, steering, strict=True)
            return [each if place < smaller_from else each.new_zeros(()) for place, each in pairs]

        skips, middle, inner = (named[name] for name in STEERING)
        changed = (
            kept(skips, range(last + 1)) if skips else None,
            None if middle is None else middle.new_zeros(()),
            kept(inner, levels) if inner else None,
        )
        return args, named | dict(zip(STEERING, changed, strict=True))


def after(module: Any, ends: list[nn.Module], block: int) -> nn.Module:
    """The module that reads what a block of the encoder answers."""
    order = [part for level in module.down_blocks for part in (*level.resnets, *(level.downsamplers or ()))]
    readers: list[nn.Module] = [*order, module.mid_block]
    assert len(readers) == len(ends)
    return readers[block]
