"""Nodes that let a sampler repaint a part of a picture."""

from dataclasses import replace

from diffusion.inpaint import as_noise_mask
from diffusion.values import Latent, Mask
from graph.define import node


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
