"""The networks of the bundled checkpoint: their sizes, reading them from its file, writing them into one."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel

from diffusion.blocks import UnetShape, VaeShape, inverted, translated, unet_names, vae_names

UNET = UnetShape(
    channels=(64, 128, 192),
    blocks=(1, 1, 1),
    depths=(0, 1, 1),
    middle_depth=1,
    context=128,
    linear=False,
    in_channels=4,
)
VAE = VaeShape(channels=(32, 32, 64, 128), blocks=1, latent_channels=4)
WORDS, LENGTH = 49_408, 77
START, END = 49_406, 49_407
SCALE = 0.18215
METADATA = {
    "modelspec.architecture": "stable-diffusion-v1-tiny",
    "prediction_type": "epsilon",
    "unet.num_heads": "8",
    "vae.norm_groups": "8",
    "text.num_heads": "4",
}
UNET_PREFIX, VAE_PREFIX, CONTROL_PREFIX = "model.diffusion_model.", "first_stage_model.", "control_model."
TEXT_PREFIX = "cond_stage_model.transformer.text_model."


@dataclass(frozen=True, slots=True)
class Base:
    """The three networks of a checkpoint, float32. `text` has the final layer's output as its first."""

    unet: UNet2DConditionModel
    text: CLIPTextModel
    vae: AutoencoderKL


def untrained(words: int = WORDS) -> Base:
    """The networks with random weights; `words` is the length of the token table."""
    levels = len(VAE.channels)
    unet = UNet2DConditionModel(
        sample_size=16,
        in_channels=UNET.in_channels,
        out_channels=4,
        block_out_channels=UNET.channels,
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=UNET.context,
        attention_head_dim=int(METADATA["unet.num_heads"]),  # the library's name for how many heads
    )
    text = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=words,
            hidden_size=UNET.context,
            intermediate_size=4 * UNET.context,
            num_hidden_layers=2,
            num_attention_heads=int(METADATA["text.num_heads"]),
            max_position_embeddings=LENGTH,
            hidden_act="quick_gelu",
            bos_token_id=0,
            eos_token_id=2,  # the library's mark of an old CLIP; the pooled output is unused
            pad_token_id=1,
            attn_implementation="eager",
        )
    )
    vae = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        block_out_channels=VAE.channels,
        layers_per_block=VAE.blocks,
        latent_channels=VAE.latent_channels,
        norm_num_groups=int(METADATA["vae.norm_groups"]),
    )
    if not torch.cuda.is_available():
        unet.set_attn_processor(AttnProcessor())  # on a CPU the fused kernel's way back takes half of a step
    return Base(unet, text, vae)


def read(path: Path) -> Base:
    """The networks of a checkpoint file."""
    base, weights = untrained(), load_file(path)
    fill(base.unet, weights, UNET_PREFIX, unet_names(UNET))
    fill(base.vae, weights, VAE_PREFIX, vae_names(VAE))
    text = {key: weights[TEXT_PREFIX + bare(key)].float() for key in base.text.state_dict()}
    base.text.load_state_dict(text)
    return base


def metadata(path: Path) -> dict[str, str]:
    """What a file of weights says of itself."""
    with safe_open(path, "pt") as file:
        return dict(file.metadata() or {})


def bare(key: str) -> str:
    """A text encoder's key without the wrapper that some versions of the library have."""
    return key.removeprefix("text_model.")


def fill(module: nn.Module, weights: Mapping[str, Tensor], prefix: str, names: Mapping[str, str]) -> None:
    """Give a network the weights that are stored under the field's original names."""
    found = module.state_dict()
    for key, weight in weights.items():
        name = translated(key.removeprefix(prefix), names) if key.startswith(prefix) else None
        if name is not None:
            found[name] = weight.float().reshape(found[name].shape)
    module.load_state_dict(found)


def original(module: nn.Module, prefix: str, names: Mapping[str, str]) -> dict[str, Tensor]:
    """A network's weights under the field's original names, float16.

    Raises ValueError for one without such a name.
    """
    back = inverted(names)
    found: dict[str, Tensor] = {}
    for name, weight in module.state_dict().items():
        key = translated(name, back)
        if key is None:
            raise ValueError(f"{name} has no original name.")
        if ".attn_1." in key and weight.dim() == 2:
            weight = weight[:, :, None, None]  # the original stores the VAE's projections as convolutions
        found[prefix + key] = half(weight)
    return found


def half(weight: Tensor) -> Tensor:
    """A weight as files store it."""
    return weight.detach().to("cpu", torch.float16).contiguous()


def save(base: Base, path: Path, more: Mapping[str, str] | None = None) -> None:
    """Write a checkpoint of original layout, float16."""
    weights = original(base.unet, UNET_PREFIX, unet_names(UNET)) | original(
        base.vae, VAE_PREFIX, vae_names(VAE)
    )
    weights |= {TEXT_PREFIX + bare(key): half(weight) for key, weight in base.text.state_dict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(weights, path, metadata=METADATA | dict(more or {}))
