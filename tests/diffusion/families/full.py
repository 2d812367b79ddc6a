"""Full-size files on the meta device: keys and shapes are real, weights are not there.

Networks are built by the library from the settings that were published with each model.
"""

import math

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from diffusion.blocks import UnetShape, VaeShape, inverted, unet_names, vae_names, vector_names
from diffusion.checkpoint import Entry, Header, Part
from diffusion.memory import Hollow, squeezed
from tests import tiny

VAE = VaeShape((128, 256, 512, 512), 2, 4)


def header_of(tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> Header:
    """The header of a file that would hold these tensors."""
    entries = {key: Entry(torch.float16, tuple(value.shape), 0, 0) for key, value in tensors.items()}
    return Header("full.safetensors", entries, metadata or {})


def original_unet(shape: UnetShape, **config: object) -> dict[str, Tensor]:
    """A full-size U-Net's weights under original names."""
    with torch.device("meta"), Hollow():
        module = UNet2DConditionModel(**config)
    names = inverted(unet_names(shape) | vector_names("add_embedding"))
    names |= inverted(vector_names("class_embedding"))
    return tiny.renamed(module, names, "model.diffusion_model.")


def original_vae(shape: VaeShape = VAE) -> dict[str, Tensor]:
    """A full-size VAE's weights under original names."""
    with torch.device("meta"):
        module = AutoencoderKL(
            block_out_channels=shape.channels,
            down_block_types=("DownEncoderBlock2D",) * len(shape.channels),
            up_block_types=("UpDecoderBlock2D",) * len(shape.channels),
            layers_per_block=2,
            latent_channels=4,
        )
    return tiny.as_convolutions(tiny.renamed(module, inverted(vae_names(shape)), "first_stage_model."))


def original_clip_l(prefix: str) -> dict[str, Tensor]:
    """The full-size CLIP-L's weights as first released, with the position numbers such files carry."""
    with torch.device("meta"):
        module = CLIPTextModel(
            CLIPTextConfig(hidden_size=768, intermediate_size=3072, num_attention_heads=12)
        )
        positions = torch.empty(1, 77)
    state = getattr(module, "text_model", module).state_dict()
    return {f"{prefix}{key}": value for key, value in state.items()} | {
        f"{prefix}embeddings.position_ids": positions
    }


def original_open_clip(prefix: str, width: int, layers: int) -> dict[str, Tensor]:
    """A full-size text encoder's weights in OpenCLIP's layout."""
    config = CLIPTextConfig(
        hidden_size=width, intermediate_size=4 * width, num_hidden_layers=layers, projection_dim=width
    )
    with torch.device("meta"), Hollow():
        return tiny.open_clip(CLIPTextModelWithProjection(config), prefix, layers)


def weights(header: Header, part: Part) -> int:
    """How many numbers a network has in the file."""
    return sum(math.prod(part.shape(header, name)) for name in part.sources)


def faults(header: Header, part: Part) -> list[str]:
    """What is missing, left over or of another shape between a file and the network that is built for it."""
    with torch.device("meta"), Hollow():
        wanted = part.build().state_dict()
    misfits = [
        name
        for name in wanted.keys() & part.sources.keys()
        if squeezed(tuple(wanted[name].shape)) != squeezed(part.shape(header, name))
    ]
    return [*part.surplus, *(wanted.keys() ^ part.sources.keys()), *misfits]
