"""CLIP's image encoders: what a picture is about, as vectors (Radford et al. 2021, arXiv:2103.00020)."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Literal

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from diffusion import networks
from diffusion.blocks import Shapes, counted
from diffusion.checkpoint import Header, Part
from diffusion.clip import open_part
from diffusion.memory import Handle
from diffusion.parts import part, under_first

PREFIXES = ("", "image_encoder.", "clip_vision.")
OPEN_PREFIXES = ("visual.", "embedder.model.visual.", "cond_stage_model.model.visual.", "")
OPEN_NAMES = {
    "class_embedding": "vision_model.embeddings.class_embedding",
    "conv1": "vision_model.embeddings.patch_embedding",
    "positional_embedding": "vision_model.embeddings.position_embedding.weight",
    "ln_pre": "vision_model.pre_layrnorm",
    "ln_post": "vision_model.post_layernorm",
    "proj": "visual_projection.weight",
}
FIRST_LAYERS = 24
"""CLIP as first released has at most so many layers, and the quick form of its activation."""
MEAN = (0.48145466, 0.4578275, 0.40821073)
SPREAD = (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class ClipVision:
    """An image encoder that looks at squares of `side` pixels."""

    network: Handle
    side: int = 224
    socket: ClassVar[str] = "CLIP_VISION"


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Seen:
    """What an image encoder saw, float32.

    image_embeds: the pictures as a whole [batch, width]. last_hidden_state, penultimate_hidden_states:
    patch by patch after the last layer and the one before [batch, patches + 1, width].
    """

    image_embeds: Tensor
    last_hidden_state: Tensor
    penultimate_hidden_states: Tensor
    socket: ClassVar[str] = "CLIP_VISION_OUTPUT"


def vision_part(header: Header) -> Part | None:
    """The image encoder in a file, in the library's layout or OpenCLIP's."""
    prefix, shapes = under_first(header, PREFIXES, "vision_model.embeddings.class_embedding")
    if shapes:
        build = partial(networks.clip_vision, vision_config(header, shapes, "vision_model.encoder.layers"))
        names = {name: name for name in ("vision_model", "visual_projection")}
        return part("image encoder", build, header, prefix, names, "text")
    prefix, found = under_first(header, OPEN_PREFIXES, "transformer.resblocks.0.attn.in_proj_weight")
    if "conv1.weight" not in found:
        return None
    known = {
        OPEN_NAMES.get(key.removesuffix(".weight"), key).removesuffix(".weight") + ".weight": shape
        for key, shape in found.items()
    }
    config = vision_config(header, {**found, **known}, "transformer.resblocks")
    config["projection_dim"] = found.get("proj", (0, 0))[1]
    build = partial(networks.clip_vision, config)
    return open_part("image encoder", build, header, prefix, OPEN_NAMES, "vision_model.")


def side_px(header: Header, part: Part) -> int:
    """The side of the squares that an image encoder looks at."""
    inside = "vision_model.embeddings"
    patch = part.shape(header, f"{inside}.patch_embedding.weight")[-1]
    return int((part.shape(header, f"{inside}.position_embedding.weight")[0] - 1) ** 0.5) * patch


def vision_config(header: Header, shapes: Shapes, layers: str) -> dict[str, object]:
    """The library's settings for an image transformer."""
    width, _colours, patch, _ = shapes.get("vision_model.embeddings.patch_embedding.weight", (0, 3, 1, 1))
    places = shapes.get("vision_model.embeddings.position_embedding.weight", (2, 0))[0]
    count = counted(shapes, layers)
    inner = shapes.get(f"{layers}.0.mlp.fc1.weight") or shapes.get(f"{layers}.0.mlp.c_fc.weight") or (0,)
    return {
        "hidden_size": width,
        "intermediate_size": inner[0],
        "num_hidden_layers": count,
        "num_attention_heads": header.number("vision.num_heads", 12 if width == 768 else 16),
        "image_size": int((places - 1) ** 0.5) * patch,
        "patch_size": patch,
        "projection_dim": shapes.get("visual_projection.weight", (0,))[0],
        "hidden_act": "quick_gelu" if count <= FIRST_LAYERS else "gelu",
    }


def see(encoder: ClipVision, image: Tensor, crop: Literal["center", "none"] = "center") -> Seen:
    """Look at pictures [batch, height, width, 3]: at their middle square, or squeezed into one."""
    pixels = squared(image, encoder.side, crop)
    with encoder.network.resident() as module:
        device = next(module.parameters()).device
        found = module(pixel_values=pixels.to(device), output_hidden_states=True)
    states = found.hidden_states
    return Seen(*(each.float().cpu() for each in (found.image_embeds, states[-1], states[-2])))


def squared(image: Tensor, side: int, crop: str = "center") -> Tensor:
    """Pictures as squares [batch, 3, side, side] of 256 shades, in the numbers CLIP was trained on."""
    planes = torch.as_tensor(image)[..., :3].float().movedim(-1, 1)
    height, width = planes.shape[-2:]
    scale = side / min(height, width)
    size = (round(scale * height), round(scale * width)) if crop == "center" else (side, side)
    if (height, width) != size:
        planes = interpolate(planes, size=size, mode="bicubic", antialias=True)
        top, left = (size[0] - side) // 2, (size[1] - side) // 2
        planes = planes[..., top : top + side, left : left + side]
    shades = (planes * 255).clamp(0, 255).round() / 255
    mean, spread = (shades.new_tensor(values).view(3, 1, 1) for values in (MEAN, SPREAD))
    return (shades - mean) / spread
