"""Models mixed from two: a patch that adds shares of another network's weights; no weights are copied."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

from torch import Tensor

from diffusion.errors import FamilyMismatch
from diffusion.memory import Handle, Patch, by_weight
from diffusion.model import Model, TextEncoder


class Shares(NamedTuple):
    """How much of the first network's weights and of the other's is in the mix."""

    own: float
    other: float


Recipe: TypeAlias = Callable[[str], Shares]
"""From the original name of a weight, such as `input_blocks.1.0.in_layers.2.weight`, to shares."""


@dataclass(frozen=True, slots=True, eq=False)
class Mix:
    """A patch that mixes in another network, with the patches that one has."""

    other: Handle
    patches: Mapping[str, list[Patch]]
    shares: Mapping[str, Shares]

    def names(self) -> Collection[str]:
        """The weights both networks have."""
        return self.shares.keys()

    def applied(self, name: str, weight: Tensor) -> Tensor:
        """The mix of a weight with the other network's."""
        theirs = self.other.part.weight(self.other.file, name).to(weight).reshape(weight.shape)
        for patch in self.patches.get(name, ()):
            theirs = patch.applied(name, theirs)
        own, other = self.shares[name]
        return (weight * own).add_(theirs, alpha=other)


def mixed(one: Model, other: Model, recipe: Recipe) -> Model:
    """A model mixed from two. Raises FamilyMismatch if they are not built alike."""
    return one.with_patches(mix(one.network, other.network, other.patches, recipe))


def mixed_text(one: TextEncoder, other: TextEncoder, recipe: Recipe) -> TextEncoder:
    """A text encoder mixed from two. Raises FamilyMismatch if they are not built alike."""
    theirs = {tower.reading.name: tower for tower in other.towers}
    if theirs.keys() != {tower.reading.name for tower in one.towers}:
        raise not_alike(one.towers[0].network, other.towers[0].network)
    towers = []
    for tower in one.towers:
        found = theirs[tower.reading.name]
        patch = mix(tower.network, found.network, found.patches, recipe)
        towers.append(replace(tower, patches=(*tower.patches, patch)))
    return replace(one, towers=tuple(towers))


def mix(own: Handle, other: Handle, patches: tuple[Patch, ...], recipe: Recipe) -> Mix:
    """The patch that mixes one network with another."""
    names = own.part.sources.keys()
    if names != other.part.sources.keys() or any(own.shape(name) != other.shape(name) for name in names):
        raise not_alike(own, other)
    prefix = own.part.prefix
    shares = {name: recipe(key.removeprefix(prefix)) for name, key in own.part.sources.items()}
    return Mix(other, by_weight(patches), shares)


def not_alike(own: Handle, other: Handle) -> FamilyMismatch:
    """The error for two networks that cannot be mixed."""
    return FamilyMismatch(
        f"{own.file.path.name} and {other.file.path.name} are not built alike, so they cannot be mixed.",
        "Choose two models of one family.",
    )


@dataclass(frozen=True, slots=True, eq=False)
class Beyond:
    """What a checkpoint has beyond another, to be added like a LoRA: W + strength · (W' - W).

    W is as the other's file has it, so several of these add up.
    """

    model: Model
    text_encoder: TextEncoder

    @property
    def name(self) -> str:
        """The checkpoint's file."""
        return self.model.network.file.path.name

    def on(self, network: Handle, tower: str | None) -> Callable[[float], Mix]:
        """The patch on a network, by its strength. tower: which text encoder; None is a diffusion model.

        Raises FamilyMismatch if the two are not built alike.
        """
        towers = {each.reading.name: each.network for each in self.text_encoder.towers}
        other = self.model.network if tower is None else towers.get(tower)
        if other is None:
            raise not_alike(network, self.model.network)
        less = mix(other, network, (), evenly(1.0, -1.0))
        return lambda strength: mix(network, other, (less,), evenly(1.0, strength))


def evenly(own: float, other: float) -> Recipe:
    """The same shares for every weight."""
    return lambda _name: Shares(own, other)


def by_block(ratios: Mapping[str, float]) -> Recipe:
    """For each start of a name, how much of the first network is in the mix.

    The longest start counts; where none fits, the first ratio does.
    """
    default = next(iter(ratios.values()), 1.0)

    def shares(name: str) -> Shares:
        start = max((start for start in ratios if name.startswith(start)), key=len, default=None)
        ratio = default if start is None else ratios[start]
        return Shares(ratio, 1 - ratio)

    return shares
