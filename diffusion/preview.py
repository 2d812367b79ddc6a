"""A quick look at a latent: by a tiny network if there is one for it, else by a linear map to colours."""

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import PIL.Image
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from diffusion.family import Family
from diffusion.model import Model

Preview: TypeAlias = Callable[[], PIL.Image.Image]
"""Makes the small picture when somebody wants it; a run that nobody watches pays nothing."""
MOST_CELLS = 64
"""A larger latent is made smaller before the tiny network sees it: the picture is small anyway."""


def preview(denoised: Tensor, model: Model) -> Preview:
    """A preview of the first latent of a batch, in the network's space."""
    if model.previewer is not None:
        return partial(decoded, denoised, model.previewer)
    return partial(picture, denoised, model.family)


def picture(denoised: Tensor, family: Family) -> PIL.Image.Image:
    """One pixel for each latent cell, RGB."""
    cells = denoised[0].float().movedim(0, -1)
    colours = cells @ cells.new_tensor(family.preview) + cells.new_tensor(family.preview_bias)
    return shown((colours + 1) / 2)


@torch.inference_mode()
def decoded(denoised: Tensor, previewer: nn.Module) -> PIL.Image.Image:
    """What a tiny network sees, RGB."""
    latent = denoised[:1].float()
    shrink = MOST_CELLS / max(latent.shape[-2:])
    if shrink < 1:
        latent = interpolate(latent, scale_factor=shrink, mode="area")
    seen: Tensor = previewer(latent)
    return shown((seen[0].movedim(0, -1) + 1) / 2)


def shown(colours: Tensor) -> PIL.Image.Image:
    """Colours [height, width, 3], 0 to 1, as a picture."""
    pixels = colours.nan_to_num(0).clamp(0, 1) * 255
    return PIL.Image.fromarray(pixels.to(torch.uint8).cpu().numpy())
