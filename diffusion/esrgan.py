"""Networks that enlarge pictures, and how to recognise them by the shapes of their weights.

Rrdb: Wang et al. 2018, ESRGAN (arXiv:1809.00219), and Wang et al. 2021, Real-ESRGAN (arXiv:2107.10833), whose
input may be shuffled into channels. Compact: the smaller network of Real-ESRGAN for video and anime.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, leaky_relu, pad, pixel_unshuffle

from diffusion.blocks import counted
from diffusion.checkpoint import Header, Part

SLOPE = 0.2
WRAPPERS = ("params_ema.", "params.", "state_dict.", "module.", "")
"""What training programs put around the weights."""
LAYERS = {
    "model.0": "first",
    "conv_first": "first",
    "trunk_conv": "after",
    "conv_body": "after",
    "HRconv": "fine",
    "conv_hr": "fine",
    "conv_last": "last",
}
DENSE = re.compile(r"(?:model\.1\.sub|RRDB_trunk|body)\.(\d+)\.(?:RDB|rdb)(\d)\.conv(\d)(?:\.0)?")
UP = re.compile(r"(?:upconv|conv_up)(\d)")


class Dense(nn.Module):
    """Five convolutions, each of which sees what all before it made."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        ends = [width + growth * place for place in range(5)]
        self.convs = nn.ModuleList(
            nn.Conv2d(end, growth if end < ends[-1] else width, 3, padding=1) for end in ends
        )

    def forward(self, x: Tensor) -> Tensor:
        """Planes of the same shape."""
        seen = x
        for conv in self.convs[:-1]:
            seen = torch.cat((seen, leaky_relu(conv(seen), SLOPE)), 1)
        result: Tensor = x + 0.2 * self.convs[-1](seen)
        return result


class Residual(nn.Module):
    """Three dense blocks, and the way around them."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.dense = nn.Sequential(*(Dense(width, growth) for _ in range(3)))

    def forward(self, x: Tensor) -> Tensor:
        """Planes of the same shape."""
        return x + 0.2 * torch.as_tensor(self.dense(x))


@dataclass(frozen=True, slots=True)
class RrdbShape:
    """The architecture of an Rrdb network. doublings: how often it doubles the sides."""

    channels: int
    out_channels: int
    width: int
    growth: int
    blocks: int
    doublings: int

    @property
    def shuffle(self) -> int:
        """How many pixels a side of the input are taken as channels of one."""
        return math.isqrt(self.channels // self.out_channels)

    @property
    def scale(self) -> int:
        """How many times as long the sides become."""
        return (1 << self.doublings) // self.shuffle


class Rrdb(nn.Module):
    """Dense blocks at the size of the input, then doublings to nearest pixels."""

    def __init__(self, shape: RrdbShape) -> None:
        super().__init__()
        self.shape = shape
        width = shape.width
        self.first = nn.Conv2d(shape.channels, width, 3, padding=1)
        self.body = nn.ModuleList(Residual(width, shape.growth) for _ in range(shape.blocks))
        self.after = nn.Conv2d(width, width, 3, padding=1)
        self.ups = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(shape.doublings))
        self.fine = nn.Conv2d(width, width, 3, padding=1)
        self.last = nn.Conv2d(width, shape.out_channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """From planes [batch, 3, height, width] to planes whose sides are `scale` times as long."""
        height, width = x.shape[-2:]
        shuffle = self.shape.shuffle
        x = pad(x, (0, -width % shuffle, 0, -height % shuffle), mode="replicate")
        features = trunk = self.first(pixel_unshuffle(x, shuffle))
        for block in self.body:
            trunk = block(trunk)
        features = features + self.after(trunk)
        for up in self.ups:
            features = leaky_relu(up(interpolate(features, scale_factor=2, mode="nearest")), SLOPE)
        result: Tensor = self.last(leaky_relu(self.fine(features), SLOPE))
        return result[..., : height * self.shape.scale, : width * self.shape.scale]


@dataclass(frozen=True, slots=True)
class CompactShape:
    """The architecture of a Compact network."""

    channels: int
    width: int
    convolutions: int
    scale: int


class Compact(nn.Module):
    """Plain convolutions; their result is added to the input, enlarged to nearest pixels."""

    def __init__(self, shape: CompactShape) -> None:
        super().__init__()
        width, out = shape.width, shape.channels * shape.scale**2
        sizes = [shape.channels, *[width] * (shape.convolutions - 1), out]
        convolutions = [nn.Conv2d(before, after, 3, padding=1) for before, after in pairwise(sizes)]
        layers = [layer for conv in convolutions for layer in (conv, nn.PReLU(width))]
        self.scale, self.body = shape.scale, nn.Sequential(*layers[:-1])
        self.shuffle = nn.PixelShuffle(shape.scale)

    def forward(self, x: Tensor) -> Tensor:
        """From planes [batch, 3, height, width] to planes whose sides are `scale` times as long."""
        result: Tensor = self.shuffle(self.body(x))
        return result + interpolate(x, scale_factor=self.scale, mode="nearest")


class Found(NamedTuple):
    """The network of a file, and how many times as long it makes the sides."""

    part: Part
    scale: int


def recognised(header: Header) -> Found | None:
    """The network that enlarges pictures in a file; None if it is of no known kind."""
    for prefix in WRAPPERS:
        sources = header.under(prefix)
        found = rrdb(header, sources) or compact(header, sources)
        if found is not None:
            return found
    return None


def rrdb(header: Header, under: Mapping[str, str]) -> Found | None:
    """An Rrdb network, whose weights have one of three spellings."""
    ends = numbered_ends(under)
    sources = {ours: key for name, key in under.items() if (ours := rrdb_name(name, ends)) is not None}
    shapes = {name: header.shape(key) for name, key in sources.items()}
    if not {"first.weight", "last.weight", "body.0.dense.0.convs.0.weight"} <= shapes.keys():
        return None
    width, channels = shapes["first.weight"][:2]
    shape = RrdbShape(
        channels,
        shapes["last.weight"][0],
        width,
        shapes["body.0.dense.0.convs.0.weight"][0],
        counted(shapes, "body"),
        counted(shapes, "ups"),
    )
    surplus = tuple(key for key in under.values() if key not in sources.values())
    return Found(Part("upscaler", "upscaler", lambda: Rrdb(shape), sources, surplus=surplus), shape.scale)


def numbered_ends(names: Iterable[str]) -> dict[str, str]:
    """The oldest spelling numbers the layers; what stands behind the blocks, by the order of the numbers."""
    found = {int(match[1]) for name in names if (match := re.fullmatch(r"model\.(\d+)\.weight", name))}
    order = [f"model.{number}" for number in sorted(found) if number > 1]
    ends = {name: f"ups.{place}" for place, name in enumerate(order[:-2])}
    return ends | dict(zip(order[-2:], ("fine", "last"), strict=False))


def rrdb_name(name: str, ends: Mapping[str, str]) -> str | None:
    """A weight's name in any of the spellings as the module's; None if it has no place there."""
    layer, _, kind = name.rpartition(".")
    if found := DENSE.fullmatch(layer):
        block, dense, conv = map(int, found.groups())
        return f"body.{block}.dense.{dense - 1}.convs.{conv - 1}.{kind}"
    if found := UP.fullmatch(layer):
        return f"ups.{int(found[1]) - 1}.{kind}"
    if re.fullmatch(r"model\.1\.sub\.\d+", layer):
        return f"after.{kind}"
    ours = LAYERS.get(layer) or ends.get(layer)
    return ours and f"{ours}.{kind}"


def compact(header: Header, sources: Mapping[str, str]) -> Found | None:
    """A Compact network: convolutions with a slope for each channel between them."""
    shapes = {name: header.shape(key) for name, key in sources.items()}
    layers = counted(shapes, "body")
    first, last = shapes.get("body.0.weight", ()), shapes.get(f"body.{layers - 1}.weight", ())
    if len(first) != 4 or len(last) != 4 or len(shapes.get("body.1.weight", ())) != 1:
        return None
    shape = CompactShape(first[1], first[0], layers // 2 + 1, math.isqrt(last[0] // first[1]))
    return Found(Part("upscaler", "upscaler", lambda: Compact(shape), sources), shape.scale)
