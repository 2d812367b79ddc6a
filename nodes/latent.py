"""Nodes that make latents and batches of them."""

from typing import Annotated

import torch

from diffusion.noise import batch_of, repeated
from diffusion.values import Latent
from graph.define import node
from graph.widgets import Range


@node("EmptyLatentImage", category="latent", title="Empty Latent Image", outputs=("LATENT",))
def empty_latent_image(
    width: Annotated[int, Range(16, 16384, step=8)] = 512,
    height: Annotated[int, Range(16, 16384, step=8)] = 512,
    batch_size: Annotated[int, Range(1, 4096)] = 1,
) -> Latent:
    """Make an empty latent, to be filled by a sampler.

    Args:
        width: In pixels of the finished picture.
        height: In pixels of the finished picture.
        batch_size: How many pictures to make at once.

    Returns:
        The empty latent.
    """
    return Latent(torch.zeros(batch_size, 4, height // 8, width // 8))


@node("RepeatLatentBatch", category="latent/batch", title="Repeat Latent Batch", outputs=("LATENT",))
def repeat_latent_batch(samples: Latent, amount: Annotated[int, Range(1, 64)] = 1) -> Latent:
    """Repeat the latents of a batch; each copy gets noise of its own.

    Args:
        samples: The batch.
        amount: How many times.

    Returns:
        The longer batch.
    """
    return repeated(samples, amount)


@node("LatentFromBatch", category="latent/batch", title="Latent From Batch", outputs=("LATENT",))
def latent_from_batch(
    samples: Latent,
    batch_index: Annotated[int, Range(0, 63)] = 0,
    length: Annotated[int, Range(1, 64)] = 1,
) -> Latent:
    """Take latents out of a batch; they keep the noise they had there.

    Args:
        samples: The batch.
        batch_index: The first to take, from 0.
        length: How many to take.

    Returns:
        The shorter batch.
    """
    return batch_of(samples, batch_index, length)
