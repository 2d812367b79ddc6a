"""The libraries' networks, built from settings alone.

Importing these libraries takes seconds, so it is done when the first network is built: the list of nodes, and
with it the editor, need not wait for it.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from diffusion.attention import Attention
from diffusion.convolution import convolving


class Vector(NamedTuple):
    """What a U-Net takes besides the prompt.

    pooled: a text or a picture as a whole [batch, width], or a class, int64 [batch]. numbers: sizes and
    scores [batch, count], each of which becomes 256 waves.
    """

    pooled: Tensor
    numbers: Tensor

    def rows(self, index: Tensor) -> "Vector":
        """Those rows of the batch."""
        return Vector(self.pooled[index], self.numbers[index])

    def arguments(self, dtype: torch.dtype) -> dict[str, object]:
        """How diffusers' U-Nets and ControlNets take it that compute in a number format."""
        pooled = self.pooled.to(dtype) if self.pooled.is_floating_point() else self.pooled
        if self.numbers.shape[1]:
            return {"added_cond_kwargs": {"text_embeds": pooled, "time_ids": self.numbers}}
        return {"class_labels": pooled}


def unet(config: Mapping[str, object]) -> nn.Module:
    """A U-Net with cross attention, by diffusers' names for its settings."""
    from diffusers import UNet2DConditionModel

    module = UNet2DConditionModel(**config)
    module.set_attn_processor(Attention())
    return convolving(module)


def autoencoder(config: Mapping[str, object]) -> nn.Module:
    """A VAE with a Kullback-Leibler bottleneck, by diffusers' names for its settings."""
    from diffusers import AutoencoderKL

    module: nn.Module = AutoencoderKL(**config)
    return module


def control_net(config: Mapping[str, object]) -> nn.Module:
    """A ControlNet, by diffusers' names for its settings."""
    from diffusers import ControlNetModel

    module = ControlNetModel(**config)
    module.set_attn_processor(Attention())
    return convolving(module)


def control_net_of(build: Callable[[], nn.Module], hint: tuple[int, ...]) -> nn.Module:
    """A ControlNet of the architecture of a U-Net's encoder.

    build: makes the U-Net. hint: how wide the layers that read the hint are.
    """
    from diffusers import ControlNetModel

    made: Any = build()
    known = inspect.signature(ControlNetModel).parameters
    config = {name: value for name, value in made.config.items() if name in known}
    blocks = config["layers_per_block"]
    config["layers_per_block"] = blocks if isinstance(blocks, int) else blocks[0]
    return control_net(config | {"conditioning_embedding_out_channels": hint})


def union_control_net(config: Mapping[str, object]) -> nn.Module:
    """A ControlNet that is told which kind of hint it reads, by diffusers' names for its settings."""
    from diffusers import ControlNetUnionModel

    module: nn.Module = ControlNetUnionModel(**config)
    return module


def t2i_adapter(config: Mapping[str, Any]) -> nn.Module:
    """A T2I-Adapter, by diffusers' names for its settings."""
    from diffusers import T2IAdapter

    module: nn.Module = T2IAdapter(**config)
    return module


def box_projection(text: int, width: int) -> nn.Module:
    """What makes a token `width` wide of a box and its text as a whole, which is `text` numbers wide."""
    from diffusers.models.embeddings import GLIGENTextBoundingboxProjection

    module: nn.Module = GLIGENTextBoundingboxProjection(text, width)
    return module


def box_gate(width: int, context: int, heads: int) -> nn.Module:
    """A gate through which states `width` wide attend to tokens `context` wide, beside themselves."""
    from diffusers.models.attention import GatedSelfAttentionDense

    module = GatedSelfAttentionDense(width, context, heads, width // heads)
    module.attn.set_processor(Attention())
    made: nn.Module = module
    return made


def clip_text(config: Mapping[str, object], projection: int = 0) -> nn.Module:
    """CLIP's text transformer, by transformers' names for its settings.

    projection: if not 0, how wide the matrix `text_projection` makes its pooled state.
    """
    from transformers import CLIPTextConfig, CLIPTextModel

    module: nn.Module = CLIPTextModel(CLIPTextConfig(**config))
    inner: nn.Module = getattr(module, "text_model", module)  # older libraries wrap it once more
    if projection:
        width = inner.get_submodule("final_layer_norm").get_parameter("weight").shape[0]
        inner.add_module("text_projection", nn.Linear(width, projection, bias=False))
    return inner


def clip_vision(config: Mapping[str, object]) -> nn.Module:
    """CLIP's image transformer with its projection, by transformers' names for its settings."""
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    module: nn.Module = CLIPVisionModelWithProjection(CLIPVisionConfig(**config))
    return module


def warm_up() -> None:
    """Import the libraries now, so that the first network need not wait for it."""
    import diffusers
    import transformers

    for name in ("UNet2DConditionModel", "AutoencoderKL"):
        getattr(diffusers, name)
    getattr(transformers, "CLIPTextModel")  # noqa: B009  the library loads what is looked up
