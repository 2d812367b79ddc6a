"""ControlNets: a copy of a network's encoder that reads a hint picture and steers through the skips.

Zhang et al. 2023 (arXiv:2302.05543).
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from diffusion.ahead import sent
from diffusion.control_lora import ControlLora, limited
from diffusion.crop import center_cropped
from diffusion.errors import DiffusionError
from diffusion.memory import Handle, Patch
from diffusion.networks import Vector

DIFFERENCE = "difference"
"""The tensor that marks a file which holds only the difference to a model."""
KINDS: Mapping[str, int] = MappingProxyType(
    {
        "openpose": 0,
        "depth": 1,
        "hed/pidi/scribble/ted": 2,
        "canny/lineart/anime_lineart/mlsd": 3,
        "normal": 4,
        "segment": 5,
        "tile": 6,
        "repaint": 7,
    }
)
"""The kinds of hints that union ControlNets were trained with, by the field's names, and their numbers."""


class Residuals(NamedTuple):
    """What a control adds to the network: a tensor for each skip connection, and one after the middle.

    inner: what an adapter adds inside the encoder, one tensor for each level.
    """

    skips: tuple[Tensor, ...] = ()
    middle: tuple[Tensor, ...] = ()
    inner: tuple[Tensor, ...] = ()

    def each(self, change: Callable[[Tensor], Tensor]) -> "Residuals":
        """The same residuals with every tensor replaced by `change(tensor)`."""
        return Residuals(*(tuple(map(change, part)) for part in self))


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class ControlNet:
    """A network that turns a hint picture into steering.

    family: None if it suits several. averages: only the mean over the picture counts. patches: what is added
    to its weights. adapts: it is an adapter, whose hint has so many channels. kinds: how many kinds of hints
    it tells apart, 0 if one; kind: which of them its hint is, None to leave it to the network.
    network: its own, or what makes one of the steered model's.
    """

    network: Handle | ControlLora
    family: str | None
    averages: bool = False
    patches: tuple[Patch, ...] = ()
    adapts: int = 0
    kinds: int = 0
    kind: int | None = None
    socket: ClassVar[str] = "CONTROL_NET"

    def control(self, hint: Tensor, strength: float = 1.0, start: float = 0.0, end: float = 1.0) -> "Control":
        """This network with its hint, an Image [batch, height, width, 3].

        Start and end are parts of the sampling.
        """
        return Control(self, hint, strength, start, end)

    def of_kind(self, name: str) -> "ControlNet":
        """This network, told which kind of hint it gets, by a name of KINDS or "auto".

        Raises DiffusionError if it does not know that kind.
        """
        kind = KINDS.get(name)
        if kind is not None and kind >= self.kinds:
            raise DiffusionError(
                f"{self.network.file.path.name} does not know hints of the kind {name!r}.",
                "Choose 'auto', or load a union ControlNet that knows it.",
            )
        return replace(self, kind=kind)


@dataclass(frozen=True, slots=True, eq=False)
class Added:
    """A patch that adds the weights of another network, for a file that holds only the difference to it."""

    network: Handle
    weights: frozenset[str]

    def names(self) -> Collection[str]:
        """The weights both networks have."""
        return self.weights

    def applied(self, name: str, weight: Tensor) -> Tensor:
        """The sum."""
        return weight + self.network.part.weight(self.network.file, name).to(weight).reshape(weight.shape)


def completed(net: ControlNet, base: Handle) -> ControlNet:
    """A ControlNet whose file holds only the difference to a model, with that model's weights added.

    One that is complete stays as it is.
    """
    if not isinstance(net.network, Handle) or not net.network.file.header.has(DIFFERENCE):
        return net
    shared = frozenset(net.network.part.sources.keys() & base.part.sources.keys())
    return replace(net, patches=(*net.patches, Added(base, shared)))


class Said(NamedTuple):
    """A text for ControlNets alone: tokens [batch, tokens, width], and pooled [batch, width] if there is."""

    tokens: Tensor
    pooled: Tensor | None = None


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Control:
    """A ControlNet at work: its hint picture, how strongly it acts, and in which part of the sampling.

    everywhere: a negative prompt without a control of its own is steered too. said: what it is told in
    place of the prompt.
    """

    net: ControlNet
    hint: Tensor
    strength: float = 1.0
    start: float = 0.0
    end: float = 1.0
    everywhere: bool = False
    said: Said | None = None


class Query(NamedTuple):
    """What the steered network is asked, one row for each picture and prompt."""

    x: Tensor
    timestep: float
    tokens: Tensor
    prompts: int = 1
    """How many prompts the rows are for; each has the same number of rows, one after another."""
    vector: Vector | None = None

    def saying(self, said: Said | None) -> "Query":
        """The same with another text, if there is one."""
        if said is None:
            return self
        images = len(self.x) // self.prompts
        rows = torch.tensor([row % images % len(said.tokens) for row in range(len(self.x))])
        vector = self.vector
        if vector is not None and said.pooled is not None:
            vector = vector._replace(pooled=sent(said.pooled[rows], self.x.device, vector.pooled.dtype))
        return self._replace(tokens=sent(said.tokens[rows], self.x.device, self.tokens.dtype), vector=vector)


class Base(NamedTuple):
    """The model that is steered: its network and what changes that."""

    network: Handle
    patches: tuple[Patch, ...] = ()


def steering(controls: Sequence[Sequence[Control]], query: Query, base: Base) -> Residuals | None:
    """The sum of what each control adds to the rows it belongs to; None if there is none."""
    rows = [tuple(row) for row in controls]
    if len(rows) == 1:
        rows = rows * len(query.x)
    order = dict.fromkeys(control for row in rows for control in row)
    total: Residuals | None = None
    for control in order:
        members = [index for index, row in enumerate(rows) if control in row]
        total = added(total, scattered(one_control(control, query, members, base), members, len(rows)))
    return total


def network_on(net: ControlNet, base: Base) -> Handle:
    """The network that steers a model. Raises FamilyMismatch if it is made of another model's weights."""
    return net.network if isinstance(net.network, Handle) else net.network.on(base.network)


def one_control(control: Control, query: Query, members: list[int], base: Base) -> Residuals:
    """What one control adds to its rows."""
    net = control.net
    network = network_on(net, base)
    if net.network.file.header.has(DIFFERENCE) and not net.patches:
        raise DiffusionError(
            f"{net.network.file.path.name} holds only the difference to a model.",
            "Load it with the node Load ControlNet Model (diff), connected to that model.",
        )
    index = sent(torch.tensor(members), query.x.device)
    step = 16 if net.adapts and net.family == "sdxl" else 8  # such an adapter sees so many pixels at once
    height, width = (-(-side * 8 // step) * step for side in query.x.shape[-2:])
    hint = fitted_hint(control.hint, height, width)
    images, told = len(query.x) // query.prompts, query.saying(control.said)
    hint = hint[torch.tensor([row % images % len(hint) for row in members])]
    with network.resident((*net.patches, *limited(network, base.patches))) as module:
        place = next(module.parameters())
        hint = sent(hint, place.device, place.dtype)
        made = adapted(net, module, hint) if net.adapts else steered(net, module, told, index, hint)
    made = made.each(lambda part: part.float() * control.strength)
    return made.each(lambda part: part.mean((2, 3), True).expand_as(part)) if net.averages else made


def adapted(net: ControlNet, module: nn.Module, hint: Tensor) -> Residuals:
    """What an adapter makes of its hints."""
    return Residuals(inner=tuple(module(hint.mean(1, keepdim=True) if net.adapts == 1 else hint)))


def steered(net: ControlNet, module: nn.Module, query: Query, index: Tensor, hint: Tensor) -> Residuals:
    """What a ControlNet makes of its hints and some rows of the query."""
    options: dict[str, object] = {"controlnet_cond": hint}
    with ExitStack() as stack:
        if net.kinds:
            told = hint.new_zeros(len(index), net.kinds)
            if net.kind is None:  # nothing is told, so nothing may be made of what is told
                stack.enter_context(silenced(module.get_submodule("spatial_ch_projs")))
            else:
                told[:, net.kind] = 1
            kinds = [net.kind or 0]
            options = {"controlnet_cond": [hint], "control_type": told, "control_type_idx": kinds}
        skips, middle = module(
            query.x[index].to(hint.dtype),
            torch.full((len(index),), query.timestep, device=query.x.device),
            encoder_hidden_states=query.tokens[index].to(hint.dtype),
            return_dict=False,
            **options,
            **(query.vector.rows(index).arguments(hint.dtype) if query.vector else {}),
        )
    return Residuals(tuple(skips), (middle,))


@contextmanager
def silenced(module: nn.Module) -> Iterator[None]:
    """While this lasts, a module answers zeros."""
    hook = module.register_forward_hook(lambda _module, _inputs, output: torch.zeros_like(output))
    try:
        yield
    finally:
        hook.remove()


def fitted_hint(hint: Tensor, height: int, width: int) -> Tensor:
    """A hint as [batch, 3, height, width], cropped around its middle to the aspect, then resized."""
    planes = torch.as_tensor(hint).movedim(-1, 1)[:, :3].float()
    return interpolate(center_cropped(planes, width, height), size=(height, width), mode="nearest-exact")


def scattered(some: Residuals, members: list[int], rows: int) -> Residuals:
    """The residuals of some rows, with zeros for the others."""
    if members == list(range(rows)):
        return some

    def spread(part: Tensor) -> Tensor:
        whole = part.new_zeros(rows, *part.shape[1:])
        whole[sent(torch.tensor(members), part.device)] = part  # in place: made one line above
        return whole

    return some.each(spread)


def added(one: Residuals | None, other: Residuals) -> Residuals:
    """The sum of two residuals."""
    if one is None:
        return other
    sums = (
        tuple(a + b for a, b in zip(first, second, strict=True)) if first and second else first or second
        for first, second in zip(one, other, strict=True)
    )
    return Residuals(*sums)
