"""What one family of models needs said: a record, filled in by one file in `families/`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from torch import Tensor

from diffusion.checkpoint import Header, Part
from diffusion.prediction import NoiseRange, Prediction

Rgb: TypeAlias = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class LatentFormat:
    """The space a network works in: `into` from the VAE's space, `out` back to it."""

    channels: int
    downscale: int
    scale: float
    shift: float = 0.0

    def into(self, latent: Tensor) -> Tensor:
        """From the VAE's space into the network's."""
        return (latent - self.shift) * self.scale if self.shift else latent * self.scale

    def out(self, x: Tensor) -> Tensor:
        """From the network's space back into the VAE's."""
        return x / self.scale + self.shift if self.shift else x / self.scale


@dataclass(frozen=True, slots=True)
class Parts:
    """The networks found in one file; None where the file has none."""

    network: Part | None
    text: Part | None
    vae: Part | None


@dataclass(frozen=True, slots=True)
class Family:
    """A family of models.

    refuses(header): why the file is not of this family, or None if it is.
    parts(header): the networks in the file. sampling(header): what the network predicts, at which noise
    levels.
    preview: red, green and blue for each latent channel, in the network's space; preview_bias is added.
    """

    name: str
    title: str
    latent: LatentFormat
    refuses: Callable[[Header], str | None]
    parts: Callable[[Header], Parts]
    sampling: Callable[[Header], tuple[Prediction, NoiseRange]]
    control: Callable[[Header], Part | None]
    preview: tuple[Rgb, ...]
    preview_bias: Rgb = (0.0, 0.0, 0.0)
