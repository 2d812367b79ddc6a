"""Changes to a network for one forward, so that guidance can lead away from what a worse network predicts."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeAlias

from torch import Tensor, nn

from diffusion.errors import DiffusionError

Perturbation: TypeAlias = Callable[[nn.Module], AbstractContextManager[None]]
"""Changes a network while the context lasts."""


@contextmanager
def unperturbed(_module: nn.Module) -> Iterator[None]:
    """No change."""
    yield


@contextmanager
def without_self_attention(module: nn.Module) -> Iterator[None]:
    """While this lasts, each place in a U-Net's middle block attends to itself alone."""
    middle = getattr(module, "mid_block", None)
    if middle is None:
        raise DiffusionError(
            "Perturbed attention needs a network with a middle block, and this model has none.",
            "Use it with Stable Diffusion 1, 2 or XL.",
        )
    layers: list[Any] = [block.attn1 for part in middle.attentions for block in part.transformer_blocks]
    before = [layer.processor for layer in layers]
    for layer in layers:
        layer.processor = values_alone
    try:
        yield
    finally:
        for layer, processor in zip(layers, before, strict=True):
            layer.processor = processor


def values_alone(attn: Any, hidden_states: Tensor, *_rest: object, **_named: object) -> Tensor:
    """Attention whose map is the identity."""
    output: Tensor = attn.to_out[0](attn.to_v(hidden_states))
    return output
