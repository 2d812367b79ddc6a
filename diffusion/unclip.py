"""Pictures that a network follows as a whole, as an image encoder saw them, instead of or beside a text.

Ramesh et al. 2022, unCLIP (arXiv:2204.06125); the noise on what was seen is that of Stable unCLIP 2.1.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from diffusion.checkpoint import WeightFile
from diffusion.errors import FamilyMismatch
from diffusion.family import pooled_alone
from diffusion.model import Model
from diffusion.values import Followed, Prompt

LEVELS = 1000
OFFSET, MOST = 0.008, 0.999
"""Of the cosine schedule (Nichol & Dhariwal 2021, arXiv:2102.09672, equation 17)."""
MERGED = 0.05
"""How noisy the sum of several pictures is made, of 1."""
SEED_SHIFT = -10
"""The noise on pictures has the run's seed, shifted, as in the field."""
MEAN, SPREAD = "noise_augmentor.data_mean", "noise_augmentor.data_std"
MARK = "class_embedding.linear_1.weight"
"""What a U-Net has that takes a vector without sizes."""


@dataclass(frozen=True, slots=True, eq=False)
class Augmentor:
    """Makes what was seen in a picture noisy, and says how noisy it is.

    mean, spread: of what image encoders see, float32 [1, width].
    """

    mean: Tensor
    spread: Tensor

    @property
    def width(self) -> int:
        """How many numbers tell what is seen in a picture."""
        return self.mean.shape[1]

    def told(self, prompt: Prompt, x: Tensor, seed: int) -> Prompt:  # noqa: ARG002
        """The prompt with what the network is told of its pictures."""
        return replace(prompt, pooled=self.vector(prompt.pictures, seed))

    def vector(self, pictures: Sequence[Followed], seed: int) -> Tensor:
        """What the network is told of some pictures, float32 [1, 2 * width]; zeros for none.

        Raises FamilyMismatch if another image encoder saw them.
        """
        shown = [(picture, row) for picture in pictures for row in picture.seen.image_embeds]
        random = torch.Generator()
        told = torch.zeros(1, 2 * self.width)
        for picture, row in shown:
            self.require_width(row)
            noisy = self.noisy(row[None].float(), picture.noise, random.manual_seed(seed + SEED_SHIFT))
            told = told + noisy * picture.strength
        return self.noisy(told[:, : self.width], MERGED, random) if len(shown) > 1 else told

    def noisy(self, seen: Tensor, share: float, random: torch.Generator) -> Tensor:
        """What was seen [1, width] with noise, and beside it waves that tell how much [1, 2 * width]."""
        level = round((LEVELS - 1) * share)
        kept = cosine_signal()[level]
        noise = torch.randn(seen.shape, generator=random)
        made = (seen - self.mean) / self.spread * kept.sqrt() + noise * (1 - kept).sqrt()
        return torch.cat((made * self.spread + self.mean, waves(level, self.width)), 1)

    def require_width(self, row: Tensor) -> None:
        """Refuse what another image encoder saw."""
        if len(row) != self.width:
            raise FamilyMismatch(
                f"The image encoder tells a picture in {len(row)} numbers, but the model reads {self.width}.",
                "Use the image encoder of the model's own checkpoint.",
            )


def following(model: Model, file: WeightFile) -> Model:
    """A model; one whose network takes a vector that its family does not make follows pictures."""
    if model.family.vector or MARK not in model.network.part.sources:
        return model
    told = augmentor(file, model.network.shape(MARK)[1] // 2)
    return replace(model, family=replace(model.family, vector=pooled_alone), augmentation=told)


def augmentor(file: WeightFile, width: int) -> Augmentor:
    """That of a checkpoint; where the file says nothing of what encoders see, it is taken as normal."""
    shape = (1, width)
    has = file.header.has
    mean = file.tensor(MEAN).float().reshape(shape) if has(MEAN) else torch.zeros(shape)
    spread = file.tensor(SPREAD).float().reshape(shape) if has(SPREAD) else torch.ones(shape)
    return Augmentor(mean, spread)


def cosine_signal() -> Tensor:
    """How much signal is kept at each level, as a share of the variance: float32 [1000]."""
    times = torch.arange(LEVELS + 1, dtype=torch.float64) / LEVELS
    signal = ((times + OFFSET) / (1 + OFFSET) * math.pi / 2).cos() ** 2
    betas = (1 - signal[1:] / signal[:-1]).clamp(max=MOST)
    return (1 - betas).cumprod(0).float()


def waves(level: float, width: int) -> Tensor:
    """A number as cosines and then sines of falling frequency [1, width]."""
    half = width // 2
    angles = level * torch.exp(-math.log(10000) * torch.arange(half) / half)
    return torch.cat((angles.cos(), angles.sin()))[None]
