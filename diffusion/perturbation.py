"""A change that makes a network worse, so that guidance can lead away from what it predicts then."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from diffusion.errors import DiffusionError
from diffusion.hooks import attending


@dataclass(frozen=True, slots=True)
class WithoutSelfAttention:
    """Each place in a U-Net's middle block attends to itself alone; Ahn et al. 2024 (arXiv:2403.17377)."""

    @contextmanager
    def installed(self, module: nn.Module, sigma: float) -> Iterator[None]:  # noqa: ARG002
        """While this lasts, a network computes it."""
        middle = getattr(module, "mid_block", None)
        if middle is None:
            raise DiffusionError(
                "Perturbed attention needs a network with a middle block, and this model has none.",
                "Use it with Stable Diffusion 1, 2 or XL.",
            )
        layers: list[Any] = [block.attn1 for part in middle.attentions for block in part.transformer_blocks]
        with attending(layers, lambda _attend: values_alone):
            yield


WITHOUT_SELF_ATTENTION = WithoutSelfAttention()


def values_alone(attn: Any, hidden_states: Tensor, *_rest: object, **_named: object) -> Tensor:
    """Attention whose map is the identity."""
    output: Tensor = attn.to_out[0](attn.to_v(hidden_states))
    return output
