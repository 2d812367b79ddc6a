"""The libraries' networks, built from settings alone.

Importing these libraries takes seconds, so it is done when the first network is built: the list of nodes, and
with it the editor, need not wait for it.
"""

from collections.abc import Mapping

from torch import nn


def unet(config: Mapping[str, object]) -> nn.Module:
    """A U-Net with cross attention, by diffusers' names for its settings."""
    from diffusers import UNet2DConditionModel

    module: nn.Module = UNet2DConditionModel(**config)
    return module


def autoencoder(config: Mapping[str, object]) -> nn.Module:
    """A VAE with a Kullback-Leibler bottleneck, by diffusers' names for its settings."""
    from diffusers import AutoencoderKL

    module: nn.Module = AutoencoderKL(**config)
    return module


def control_net(config: Mapping[str, object]) -> nn.Module:
    """A ControlNet, by diffusers' names for its settings."""
    from diffusers import ControlNetModel

    module: nn.Module = ControlNetModel(**config)
    return module


def clip_text(config: Mapping[str, object]) -> nn.Module:
    """CLIP's text transformer without a projection, by transformers' names for its settings."""
    from transformers import CLIPTextConfig, CLIPTextModel

    module: nn.Module = CLIPTextModel(CLIPTextConfig(**config))
    inner: nn.Module = getattr(module, "text_model", module)  # older libraries wrap it once more
    return inner


def warm_up() -> None:
    """Import the libraries now, so that the first network need not wait for it."""
    import diffusers
    import transformers

    for name in ("UNet2DConditionModel", "AutoencoderKL"):
        getattr(diffusers, name)
    getattr(transformers, "CLIPTextModel")  # noqa: B009  the library loads what is looked up
