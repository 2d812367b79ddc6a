"""Nodes that calculate with latents."""

from dataclasses import replace
from typing import Annotated

from diffusion.latents import blended, fitting, interpolated
from diffusion.values import Latent
from graph.define import node
from graph.widgets import Range


@node("LatentAdd", category="latent/advanced", title="Latent Add", outputs=("LATENT",))
def latent_add(samples1: Latent, samples2: Latent) -> Latent:
    """Add a latent to another; it takes its size.

    Args:
        samples1: The first latent.
        samples2: What is added.

    Returns:
        The sum.
    """
    return replace(samples1, samples=samples1.samples + fitting(samples2.samples, samples1.samples))


@node("LatentSubtract", category="latent/advanced", title="Latent Subtract", outputs=("LATENT",))
def latent_subtract(samples1: Latent, samples2: Latent) -> Latent:
    """Subtract a latent from another; it takes its size.

    Args:
        samples1: The first latent.
        samples2: What is subtracted.

    Returns:
        The difference.
    """
    return replace(samples1, samples=samples1.samples - fitting(samples2.samples, samples1.samples))


@node("LatentMultiply", category="latent/advanced", title="Latent Multiply", outputs=("LATENT",))
def latent_multiply(
    samples: Latent, multiplier: Annotated[float, Range(-10.0, 10.0, step=0.01)] = 1.0
) -> Latent:
    """Multiply a latent by a number.

    Args:
        samples: The latent.
        multiplier: The number.

    Returns:
        The product.
    """
    return replace(samples, samples=samples.samples * multiplier)


@node("LatentInterpolate", category="latent/advanced", title="Latent Interpolate", outputs=("LATENT",))
def latent_interpolate(
    samples1: Latent, samples2: Latent, ratio: Annotated[float, Range(0.0, 1.0, step=0.01)] = 1.0
) -> Latent:
    """Go from a latent to another, direction and strength of each cell apart.

    Args:
        samples1: The first latent.
        samples2: The second latent; it takes the size of the first.
        ratio: 1 is the first, 0 the second.

    Returns:
        The latent between.
    """
    return interpolated(samples1, samples2, ratio)


@node("LatentBlend", category="_for_testing", title="Latent Blend", outputs=("LATENT",))
def latent_blend(
    samples1: Latent, samples2: Latent, blend_factor: Annotated[float, Range(0, 1, step=0.01)] = 0.5
) -> Latent:
    """Blend two latents.

    Args:
        samples1: The first latent.
        samples2: The second latent; it takes the size of the first.
        blend_factor: How much of the first is in the blend.

    Returns:
        The blend.
    """
    return blended(samples1, samples2, blend_factor)
