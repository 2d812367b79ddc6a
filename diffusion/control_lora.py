"""Control-LoRAs: files that hold a ControlNet as low-rank changes to the encoder of a model.

Where the file has `up` and `down`, the weight is the model's plus their product (Hu et al. 2021,
arXiv:2106.09685); where it has a whole weight, it is that; everything else is the model's own.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import partial

from torch import Tensor

from diffusion import networks
from diffusion.blocks import control_names, read_library_unet_shape, translated, vector_names
from diffusion.checkpoint import Header, Part, WeightFile
from diffusion.errors import FamilyMismatch
from diffusion.memory import Handle, Memory, Patch

MARK = "lora_controlnet"
"""The tensor that marks a file which holds changes to a model's encoder."""
HINT_CONVOLUTIONS = (0, 4, 8, 12)
"""Those of the hint's encoder whose widths tell the others'."""
DECODER = ("up_blocks.", "conv_norm_out.", "conv_out.")
"""What the names of a U-Net's decoder start with, of which a ControlNet has none."""


@dataclass(frozen=True, eq=False)
class Composed(Part):
    """A ControlNet made of the weights of a model and what a file adds to them.

    base: the model's network. whole: the weights that are the file's alone. products: the file's `up` and
    `down` by the name of the weight that their product changes.
    """

    base: Handle = field(kw_only=True)
    whole: frozenset[str] = field(kw_only=True)
    products: Mapping[str, tuple[str, str]] = field(kw_only=True)

    def shape(self, header: Header, name: str) -> tuple[int, ...]:
        """The shape of a weight, as the file has it or else the model."""
        return super().shape(header, name) if name in self.whole else self.base.shape(name)

    def weight(self, file: WeightFile, name: str) -> Tensor:
        """A weight: the file's, or the model's with what the file adds."""
        if name in self.whole:
            return super().weight(file, name)
        weight = self.base.part.weight(self.base.file, name)
        if name not in self.products:
            return weight
        up, down = (file.tensor(key).float().flatten(1) for key in self.products[name])
        return weight.float() + (up @ down).reshape(weight.shape)


@dataclass(frozen=True, slots=True)
class Limited:
    """A patch that changes only some of the weights it could."""

    patch: Patch
    only: frozenset[str]

    def names(self) -> Collection[str]:
        """Those it may change."""
        return self.only.intersection(self.patch.names())

    def applied(self, name: str, weight: Tensor) -> Tensor:
        """The changed weight."""
        return self.patch.applied(name, weight)


class ControlLora:
    """The changes in a file: a ControlNet for each model they fit, made once for each."""

    def __init__(self, file: WeightFile, memory: Memory) -> None:
        self.file, self.memory = file, memory
        self.made: dict[Handle, Handle] = {}

    def on(self, base: Handle) -> Handle:
        """The ControlNet these changes make of a U-Net. Raises FamilyMismatch if they do not fit it."""
        if base not in self.made:
            for old in [each for each in self.made if each.file.is_stale()]:
                self.memory.evict(self.made.pop(old))
            self.made[base] = Handle(composed(self.file.header, base), self.file, self.memory)
        return self.made[base]


def composed(header: Header, base: Handle) -> Composed:
    """The ControlNet that a file makes of a U-Net."""
    theirs = {name: key for name, key in base.part.sources.items() if not name.startswith(DECODER)}
    shape = read_library_unet_shape({name: base.shape(name) for name in base.part.sources})
    embedding = "add_embedding" if "add_embedding.linear_1.weight" in theirs else "class_embedding"
    names = {} if shape is None else control_names(shape) | vector_names(embedding)
    whole: dict[str, str] = {}
    products: dict[str, tuple[str, str]] = {}
    for key in header.entries:
        module, _, kind = key.removesuffix(".weight").rpartition(".")
        name = translated(f"{module}.weight" if kind == "up" else key, names)
        if key == MARK or kind == "down":
            continue
        if name is None:
            raise misfit(header, base, key)
        if kind == "up":
            products[name] = key, f"{module}.down{key.removeprefix(f'{module}.up')}"
        else:
            whole[name] = key
    for name, pair in products.items():
        require_fit(header, base, name, pair)
    hint = tuple(header.shape(f"input_hint_block.{place}.weight")[0] for place in HINT_CONVOLUTIONS)
    build = partial(networks.control_net_of, base.part.build, hint)
    sources = whole | {name: theirs[name] for name in theirs.keys() - whole.keys()}
    title, own = "Control-LoRA", frozenset(whole)
    return Composed(title, "network", build, sources, base=base, whole=own, products=products)


def require_fit(header: Header, base: Handle, name: str, pair: tuple[str, str]) -> None:
    """Refuse a product that has not the shape of the model's weight."""
    up, down = map(header.shape, pair)
    expected = base.shape(name) if name in base.part.sources else ()
    if math.prod(expected) != up[0] * math.prod(down[1:]) or expected[:2] != (up[0], down[1]):
        raise misfit(header, base, pair[0])


def misfit(header: Header, base: Handle, key: str) -> FamilyMismatch:
    """The error for changes that are made for another model."""
    return FamilyMismatch(
        f"{header.name} changes another kind of model than {base.file.path.name}: "
        f"its {key} has no place there.",
        "Load a Control-LoRA made for the model's family.",
    )


def limited(network: Handle, patches: tuple[Patch, ...]) -> tuple[Patch, ...]:
    """What of a model's patches is for the ControlNet made of it: what changes weights that begin as its."""
    part = network.part
    if not isinstance(part, Composed):
        return ()
    shared = frozenset(part.sources.keys() - part.whole)
    return tuple(Limited(patch, shared) for patch in patches)
