"""A node for diffusion models that make a picture larger."""

from typing import Annotated, NamedTuple

import torch

from diffusion.inpaint import with_picture
from diffusion.low_resolution import shrunk
from diffusion.values import Conditioning, Image, Latent
from graph.define import node
from graph.widgets import Range


class Enlarging(NamedTuple):
    """Both conditionings with the small picture, and an empty latent of the large one's size."""

    positive: Conditioning
    negative: Conditioning
    latent: Latent


@node(
    "SD_4XUpscale_Conditioning",
    category="conditioning/upscale_diffusion",
    outputs=("positive", "negative", "latent"),
)
def show_small_picture(
    images: Image,
    positive: Conditioning,
    negative: Conditioning,
    scale_ratio: Annotated[float, Range(0.0, 10.0, step=0.01)] = 4.0,
    noise_augmentation: Annotated[float, Range(0.0, 1.0, step=0.001)] = 0.0,
) -> Enlarging:
    """Show pictures to the Stable Diffusion x4 upscaler, which makes them larger as it samples.

    Args:
        images: The pictures.
        positive: The prompt that is wanted.
        negative: The prompt that is not.
        scale_ratio: How many times as long the sides become. The model always makes them 4 times as long; for
            another ratio the pictures are made smaller or larger first.
        noise_augmentation: How freely details are made up: 0 hardly, 1 most.
    """
    small = shrunk(images, scale_ratio)
    wanted, unwanted = (with_picture(each, small, noise=noise_augmentation) for each in (positive, negative))
    return Enlarging(wanted, unwanted, Latent(torch.zeros(len(small), 4, *small.shape[2:])))
