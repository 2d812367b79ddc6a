"""Canny's edge detector, on tensors: Canny 1986, A Computational Approach to Edge Detection."""

from math import pi

import torch
from torch import Tensor
from torch.nn.functional import conv2d, max_pool2d, pad

from diffusion.values import Image

LUMA = (0.299, 0.587, 0.114)
NEIGHBOURS = ((0, 1), (1, 1), (1, 0), (1, -1))
"""The neighbour along the gradient, for angles of 0, 45, 90 and 135 degrees: (down, right)."""


def canny(image: Tensor, low: float, high: float) -> Image:
    """White edges on black, [batch, height, width, 3].

    An edge starts where the gradient passes `high` and is followed while it passes `low`.
    """
    down, right = _gradient(_blurred(_gray(torch.as_tensor(image))))
    strength = (down**2 + right**2).sqrt()
    ridge = torch.where(_is_ridge(strength, down, right), strength, 0.0)
    edges = _followed(ridge > high, ridge > low)
    return Image(edges.float().movedim(1, -1).repeat(1, 1, 1, 3))


def _gray(image: Tensor) -> Tensor:
    if image.shape[-1] < 3:
        return image[..., :1].movedim(-1, 1)
    return (image[..., :3] * image.new_tensor(LUMA)).sum(-1)[:, None]


def _blurred(gray: Tensor) -> Tensor:
    """A Gaussian of 5 x 5 pixels and a standard deviation of 1."""
    bell = torch.exp(-(torch.arange(-2.0, 3.0, device=gray.device) ** 2) / 2)
    kernel = torch.outer(bell, bell) / bell.sum() ** 2
    return conv2d(pad(gray, (2, 2, 2, 2), mode="replicate"), kernel[None, None])


def _gradient(gray: Tensor) -> tuple[Tensor, Tensor]:
    """Sobel's derivatives, not normalised: (down, right)."""
    right = gray.new_tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    kernels = torch.stack((right.T, right))[:, None]
    both = conv2d(pad(gray, (1, 1, 1, 1), mode="replicate"), kernels)
    return both[:, :1], both[:, 1:]


def _is_ridge(strength: Tensor, down: Tensor, right: Tensor) -> Tensor:
    """Where the gradient is no weaker than its two neighbours along its own direction."""
    sector = (torch.atan2(down, right) / (pi / 4)).round().long() % 4
    wide = pad(strength, (1, 1, 1, 1))
    height, width = strength.shape[-2:]

    def neighbour(y: int, x: int) -> Tensor:
        return wide[..., 1 + y : 1 + y + height, 1 + x : 1 + x + width]

    # Strict on one side only, so that a ridge two pixels wide is thinned to one and not to none.
    ridges = torch.stack(
        [(strength > neighbour(y, x)) & (strength >= neighbour(-y, -x)) for y, x in NEIGHBOURS]
    )
    return ridges.gather(0, sector[None])[0]


def _followed(strong: Tensor, weak: Tensor) -> Tensor:
    """The weak pixels that hang together with a strong one."""
    found = strong
    while True:
        grown = (max_pool2d(found.float(), 3, stride=1, padding=1) > 0) & weak
        if torch.equal(grown, found):
            return found
        found = grown
