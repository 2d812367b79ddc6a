"""Small pictures that a network makes larger: it sees them beside the state, a little noisy.

Conditioning augmentation, Ho et al. 2021 (arXiv:2106.15282), section 4, with the noise of the upscaler of
Stable Diffusion 2: the network is told which of its noise levels the small picture has. Even the lowest one,
for no augmentation at all, is not quite clean, as in training.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from diffusion.noise_range import NoiseRange
from diffusion.resize import resized
from diffusion.unclip import SEED_SHIFT
from diffusion.values import Prompt

FACTOR = 4
"""How many times as long the sides become: one latent cell shows one small pixel."""


@dataclass(frozen=True, slots=True, eq=False)
class LowResolution:
    """How an upscaling network is told of a small picture. levels: of noise; most: the last that is used."""

    levels: NoiseRange
    most: int

    def told(self, prompt: Prompt, x: Tensor, seed: int) -> Prompt:
        """The prompt with its small picture on the grid of the latents and made noisy; pooled is the level.

        The noise is drawn once for all pictures of a prompt, and is the same for each prompt of the run.
        Without a picture the network sees grey, as at the lowest level.
        """
        if prompt.concat_latent is None:
            return replace(prompt, pooled=torch.zeros(1, 1, dtype=torch.int64))
        level = round(self.most * prompt.concat_noise)
        height, width = x.shape[-2:]
        picture = resized(prompt.concat_latent, width, height, "bilinear", "center")
        random = torch.Generator().manual_seed(seed + SEED_SHIFT)
        noise = torch.randn(picture.shape, generator=random)
        kept = 1 / (self.levels.table[level] ** 2 + 1)
        noisy = picture * kept.sqrt() + noise * (1 - kept).sqrt()
        return replace(prompt, pooled=torch.tensor([[level]]), concat_latent=noisy)


def shrunk(image: Tensor, scale: float) -> Tensor:
    """The picture that becomes an Image `scale` times as large: [batch, 3, height, width], -1 to 1.

    Its sides are a quarter, rounded down, of those of the large one.
    """
    height, width = (max(1, max(1, round(side * scale)) // FACTOR) for side in image.shape[1:3])
    pixels = torch.as_tensor(image)[..., :3].movedim(-1, 1)
    return resized(pixels, width, height, "bilinear", "center") * 2 - 1
