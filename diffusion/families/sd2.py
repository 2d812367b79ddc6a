"""Stable Diffusion 2: a U-Net that reads OpenCLIP-H's last layer but one and predicts noise or velocity.

And Lotus (He et al. 2024, arXiv:2409.18124, the network without noise), which answers a picture's latent with
that of its depth, or of its surfaces: one step at the last time is the answer.
"""

from collections.abc import Callable
from dataclasses import replace
from math import cos, sin

import torch
from torch import Tensor

from diffusion.blocks import UnetShape
from diffusion.checkpoint import Header, Part
from diffusion.clip import clip_part, open_clip_part
from diffusion.family import Family, LatentFormat, Parts, Reading, Sampling
from diffusion.networks import Vector
from diffusion.noise_range import linear_betas
from diffusion.parts import (
    control_part,
    find_unet,
    unet_part,
    vae_part,
    wide_heads,
)
from diffusion.prediction import EPSILON, IMAGE_TO_IMAGE, VELOCITY
from diffusion.values import Prompt

TEXT_PREFIXES = ("cond_stage_model.model.", "embedder.model.")
LIBRARY_TEXT_PREFIXES = ("cond_stage_model.transformer.text_model.",)
VELOCITY_SPREAD = 0.09
"""Above this spread of a bias in the last block, a network without other marks was trained on velocity."""
ANSWER = (sin(1), sin(0), cos(1), cos(0))
"""Tells Lotus that the answer is wanted, (1, 0), and not the picture again, (0, 1)."""


def refuses(header: Header) -> str | None:
    """Why a file is not of this family, or None."""
    unet = find_unet(header)
    if unet is None:
        return "it has no U-Net (input_blocks.0.0.weight is missing)"
    shape = unet.shape
    if shape is None or not shape.middle_depth:
        return "its U-Net has no attention to a prompt"
    if any("time_stack" in key for key in unet.weights):
        return "its U-Net makes video"
    if not shape.linear and shape.context != 1024:
        return "its attention is entered by convolutions, as in Stable Diffusion 1"
    if shape.vector and not is_unclip(shape):
        return f"its U-Net takes a vector of {shape.vector} numbers besides the prompt (label_emb)"
    if shape.in_channels == 7:
        return "its U-Net is an upscaler"
    return None


def is_unclip(shape: UnetShape) -> bool:
    """Whether a network takes a picture: as CLIP-L sees it or as CLIP-H does, and how noisy it is.

    By chance the vector of SDXL's refiner is twice as wide as its prompt, too.
    """
    is_refiner = shape.vector == shape.context + 1280
    return not is_refiner and (
        shape.vector == 2 * shape.context or (shape.vector, shape.context) == (1536, 1024)
    )


def parts(header: Header) -> Parts:
    """The networks in a file."""
    text = open_clip_part(header, TEXT_PREFIXES) or clip_part(header, LIBRARY_TEXT_PREFIXES, "gelu")
    network = unet_part(header, wide_heads, upcasts=True)  # its scores are beyond half precision
    return Parts(network, (text,), vae_part(header))


def control(header: Header) -> Part | None:
    """The ControlNet in a file."""
    return control_part(header, wide_heads, fits, upcasts=True)


def fits(shape: UnetShape) -> bool:
    """Whether a ControlNet of that shape is made for this family."""
    return shape.linear and not shape.vector


def sampling(header: Header, tensor: Callable[[str], Tensor]) -> Sampling:
    """What the network predicts: the file's metadata or marks say it, else a bias tells it by its spread.

    Networks that follow pictures predict velocity.
    """
    unet, noise = find_unet(header), linear_betas(zero_terminal=header.has("ztsnr"))
    said = header.metadata.get("prediction_type", "")
    if said:
        return Sampling(VELOCITY if said in ("v", "v_prediction") else EPSILON, noise)
    follows = unet is not None and unet.shape is not None and is_unclip(unet.shape)
    is_velocity = follows or header.has("v_pred") or looks_like_velocity(header, tensor)
    return Sampling(VELOCITY if is_velocity else EPSILON, noise)


def looks_like_velocity(header: Header, tensor: Callable[[str], Tensor]) -> bool:
    """Whether a network without marks was trained on velocity, as those for 768 pixels were."""
    unet = find_unet(header)
    if unet is None or unet.shape is None:
        return False
    last = sum(unet.shape.blocks) + len(unet.shape.blocks) - 1
    up, block = len(unet.shape.blocks) - 1, unet.shape.blocks[0]
    place = f"up_blocks.{up}.attentions.{block}" if unet.is_library else f"output_blocks.{last}.1"
    key = f"{unet.prefix}{place}.transformer_blocks.0.norm1.bias"
    if unet.shape.in_channels != 4 or not header.has(key):
        return False
    return bool(torch.std(tensor(key).float()) > VELOCITY_SPREAD)


def refuses_lotus(header: Header) -> str | None:
    """Why a file is not of Lotus, or None."""
    unet = find_unet(header)
    if unet is None:
        return "it has no U-Net (input_blocks.0.0.weight is missing)"
    if unet.shape is None or unet.shape.vector != len(ANSWER):
        return "its U-Net is not told in 4 numbers what to answer"
    if unet.shape.in_channels != 4:
        return "its U-Net reads noise beside the picture"
    return None


def answering(_header: Header, _tensor: Callable[[str], Tensor]) -> Sampling:
    """The network reads the state as it is and predicts the answer."""
    return Sampling(IMAGE_TO_IMAGE, linear_betas())


def task(_prompt: Prompt, _height: int, _width: int, _is_negative: bool) -> Vector:
    """That the answer is wanted."""
    return Vector(torch.tensor([ANSWER]), torch.empty(1, 0))


SD2 = Family(
    name="sd2",
    title="Stable Diffusion 2",
    latent=LatentFormat(channels=4, downscale=8, scale=0.18215),
    readings=(Reading("clip_h", pad=0, layer=-2),),
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

LOTUS = replace(
    SD2,
    name="lotus",
    title="Lotus",
    refuses=refuses_lotus,
    sampling=answering,
    control=None,
    vector=task,
    prompt_hint="This model was trained with the empty prompt: connect what LotusConditioning gives.",
)
