"""Nodes that let a sampler repaint a part of a picture."""

from dataclasses import replace
from typing import Annotated, NamedTuple

import torch

from diffusion.inpaint import as_noise_mask, greyed, with_picture
from diffusion.model import Model, Vae
from diffusion.vae import encode
from diffusion.values import Conditioning, Image, Latent, Mask
from graph.define import node
from graph.services import Progress, quiet
from graph.widgets import Range


class Shown(NamedTuple):
    """Prompts that show a network a picture, and the latent to start from."""

    positive: Conditioning
    negative: Conditioning
    latent: Latent


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
    image, grown, _soft = greyed(pixels, mask, grow_mask_by, vae.downscale)
    return replace(encode(vae, image, check=lambda: progress(0, 1)), noise_mask=grown)


@node(
    "InpaintModelConditioning",
    category="conditioning/inpaint",
    title="InpaintModelConditioning",
    outputs=("positive", "negative", "latent"),
)
def inpaint_model_conditioning(
    positive: Conditioning,
    negative: Conditioning,
    vae: Vae,
    pixels: Image,
    mask: Mask,
    noise_mask: bool = True,
    *,
    progress: Progress = quiet,
) -> Shown:
    """Show a model made for inpainting a picture with a hole in it.

    Args:
        positive: What the picture should show.
        negative: What it should not.
        vae: The VAE of the model that will paint.
        pixels: The picture.
        mask: What to repaint.
        noise_mask: Keep the rest exactly; off lets the model change all of it.
    """
    grey, _hard, soft = greyed(pixels, mask, 0, vae.downscale)
    seen = encode(vae, grey, check=lambda: progress(0, 2)).samples
    latent = encode(vae, pixels, check=lambda: progress(1, 2))
    latent = replace(latent, noise_mask=soft if noise_mask else None)
    return Shown(with_picture(positive, seen, soft), with_picture(negative, seen, soft), latent)


@node(
    "InstructPixToPixConditioning",
    category="conditioning/instructpix2pix",
    title="InstructPixToPixConditioning",
    outputs=("positive", "negative", "latent"),
)
def instruct_pix_to_pix_conditioning(
    positive: Conditioning,
    negative: Conditioning,
    vae: Vae,
    pixels: Image,
    *,
    progress: Progress = quiet,
) -> Shown:
    """Show a model made for editing the picture that it is to change as the prompt says.

    Args:
        positive: What to change.
        negative: What to avoid.
        vae: The VAE of the model.
        pixels: The picture.
    """
    seen = encode(vae, pixels, check=lambda: progress(0, 1)).samples
    empty = Latent(torch.zeros_like(seen))
    return Shown(with_picture(positive, seen), with_picture(negative, seen), empty)


@node(
    "DifferentialDiffusion",
    category="_for_testing",
    title="Differential Diffusion",
    experimental=True,
    outputs=("MODEL",),
)
def differential_diffusion(
    model: Model, strength: Annotated[float, Range(0.0, 1.0, step=0.01)] = 1.0
) -> Model:
    """Let a grey mask say from when on a place is repainted: the darker, the less it changes.

    Args:
        model: The model that repaints.
        strength: Below 1, grey also mixes the old and the new.

    Returns:
        The model, which takes masks so.
    """
    return replace(model, differential=strength)
