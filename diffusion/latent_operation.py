"""Changes to latents that can also be made at every step of a run: too bright cells dimmed, edges sharpened.

Both look at the length of a cell's vector of channels, which is to a latent what brightness is to a picture.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from diffusion.filters import convolved, sharpening

TINY = 1e-6
SPREADS = 5.0
"""How many spreads above the mean of its cells' lengths a picture's white lies."""


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class LatentOperation:
    """What to do to latents [batch, channel, height, width], in any space; they keep their shape."""

    change: Callable[[Tensor], Tensor]
    socket: ClassVar[str] = "LATENT_OPERATION"


def tone_mapped(planes: Tensor, multiplier: float) -> Tensor:
    """Reinhard et al. 2002: lengths l become l / (1 + l / white), so that none is longer than white.

    White follows from the lengths in each image, times the multiplier.
    """
    lengths = length(planes)
    spread = lengths.std((1, 2, 3), keepdim=True) if lengths[0].numel() > 1 else 0.0
    white = (lengths.mean((1, 2, 3), keepdim=True) + SPREADS * spread) * multiplier
    return planes * (white / (white + lengths).clamp(min=TINY))


def with_sharper_edges(planes: Tensor, radius: int, sigma: float, alpha: float) -> Tensor:
    """Latents whose cells' directions are sharpened as pictures are; lengths are not, or they would burn."""
    lengths = length(planes) + TINY
    ways = (planes / lengths).movedim(1, -1)
    return convolved(ways, sharpening(radius, sigma, alpha)).movedim(-1, 1) * lengths


def length(planes: Tensor) -> Tensor:
    """The length of each cell's vector [batch, 1, height, width]."""
    lengths: Tensor = torch.linalg.vector_norm(planes, dim=1, keepdim=True)
    return lengths
