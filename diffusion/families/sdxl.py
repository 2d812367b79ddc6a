"""SDXL (Podell et al. 2023, arXiv:2307.01952): two text encoders, and the picture's size as a vector.

Its refiner reads only the larger encoder and is told how beautiful the picture should be. Smaller networks of
the same kind (SSD-1B, Vega, Koala) and Playground 2.5 come in the same files.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from diffusion.blocks import UnetShape
from diffusion.checkpoint import Header, Part
from diffusion.clip import clip_part, open_clip_part
from diffusion.errors import FamilyMismatch
from diffusion.family import Family, LatentFormat, Parts, Reading, Rgb, Sampling
from diffusion.networks import Vector
from diffusion.noise_range import continuous_edm, linear_betas
from diffusion.parts import (
    control_part,
    find_unet,
    unet_part,
    vae_part,
    wide_heads,
)
from diffusion.prediction import EDM, EPSILON, VELOCITY
from diffusion.values import Framing, Prompt

CLIP_L_PREFIXES = ("conditioner.embedders.0.transformer.text_model.",)
CLIP_G_PREFIXES = ("conditioner.embedders.1.model.",)
REFINER_PREFIXES = ("conditioner.embedders.0.model.",)
WAVES = 256
"""How many numbers of the vector tell one size."""
BASE_SIZES, REFINER_SIZES = 6, 5
CLIP_G = Reading("clip_g", pad=0, layer=-2, normalised=False)
SCORES = (6.0, 2.5)
"""How beautiful, 0 to 10, the refiner takes what a positive or a negative prompt describes to be."""
PLAYGROUND = LatentFormat(
    channels=4,
    downscale=8,
    scale=0.5,
    mean=(-1.6574, 1.886, -1.383, 2.5155),
    std=(8.4927, 5.9022, 6.5498, 5.2299),
)


def is_refiner(shape: UnetShape) -> bool:
    """Whether the vector is as wide as the prompt, and five sizes."""
    return shape.vector == shape.context + REFINER_SIZES * WAVES


def is_base(shape: UnetShape) -> bool:
    """Whether the vector is as wide as one of the prompt's two encoders, and six sizes.

    One twice as wide as the prompt tells of a picture, in Stable unCLIP.
    """
    is_other = is_refiner(shape) or shape.vector == 2 * shape.context
    return 0 < shape.vector - BASE_SIZES * WAVES < shape.context and not is_other


def refusal(header: Header, fits: Callable[[UnetShape], bool], expected: str) -> str | None:
    """Why a file's U-Net does not fit, or None."""
    unet = find_unet(header)
    if unet is None:
        return "it has no U-Net (input_blocks.0.0.weight is missing)"
    if unet.shape is None:
        return "its U-Net has no attention to a prompt"
    if not unet.shape.vector:
        return "its U-Net takes nothing besides the prompt (label_emb is missing)"
    if not fits(unet.shape):
        return f"its U-Net takes a vector of {unet.shape.vector} numbers besides the prompt, not {expected}"
    return None


def refuses_base(header: Header) -> str | None:
    """Why a file is not SDXL, or None."""
    return refusal(header, is_base, "2816")


def refuses_refiner(header: Header) -> str | None:
    """Why a file is not SDXL's refiner, or None."""
    return refusal(header, is_refiner, "2560")


def base_parts(header: Header) -> Parts:
    """The networks in a file of SDXL."""
    texts = (clip_part(header, CLIP_L_PREFIXES), open_clip_part(header, CLIP_G_PREFIXES))
    return Parts(unet_part(header, wide_heads, BASE_SIZES), texts, vae_part(header))


def refiner_parts(header: Header) -> Parts:
    """The networks in a file of the refiner."""
    text = open_clip_part(header, REFINER_PREFIXES)
    return Parts(unet_part(header, wide_heads, REFINER_SIZES), (text,), vae_part(header))


def base_control(header: Header) -> Part | None:
    """The ControlNet for SDXL in a file."""
    return control_part(header, wide_heads, is_base, BASE_SIZES)


def refiner_control(header: Header) -> Part | None:
    """The ControlNet for the refiner in a file."""
    return control_part(header, wide_heads, is_refiner, REFINER_SIZES)


def sampling(header: Header, tensor: Callable[[str], Tensor]) -> Sampling:
    """What the network predicts: noise, unless marker tensors or the metadata say otherwise."""
    if header.has("edm_mean") and header.has("edm_std"):
        return Sampling(EDM, continuous_edm(0.002, 80.0), PLAYGROUND)
    if header.has("edm_vpred.sigma_max"):
        low = float(tensor("edm_vpred.sigma_min")) if header.has("edm_vpred.sigma_min") else 0.002
        return Sampling(VELOCITY, continuous_edm(low, float(tensor("edm_vpred.sigma_max"))))
    is_velocity = header.has("v_pred") or header.metadata.get("prediction_type", "") in ("v", "v_prediction")
    noise = linear_betas(zero_terminal=is_velocity and header.has("ztsnr"))
    return Sampling(VELOCITY if is_velocity else EPSILON, noise)


def base_vector(prompt: Prompt, height: int, width: int, _is_negative: bool) -> Vector:
    """The pooled prompt, and the sizes it was framed with; where it says none, those of the run."""
    return vector(prompt, *sizes(prompt.framing or Framing(), height, width))


def refiner_vector(prompt: Prompt, height: int, width: int, is_negative: bool) -> Vector:
    """The pooled prompt, its size and crop, and how beautiful the picture is."""
    framing = prompt.framing or Framing()
    score = SCORES[is_negative] if framing.score is None else framing.score
    return vector(prompt, *sizes(framing, height, width)[:4], score)


def sizes(framing: Framing, height: int, width: int) -> tuple[float, ...]:
    """Height and width of the original, of what was cut off, and of what was aimed at, in pixels."""
    tall = height if framing.height is None else framing.height
    wide = width if framing.width is None else framing.width
    target_height = tall if framing.target_height is None else framing.target_height
    target_width = wide if framing.target_width is None else framing.target_width
    return tall, wide, framing.crop_h, framing.crop_w, target_height, target_width


def vector(prompt: Prompt, *numbers: float) -> Vector:
    """A pooled prompt with numbers beside it."""
    if prompt.pooled is None:
        raise FamilyMismatch(
            "This prompt has no pooled vector, which SDXL needs.",
            "Encode it with the text encoder that belongs to the model.",
        )
    row = torch.tensor([numbers], dtype=torch.float32)
    return Vector(prompt.pooled, row.expand(len(prompt.pooled), -1))


PREVIEW: tuple[Rgb, ...] = (
    (0.3651, 0.4232, 0.4341),
    (-0.2533, -0.0042, 0.1068),
    (0.1076, 0.1111, -0.0362),
    (-0.3165, -0.2492, -0.2188),
)
PREVIEW_BIAS: Rgb = (0.1084, -0.0175, -0.0011)

SDXL = Family(
    name="sdxl",
    title="SDXL",
    latent=LatentFormat(channels=4, downscale=8, scale=0.13025),
    readings=(Reading("clip_l", layer=-2, normalised=False), CLIP_G),
    refuses=refuses_base,
    parts=base_parts,
    sampling=sampling,
    control=base_control,
    preview=PREVIEW,
    preview_bias=PREVIEW_BIAS,
    vector=base_vector,
    scales_edits=True,
)
SDXL_REFINER = Family(
    name="sdxl_refiner",
    title="SDXL refiner",
    latent=LatentFormat(channels=4, downscale=8, scale=0.13025),
    readings=(CLIP_G,),
    refuses=refuses_refiner,
    parts=refiner_parts,
    sampling=sampling,
    control=refiner_control,
    preview=PREVIEW,
    preview_bias=PREVIEW_BIAS,
    vector=refiner_vector,
)
