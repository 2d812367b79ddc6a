"""Objects from another side: a network is told what is seen in a picture and where the camera goes.

Liu et al. 2023, Zero-1-to-3 (arXiv:2303.11328), section 3.2. Of the numbers for the camera, the fourth is how
far from the pole the picture was taken, as Stable Zero123 is told it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import cos, pi, radians, sin
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import linear

from diffusion.checkpoint import OTHER_VERSION, WeightFile
from diffusion.clip_vision import ClipVision, see
from diffusion.errors import BrokenFile, FamilyMismatch
from diffusion.model import Vae, quiet
from diffusion.noise import tiled
from diffusion.resize import resized_image
from diffusion.vae import encode
from diffusion.values import Conditioning, Prompt

FAMILY = "zero123"
WEIGHT, BIAS = "cc_projection.weight", "cc_projection.bias"
SEEN = 768
"""How many numbers CLIP ViT-L tells a picture in."""


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """Makes the tokens that a network reads of views. weight, bias: float32 [width, view] and [width]."""

    weight: Tensor
    bias: Tensor

    def told(self, prompt: Prompt, x: Tensor, seed: int) -> Prompt:  # noqa: ARG002
        """The prompt with tokens as wide as the network reads them; those that are so wide stay as they are.

        Raises FamilyMismatch if they are neither that nor views.
        """
        width, view = self.weight.shape
        if prompt.tokens.shape[-1] == width:
            return prompt
        if prompt.tokens.shape[-1] != view:
            raise FamilyMismatch(
                f"The model reads views of {view} numbers, but this prompt has {prompt.tokens.shape[-1]}.",
                "Connect what StableZero123_Conditioning gives.",
            )
        return replace(prompt, tokens=linear(prompt.tokens.float().cpu(), self.weight, self.bias))


def projection(file: WeightFile) -> Projection:
    """That of a checkpoint. Raises BrokenFile if it has none, or its shapes do not fit."""
    weight, bias = (file.tensor(key).float() for key in (WEIGHT, BIAS))
    if weight.ndim != 2 or bias.shape != weight.shape[:1]:
        raise BrokenFile(
            f"{file.path.name} does not fit together: {WEIGHT} is {list(weight.shape)}, and {BIAS} is "
            f"{list(bias.shape)}.",
            OTHER_VERSION,
        )
    return Projection(weight, bias)


class Orbit(NamedTuple):
    """Where the camera is, as seen from where the picture was taken, in degrees: above it, and around.

    elevation_step, azimuth_step: how much further it is for each picture than for the one before.
    """

    elevation: float
    azimuth: float
    elevation_step: float = 0.0
    azimuth_step: float = 0.0

    def cameras(self, count: int) -> Tensor:
        """The numbers that tell a network where so many cameras are, float32 [count, 4]."""
        return torch.tensor(
            [
                camera(self.elevation + index * self.elevation_step, self.azimuth + index * self.azimuth_step)
                for index in range(count)
            ]
        )


def camera(elevation: float, azimuth: float) -> tuple[float, float, float, float]:
    """The numbers that tell a network where the camera is, from angles in degrees.

    They are how much further from the pole, the sine and cosine of how far around, and how far from the pole
    the picture was taken: it is taken to be seen from the side.
    """
    around = radians(azimuth)
    return -radians(elevation), sin(around), cos(around), pi / 2


def views(
    encoder: ClipVision,
    vae: Vae,
    image: Tensor,
    size: tuple[int, int],
    cameras: Tensor,
    check: Callable[[], None] = quiet,
) -> tuple[Conditioning, Conditioning]:
    """What a network is told to show the object in a picture to cameras [count, 4], and what it is not to.

    The first has a token [count, 1, 772] for each camera; more pictures than cameras have one each. The
    second says nothing: zeros [1, 1, 768] that are not projected. size: width and height in pixels.
    Raises FamilyMismatch if the image encoder is not CLIP ViT-L.
    """
    seen = see(encoder, image).image_embeds
    if seen.shape[-1] != SEEN:
        raise FamilyMismatch(
            f"Zero123 reads what CLIP ViT-L sees, {SEEN} numbers, but the image encoder of "
            f"{encoder.network.file.path.name} tells a picture in {seen.shape[-1]}.",
            "Use the image encoder of the model's own checkpoint: load it with Image Only Checkpoint Loader.",
        )
    picture = encode(vae, resized_image(image, *size, "bilinear", "center"), check).samples
    rows = max(len(seen), len(cameras))
    tokens = torch.cat((tiled(seen, rows), tiled(cameras, rows)), 1)[:, None]
    wanted = Prompt(tokens, family=FAMILY, concat_latent=picture)
    nothing = replace(wanted, tokens=torch.zeros(1, 1, SEEN), concat_latent=torch.zeros_like(picture))
    return Conditioning((wanted,)), Conditioning((nothing,))
