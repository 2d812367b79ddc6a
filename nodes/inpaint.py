"""Nodes that let a sampler repaint a part of a picture."""

from dataclasses import replace
from typing import Annotated

from diffusion.inpaint import as_noise_mask, greyed
from diffusion.model import Vae
from diffusion.vae import encode
from diffusion.values import Image, Latent, Mask
from graph.define import node
from graph.services import Progress, quiet
from graph.widgets import Range


@node("SetLatentNoiseMask", category="latent/inpaint", title="Set Latent Noise Mask", outputs=("LATENT",))
def set_latent_noise_mask(samples: Latent, mask: Mask) -> Latent:
    """Repaint only what a mask selects; the rest stays as it is.

    Args:
        samples: The latent.
        mask: What to repaint.

    Returns:
        The latent with its mask.
    """
    return replace(samples, noise_mask=as_noise_mask(mask))


@node(
    "VAEEncodeForInpaint", category="latent/inpaint", title="VAE Encode (for Inpainting)", outputs=("LATENT",)
)
def vae_encode_for_inpaint(
    pixels: Image,
    vae: Vae,
    mask: Mask,
    grow_mask_by: Annotated[int, Range(0, 64, step=1)] = 6,
    *,
    progress: Progress = quiet,
) -> Latent:
    """Turn a picture into a latent whose masked part is forgotten and will be painted anew.

    Sample it with denoise 1: under the mask nothing is left of the picture.

    Args:
        pixels: The picture.
        vae: The VAE of the model that will paint.
        mask: What to repaint.
        grow_mask_by: By how many pixels to repaint more than the mask, for a seam that does not show.

    Returns:
        The latent with its mask.
    """
    image, grown = greyed(pixels, mask, grow_mask_by, vae.downscale)
    return replace(encode(vae, image, check=lambda: progress(0, 1)), noise_mask=grown)
