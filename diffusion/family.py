"""What one family of models needs said: a record, filled in by one file in `families/`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from torch import Tensor

from diffusion.checkpoint import Header, Part, WeightFile
from diffusion.networks import Vector
from diffusion.noise_range import NoiseRange
from diffusion.prediction import Prediction
from diffusion.tokens import END
from diffusion.values import Augmentation, Prompt

Rgb: TypeAlias = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class LatentFormat:
    """The space a network works in: `into` from the VAE's space, `out` back to it."""

    channels: int
    downscale: int
    scale: float
    shift: float = 0.0
    mean: tuple[float, ...] = ()
    """For each channel, where the statistics of the latents are known channel by channel."""
    std: tuple[float, ...] = ()

    def into(self, latent: Tensor) -> Tensor:
        """From the VAE's space into the network's."""
        if self.mean:
            return (latent - beside(self.mean, latent)) * self.scale / beside(self.std, latent)
        return (latent - self.shift) * self.scale if self.shift else latent * self.scale

    def out(self, x: Tensor) -> Tensor:
        """From the network's space back into the VAE's."""
        if self.mean:
            return x * beside(self.std, x) / self.scale + beside(self.mean, x)
        return x / self.scale + self.shift if self.shift else x / self.scale


def pooled_alone(prompt: Prompt, _height: int, _width: int, _is_negative: bool) -> Vector:
    """What a network takes that reads a pooled vector and no sizes."""
    assert prompt.pooled is not None  # sampling sets it for such a network
    return Vector(prompt.pooled, prompt.pooled[:, :0])


def beside(values: tuple[float, ...], latent: Tensor) -> Tensor:
    """A number for each channel, shaped to meet a latent [batch, channel, ...]."""
    return latent.new_tensor(values).view(1, -1, *(1 for _ in latent.shape[2:]))


@dataclass(frozen=True, slots=True)
class Reading:
    """How a family reads one of its text encoders.

    name: `clip_l`, `clip_g` or `clip_h`, as files of embeddings spell it. pad: the token that fills a
    chunk. layer: whose hidden states are taken, -1 is the last. normalised: whether they pass the final
    layer norm.
    """

    name: str
    pad: int = END
    layer: int = -1
    normalised: bool = True


class Sampling(NamedTuple):
    """What a network predicts, at which noise levels, and the space it works in if not its family's."""

    prediction: Prediction
    noise: NoiseRange
    latent: LatentFormat | None = None


@dataclass(frozen=True, slots=True)
class Parts:
    """The networks found in one file; None where the file has none.

    texts: one for each of the family's readings.
    """

    network: Part | None
    texts: tuple[Part | None, ...]
    vae: Part | None


@dataclass(frozen=True, slots=True)
class Family:
    """A family of models.

    readings: its text encoders. refuses(header): why the file is not of this family, or None if it is.
    parts(header): the networks in the file. sampling(header, tensor): what the network predicts, at which
    noise levels; `tensor` reads one from the file.
    control(header): the ControlNet in a file; None if nobody makes any for the family.
    vector(prompt, height, width, is_negative): what the network takes besides the prompt for a picture of
    that many pixels; None if nothing.
    scales_edits: whether a network for editing sees the picture in its own space, not the VAE's.
    augmentation(file): how the network in a file is told of pictures, if all of the family read some.
    betas: the first and the last of those its discrete noise levels are made of.
    prompt_hint: what to connect for a prompt, a sentence for a person who connected another family's.
    preview: red, green and blue for each latent channel, in the network's space; preview_bias is added.
    """

    name: str
    title: str
    latent: LatentFormat
    readings: tuple[Reading, ...]
    refuses: Callable[[Header], str | None]
    parts: Callable[[Header], Parts]
    sampling: Callable[[Header, Callable[[str], Tensor]], Sampling]
    preview: tuple[Rgb, ...]
    preview_bias: Rgb = (0.0, 0.0, 0.0)
    control: Callable[[Header], Part | None] | None = None
    vector: Callable[[Prompt, int, int, bool], Vector] | None = None
    scales_edits: bool = False
    augmentation: Callable[[WeightFile], Augmentation] | None = None
    betas: tuple[float, float] = (0.00085, 0.012)
    prompt_hint: str = "Connect the text encoder from the same Load Checkpoint as the model."
