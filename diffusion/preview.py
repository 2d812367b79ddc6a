"""A quick look at a latent: each cell becomes one pixel, by a linear map from channels to colours."""

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import PIL.Image
import torch
from torch import Tensor

from diffusion.family import Family

Preview: TypeAlias = Callable[[], PIL.Image.Image]
"""Makes the small picture when somebody wants it; a run that nobody watches pays nothing."""


def preview(denoised: Tensor, family: Family) -> Preview:
    """A preview of the first latent of a batch, in the network's space."""
    return partial(picture, denoised, family)


def picture(denoised: Tensor, family: Family) -> PIL.Image.Image:
    """One pixel for each latent cell, RGB."""
    cells = denoised[0].float().movedim(0, -1)
    colours = cells @ cells.new_tensor(family.preview) + cells.new_tensor(family.preview_bias)
    pixels = ((colours + 1) / 2).nan_to_num(0).clamp(0, 1) * 255
    return PIL.Image.fromarray(pixels.to(torch.uint8).cpu().numpy())
