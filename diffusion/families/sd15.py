"""Stable Diffusion 1: a U-Net that reads CLIP-L's last layer; also smaller networks of that layout.

Zero123 is one that reads what is seen in a picture and where the camera goes in place of a text.
"""

from collections.abc import Callable
from dataclasses import replace

from torch import Tensor

from diffusion.blocks import UnetShape
from diffusion.checkpoint import Header, Part
from diffusion.clip import clip_part
from diffusion.family import Family, LatentFormat, Parts, Reading, Sampling
from diffusion.noise_range import linear_betas
from diffusion.parts import control_part, find_unet, same_heads, unet_part, vae_part
from diffusion.prediction import EPSILON, VELOCITY
from diffusion.zero123 import FAMILY, WEIGHT, projection

TEXT_PREFIXES = ("cond_stage_model.transformer.text_model.", "cond_stage_model.transformer.", "text_model.")


def refuses(header: Header) -> str | None:
    """Why a file is not of Stable Diffusion 1, or None."""
    if reason := misfit(header):
        return reason
    if header.has(WEIGHT):
        return f"its U-Net reads views of an object ({WEIGHT})"
    if any(key.startswith("cond_stage_model.model.") for key in header.entries):
        return "its text encoder is that of Stable Diffusion 2"
    return None


def refuses_views(header: Header) -> str | None:
    """Why a file is not of Zero123, or None."""
    if reason := misfit(header):
        return reason
    return None if header.has(WEIGHT) else f"its U-Net reads no views ({WEIGHT} is missing)"


def misfit(header: Header) -> str | None:
    """Why a U-Net is not laid out as that of Stable Diffusion 1, or None."""
    unet = find_unet(header)
    if unet is None:
        return "it has no U-Net (input_blocks.0.0.weight is missing)"
    if unet.shape is None or not unet.shape.middle_depth:
        return "its U-Net has no attention to a prompt"
    if unet.shape.vector:
        return f"its U-Net takes a vector of {unet.shape.vector} numbers besides the prompt (label_emb)"
    if unet.shape.linear or unet.shape.context == 1024:
        return f"its U-Net reads a prompt of width {unet.shape.context}, as Stable Diffusion 2 does"
    return None


def parts(header: Header) -> Parts:
    """The networks in a file."""
    text = clip_part(header, TEXT_PREFIXES)
    return Parts(unet_part(header, same_heads), (text,), vae_part(header))


def parts_without_text(header: Header) -> Parts:
    """The networks in a file of Zero123."""
    return Parts(unet_part(header, same_heads), (), vae_part(header))


def control(header: Header) -> Part | None:
    """The ControlNet in a file."""
    return control_part(header, same_heads, fits)


def fits(shape: UnetShape) -> bool:
    """Whether a ControlNet of that shape is made for this family."""
    return not shape.linear and not shape.vector and shape.context != 1024


def sampling(header: Header, _tensor: Callable[[str], Tensor]) -> Sampling:
    """The network predicts noise, unless the file's metadata or a marker tensor says velocity."""
    is_velocity = header.has("v_pred") or header.metadata.get("prediction_type", "") in ("v", "v_prediction")
    noise = linear_betas(zero_terminal=header.has("ztsnr"))
    return Sampling(VELOCITY if is_velocity else EPSILON, noise)


SD15 = Family(
    name="sd15",
    title="Stable Diffusion 1",
    latent=LatentFormat(channels=4, downscale=8, scale=0.18215),
    readings=(Reading("clip_l"),),
    refuses=refuses,
    parts=parts,
    sampling=sampling,
    control=control,
    preview=(
        (0.3512, 0.2297, 0.3227),
        (0.3250, 0.4974, 0.2350),
        (-0.2829, 0.1762, 0.2721),
        (-0.2120, -0.2616, -0.7177),
    ),
)

ZERO123 = replace(
    SD15,
    name=FAMILY,
    title="Zero123",
    readings=(),
    refuses=refuses_views,
    parts=parts_without_text,
    control=None,
    augmentation=projection,
    prompt_hint="This model reads no text: connect what StableZero123_Conditioning gives.",
)
