"""Attention made stronger or weaker: a patch that multiplies the weights of its projections."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from torch import Tensor

from diffusion.memory import Handle, Patch
from diffusion.model import Model, TextEncoder

OVER_TIME = "time_stack"
"""What the original names of layers that attend from frame to frame have inside."""


class Factors(NamedTuple):
    """What queries, keys, values and outputs of attention are multiplied by."""

    query: float = 1.0
    key: float = 1.0
    value: float = 1.0
    out: float = 1.0

    def of_modules(self, query: str, key: str, value: str, out: str) -> dict[str, float]:
        """By how the names of their modules end."""
        return dict(zip((query, key, value, out), self, strict=True))


@dataclass(frozen=True, slots=True, eq=False)
class Scaled:
    """A patch that multiplies some weights."""

    factors: Mapping[str, float]

    def names(self) -> Collection[str]:
        """The weights it changes."""
        return self.factors.keys()

    def applied(self, name: str, weight: Tensor) -> Tensor:
        """The weight times its factor."""
        return weight * self.factors[name]


def scaling(network: Handle, factor: Callable[[str, str], float]) -> tuple[Patch, ...]:
    """The patch that multiplies weights and biases by a factor of their module; none where all are 1.

    factor: of the module's name in the library, and of the weight's own in the file.
    """
    found = {
        name: wanted
        for name, key in network.part.sources.items()
        if (wanted := factor(name.rpartition(".")[0], key)) != 1
    }
    return (Scaled(found),) if found else ()


def with_attention(model: Model, attention: str, factors: Factors) -> Model:
    """A model whose `attn1` (to itself) or `attn2` (to the prompt) is scaled."""
    kinds = factors.of_modules("to_q", "to_k", "to_v", "to_out.0")
    named = {f"{attention}.{kind}": factor for kind, factor in kinds.items()}
    return model.with_patches(*scaling(model.network, lambda module, _key: of_ending(named, module)))


def with_text_attention(encoder: TextEncoder, factors: Factors) -> TextEncoder:
    """A text encoder all of whose towers have their attention scaled."""
    named = factors.of_modules(
        "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.out_proj"
    )

    def factor(module: str, _key: str) -> float:
        return of_ending(named, module)

    towers = (
        replace(tower, patches=(*tower.patches, *scaling(tower.network, factor))) for tower in encoder.towers
    )
    return replace(encoder, towers=tuple(towers))


def with_attention_outputs(
    model: Model, in_space: Mapping[str, float], over_time: Mapping[str, float]
) -> Model:
    """A model with the outputs of `attn1` and `attn2` scaled: within a picture, and from frame to frame."""

    def factor(module: str, key: str) -> float:
        wanted = over_time if f".{OVER_TIME}." in key else in_space
        return of_ending({f"{attention}.to_out.0": each for attention, each in wanted.items()}, module)

    return model.with_patches(*scaling(model.network, factor))


def of_ending(factors: Mapping[str, float], module: str) -> float:
    """The factor for a module whose name ends so; 1 where none does."""
    return next((factor for ending, factor in factors.items() if module.endswith(f".{ending}")), 1.0)
