"""Nodes between pictures and latents."""

from diffusion.model import Vae
from diffusion.vae import decode, encode
from diffusion.values import Image, Latent
from graph.define import node
from graph.services import Progress, quiet


@node("VAEDecode", category="latent", title="VAE Decode", outputs=("IMAGE",))
def vae_decode(samples: Latent, vae: Vae, *, progress: Progress = quiet) -> Image:
    """Turn a latent into a picture.

    Args:
        samples: The latent.
        vae: The VAE of the model the latent comes from.

    Returns:
        The picture.
    """
    return decode(vae, samples, check=lambda: progress(0, 1))


@node("VAEEncode", category="latent", title="VAE Encode", outputs=("LATENT",))
def vae_encode(pixels: Image, vae: Vae, *, progress: Progress = quiet) -> Latent:
    """Turn a picture into a latent, to change it with a diffusion model.

    Args:
        pixels: The picture; its sides are cut to multiples of 8.
        vae: The VAE of the model that will change it.

    Returns:
        The latent.
    """
    return encode(vae, pixels, check=lambda: progress(0, 1))
