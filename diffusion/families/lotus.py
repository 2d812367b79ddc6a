"""Lotus: Stable Diffusion 2 that answers a picture's latent with that of its depth, or of its surfaces.

He et al. 2024 (arXiv:2409.18124), the network without noise: one step at the last time is the answer.
"""

from collections.abc import Callable
from dataclasses import replace
from math import cos, sin

import torch
from torch import Tensor

from diffusion.checkpoint import Header
from diffusion.families.sd2 import SD2
from diffusion.family import Sampling
from diffusion.networks import Vector
from diffusion.noise_range import linear_betas
from diffusion.parts import find_unet
from diffusion.prediction import IMAGE_TO_IMAGE
from diffusion.values import Prompt

ANSWER = (sin(1), sin(0), cos(1), cos(0))
"""Says that the answer is wanted, (1, 0), and not the picture again, (0, 1): section 4.3."""


def refuses(header: Header) -> str | None:
    """Why a file is not of this family, or None."""
    unet = find_unet(header)
    if unet is None:
        return "it has no U-Net (input_blocks.0.0.weight is missing)"
    if unet.shape is None or unet.shape.vector != len(ANSWER):
        return "its U-Net is not told in 4 numbers what to answer"
    if unet.shape.in_channels != SD2.latent.channels:
        return "its U-Net reads noise beside the picture"
    return None


def sampling(_header: Header, _tensor: Callable[[str], Tensor]) -> Sampling:
    """The network reads the state as it is and predicts the answer."""
    return Sampling(IMAGE_TO_IMAGE, linear_betas())


def vector(_prompt: Prompt, _height: int, _width: int, _is_negative: bool) -> Vector:
    """That the answer is wanted."""
    return Vector(torch.tensor([ANSWER]), torch.empty(1, 0))


LOTUS = replace(
    SD2,
    name="lotus",
    title="Lotus",
    refuses=refuses,
    sampling=sampling,
    control=None,
    vector=vector,
    prompted="This model reads the empty prompt alone: connect what LotusConditioning gives.",
)
