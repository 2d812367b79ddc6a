"""The Stable Diffusion x4 upscaler: a U-Net that sees a small picture beside the state and reads OpenCLIP-H.

Its VAE halves a picture twice, so that a latent has as many cells as the small picture has pixels.
"""

from collections.abc import Callable

from torch import Tensor

from diffusion.checkpoint import Header, WeightFile
from diffusion.clip import open_clip_part
from diffusion.family import Family, LatentFormat, Parts, Reading, Sampling
from diffusion.low_resolution import LowResolution
from diffusion.networks import Vector
from diffusion.noise_range import linear_betas
from diffusion.parts import find_unet, same_heads, unet_part, vae_part
from diffusion.prediction import VELOCITY
from diffusion.values import Prompt

TEXT_PREFIXES = ("cond_stage_model.model.",)
LATENT_CHANNELS, COLOURS = 4, 3
BETAS = (0.0001, 0.02)
"""Both of the noise on the latents and of that on the small picture."""
MOST_NOISE = 350
"""The last level of noise that small pictures had in training, of 1000."""


def refuses(header: Header) -> str | None:
    """Why a file is not of this family, or None."""
    unet = find_unet(header)
    if unet is None:
        return "it has no U-Net (input_blocks.0.0.weight is missing)"
    if unet.shape is None or unet.shape.in_channels != LATENT_CHANNELS + COLOURS:
        return "its U-Net sees no small picture (it has not 7 input channels)"
    if not unet.shape.classes:
        return "its U-Net is not told how noisy a picture is (label_emb.weight is missing)"
    return None


def parts(header: Header) -> Parts:
    """The networks in a file."""
    text = open_clip_part(header, TEXT_PREFIXES)
    return Parts(unet_part(header, same_heads), (text,), vae_part(header))


def sampling(_header: Header, _tensor: Callable[[str], Tensor]) -> Sampling:
    """The network predicts velocity."""
    return Sampling(VELOCITY, linear_betas(*BETAS))


def vector(prompt: Prompt, _height: int, _width: int, _is_negative: bool) -> Vector:
    """How noisy the small picture is: a class."""
    assert prompt.pooled is not None  # sampling sets it for such a network
    return Vector(prompt.pooled[:, 0], prompt.pooled[:, :0])


def augmentation(_file: WeightFile) -> LowResolution:
    """Small pictures are as noisy as those that the published network was trained on."""
    return LowResolution(linear_betas(*BETAS), MOST_NOISE)


SD_X4 = Family(
    name="sd_x4",
    title="Stable Diffusion x4 Upscaler",
    latent=LatentFormat(channels=LATENT_CHANNELS, downscale=4, scale=0.08333),
    readings=(Reading("clip_h", pad=0, layer=-2),),
    refuses=refuses,
    parts=parts,
    sampling=sampling,
    # Which colours its latents are is not published: the preview shows three channels as they are.
    preview=((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (0.0, 0.0, 0.0)),
    vector=vector,
    augmentation=augmentation,
    betas=BETAS,
)
