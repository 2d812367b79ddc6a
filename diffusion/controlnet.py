"""ControlNets: a copy of a network's encoder that reads a hint picture and steers through the skips.

Zhang et al. 2023 (arXiv:2302.05543).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from diffusion.errors import FamilyMismatch
from diffusion.memory import Handle
from diffusion.networks import Vector


class Residuals(NamedTuple):
    """What a control adds to the network: a tensor for each skip connection, one after the middle."""

    skips: tuple[Tensor, ...]
    middle: Tensor


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class ControlNet:
    """A network that turns a hint picture into steering.

    `averages`: only the mean over the picture counts.
    """

    network: Handle
    family: str | None
    averages: bool = False
    socket: ClassVar[str] = "CONTROL_NET"

    def control(self, hint: Tensor, strength: float = 1.0, start: float = 0.0, end: float = 1.0) -> "Control":
        """This network with its hint, an Image [batch, height, width, 3].

        Start and end are parts of the sampling.
        """
        return Control(self, hint, strength, start, end)


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Control:
    """A ControlNet at work: its hint picture, how strongly it acts, and in which part of the sampling."""

    net: ControlNet
    hint: Tensor
    strength: float = 1.0
    start: float = 0.0
    end: float = 1.0


class Query(NamedTuple):
    """What the steered network is asked, one row for each picture and prompt."""

    x: Tensor
    timestep: float
    tokens: Tensor
    prompts: int = 1
    """How many prompts the rows are for; each has the same number of rows, one after another."""
    vector: Vector | None = None


def steering(controls: Sequence[Sequence[Control]], query: Query, family: str) -> Residuals | None:
    """The sum of what each control adds to the rows it belongs to; None if there is none."""
    rows = [tuple(row) for row in controls]
    if len(rows) == 1:
        rows = rows * len(query.x)
    order = dict.fromkeys(control for row in rows for control in row)
    total: Residuals | None = None
    for control in order:
        members = [index for index, row in enumerate(rows) if control in row]
        total = added(total, scattered(one_control(control, query, members, family), members, len(rows)))
    return total


def one_control(control: Control, query: Query, members: list[int], family: str) -> Residuals:
    """What one control adds to its rows."""
    if control.net.family not in (None, family):
        raise FamilyMismatch(
            f"This ControlNet is made for {control.net.family}, but the model is {family}.",
            "Load a ControlNet made for the model's family.",
        )
    index = torch.tensor(members, device=query.x.device)
    hint = fitted_hint(control.hint, query.x.shape[-2] * 8, query.x.shape[-1] * 8)
    images = len(query.x) // query.prompts
    hint = hint[torch.tensor([row % images % len(hint) for row in members])]
    with control.net.network.resident() as module:
        kind = next(module.parameters()).dtype
        skips, middle = module(
            query.x[index].to(kind),
            torch.full((len(members),), query.timestep, device=query.x.device),
            encoder_hidden_states=query.tokens[index].to(kind),
            controlnet_cond=hint.to(query.x.device, kind),
            return_dict=False,
            **(query.vector.rows(index).arguments() if query.vector else {}),
        )
    parts = [part.float() * control.strength for part in (*skips, middle)]
    if control.net.averages:
        parts = [part.mean(dim=(2, 3), keepdim=True).expand_as(part) for part in parts]
    return Residuals(tuple(parts[:-1]), parts[-1])


def fitted_hint(hint: Tensor, height: int, width: int) -> Tensor:
    """A hint as [batch, 3, height, width], cropped around its middle to the aspect, then resized."""
    planes = torch.as_tensor(hint).movedim(-1, 1)[:, :3].float()
    old_height, old_width = planes.shape[-2:]
    cut_x = cut_y = 0
    if old_width / old_height > width / height:
        cut_x = round((old_width - old_width * (width / height) / (old_width / old_height)) / 2)
    elif old_width / old_height < width / height:
        cut_y = round((old_height - old_height * (old_width / old_height) / (width / height)) / 2)
    planes = planes[:, :, cut_y : old_height - cut_y, cut_x : old_width - cut_x]
    return interpolate(planes, size=(height, width), mode="nearest-exact")


def scattered(some: Residuals, members: list[int], rows: int) -> Residuals:
    """The residuals of some rows, with zeros for the others."""
    if members == list(range(rows)):
        return some

    def spread(part: Tensor) -> Tensor:
        whole = part.new_zeros(rows, *part.shape[1:])
        whole[members] = part  # in place: made one line above
        return whole

    return Residuals(tuple(map(spread, some.skips)), spread(some.middle))


def added(one: Residuals | None, other: Residuals) -> Residuals:
    """The sum of two residuals."""
    if one is None:
        return other
    skips = tuple(a + b for a, b in zip(one.skips, other.skips, strict=True))
    return Residuals(skips, one.middle + other.middle)
