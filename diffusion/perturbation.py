"""What guidance away from worse pictures asks of a network: to see no structure, to tell where it looks."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from diffusion.errors import DiffusionError
from diffusion.hooks import Attend, attending, reading


@dataclass(frozen=True, slots=True)
class WithoutSelfAttention:
    """Each place in a U-Net's middle block attends to itself alone; Ahn et al. 2024 (arXiv:2403.17377)."""

    @contextmanager
    def installed(self, module: nn.Module, sigma: float) -> Iterator[None]:  # noqa: ARG002
        """While this lasts, a network computes it."""
        middle = attention_in_the_middle(module)
        layers: list[Any] = [block.attn1 for part in middle for block in part.transformer_blocks]
        with attending(layers, lambda _attend: values_alone):
            yield


WITHOUT_SELF_ATTENTION = WithoutSelfAttention()


def values_alone(attn: Any, hidden_states: Tensor, *_rest: object, **_named: object) -> Tensor:
    """Attention whose map is the identity."""
    output: Tensor = attn.to_out[0](attn.to_v(hidden_states))
    return output


@dataclass(frozen=True, slots=True)
class WithoutLayers:
    """Some blocks of a transformer hand on what they are given; Hyung et al. 2024 (arXiv:2411.18664).

    double: numbers of blocks that treat text and picture apart. single: of those that treat them alike.
    Numbers the network does not have are passed over.
    """

    double: tuple[int, ...] = ()
    single: tuple[int, ...] = ()

    @contextmanager
    def installed(self, module: nn.Module, sigma: float) -> Iterator[None]:  # noqa: ARG002
        """While this lasts, a network computes it."""
        blocks = layers_of(module)
        left_out = [
            block
            for kind, numbers in zip(blocks, (self.double, self.single), strict=True)
            for number, block in enumerate(kind)
            if number in numbers
        ]
        for block in left_out:
            block.forward = handed_on
        try:
            yield
        finally:
            for block in left_out:
                del block.forward


def handed_on(hidden_states: Tensor, encoder_hidden_states: Tensor, **_rest: object) -> tuple[Tensor, Tensor]:
    """What a block returns, text before picture, if it changes neither."""
    return encoder_hidden_states, hidden_states


def layers_of(module: Any) -> tuple[Any, Any]:
    """A transformer's blocks that treat text and picture apart, and those that treat them alike."""
    if not hasattr(module, "transformer_blocks"):
        raise DiffusionError(
            "Skip-layer guidance needs a network of numbered transformer blocks, and this model is a U-Net.",
            "Remove the node; Perturbed-Attention Guidance does the like for Stable Diffusion 1, 2 and XL.",
        )
    return module.transformer_blocks, getattr(module, "single_transformer_blocks", ())


@dataclass(frozen=True, slots=True, eq=False)
class WhereItLooks:
    """Keeps what the first layer of a U-Net's middle block attends to: Hong et al. 2023 (arXiv:2210.00939).

    maps: one for each forward so far [batch, 1, height, width]: how much all places together attend to each,
    over heads on average. 1 is as much as if all were attended to alike.
    """

    maps: list[Tensor] = field(default_factory=list)

    @contextmanager
    def installed(self, module: nn.Module, sigma: float) -> Iterator[None]:  # noqa: ARG002
        """While this lasts, a network computes what it does, and this looks on."""
        first = attention_in_the_middle(module)[0]
        sizes: list[torch.Size] = []

        def noted(planes: Tensor) -> Tensor:
            sizes.append(planes.shape[-2:])
            return planes

        def watched(attend: Attend) -> Attend:
            def looked(layer: Any, states: Tensor, *rest: object, **named: object) -> Tensor:
                self.maps.append(attended(layer, states).view(len(states), 1, *sizes.pop()))
                return attend(layer, states, *rest, **named)

            return looked

        with ExitStack() as stack:
            stack.callback(reading(first, noted))
            stack.enter_context(attending([first.transformer_blocks[0].attn1], watched))
            yield

    def looks_at(self, x: Tensor, threshold: float = 1.0) -> Tensor:
        """1 in the cells of x [batch, channel, height, width] that were attended to more than a threshold.

        Of several forwards the first counts, and of its rows as many as x has.
        """
        found = (self.maps[0][: len(x)] > threshold).to(x)
        return interpolate(found, size=x.shape[-2:], mode="nearest")


def attended(layer: Any, states: Tensor) -> Tensor:
    """How much each token [batch, token] is attended to by all together."""
    query, key = (
        project(states).unflatten(-1, (layer.heads, -1)).transpose(1, 2).float()
        for project in (layer.to_q, layer.to_k)
    )
    weights = torch.softmax(query @ key.mT / query.shape[-1] ** 0.5, -1)
    return weights.mean(1).sum(1)


def attention_in_the_middle(module: Any) -> Any:
    """The transformers of a U-Net's middle block, at least one."""
    found = getattr(getattr(module, "mid_block", None), "attentions", None)
    if not found:
        raise DiffusionError(
            "This guidance needs a network with attention in a middle block, and this model has none.",
            "Use it with Stable Diffusion 1, 2 or XL.",
        )
    return found
