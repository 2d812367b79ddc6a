"""Nodes that make latents, cut and turn them, and sort them into batches."""

from typing import Annotated, Final, Literal

import torch

from diffusion import latents as parts
from diffusion.latents import batched, cut, cut_to_batch, joined, mirrored, rebatched, turned, with_noise_of
from diffusion.noise import batch_of, repeated
from diffusion.values import Latent
from graph.define import node
from graph.widgets import OneOf, Range, Row

Length = Annotated[int, Range(64, 16384, step=8, cut_to=8)]
Offset = Annotated[int, Range(0, 16384, step=8, cut_to=8)]
BatchSize = list[Annotated[int, Range(1, 4096)]]
ONE: Final = [1]
QUARTERS = ("none", "90 degrees", "180 degrees", "270 degrees")


@node("EmptyLatentImage", category="latent", title="Empty Latent Image", outputs=("LATENT",))
def empty_latent_image(
    width: Annotated[int, Range(16, 16384, step=8, cut_to=8)] = 512,
    height: Annotated[int, Range(16, 16384, step=8, cut_to=8)] = 512,
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


@node("EmptySD3LatentImage", category="latent/sd3", title="Empty SD3 Latent Image", outputs=("LATENT",))
def empty_sd3_latent_image(
    width: Annotated[int, Range(16, 16384, step=16, cut_to=8)] = 1024,
    height: Annotated[int, Range(16, 16384, step=16, cut_to=8)] = 1024,
    batch_size: Annotated[int, Range(1, 4096)] = 1,
) -> Latent:
    """Make an empty latent of 16 channels, to be filled by a sampler.

    Args:
        width: In pixels of the finished picture.
        height: In pixels of the finished picture.
        batch_size: How many pictures to make at once.

    Returns:
        The empty latent.
    """
    return Latent(torch.zeros(batch_size, 16, height // 8, width // 8))


@node("EmptyFlux2LatentImage", category="latent", title="Empty Flux 2 Latent", outputs=("LATENT",))
def empty_flux2_latent_image(
    width: Annotated[int, Range(16, 16384, step=16, cut_to=8)] = 1024,
    height: Annotated[int, Range(16, 16384, step=16, cut_to=8)] = 1024,
    batch_size: Annotated[int, Range(1, 4096)] = 1,
) -> Latent:
    """Make an empty latent of 128 channels and cells of 16 pixels, to be filled by a sampler.

    Args:
        width: In pixels of the finished picture.
        height: In pixels of the finished picture.
        batch_size: How many pictures to make at once.

    Returns:
        The empty latent.
    """
    return Latent(torch.zeros(batch_size, 128, height // 16, width // 16))


@node("LatentBatch", category="latent/batch", title="Latent Batch", outputs=("LATENT",), deprecated=True)
def latent_batch(samples1: Latent, samples2: Latent) -> Latent:
    """Put latents into one batch; the second takes the size of the first.

    Args:
        samples1: The first latent or latents.
        samples2: The others.

    Returns:
        The batch.
    """
    return batched((samples1, samples2))


@node("BatchLatentsNode", category="latent", title="Batch Latents", outputs=("LATENT",))
def batch_latents(*latents: Annotated[Latent, Row("latent", least=2, most=50)]) -> Latent:
    """Put latents into one batch; all take the size of the first.

    Args:
        latents: The latents.

    Returns:
        The batch.
    """
    return batched(latents)


@node("RebatchLatents", category="latent/batch", title="Rebatch Latents", outputs=("LATENT",))
def rebatch_latents(latents: list[Latent], batch_size: BatchSize = ONE) -> list[Latent]:
    """Sort latents into batches of another size.

    Args:
        latents: The latents or batches.
        batch_size: How many latents a batch holds.

    Returns:
        The batches, one after another.
    """
    return rebatched(latents, batch_size[0])


@node(
    "LatentBatchSeedBehavior",
    category="latent/advanced",
    title="Latent Batch Seed Behavior",
    outputs=("LATENT",),
)
def latent_batch_seed_behavior(
    samples: Latent, seed_behavior: Literal["random", "fixed"] = "fixed"
) -> Latent:
    """Give all latents of a batch the same noise, or each its own.

    Args:
        samples: The batch.
        seed_behavior: Fixed gives all the noise of the first.

    Returns:
        The batch.
    """
    return with_noise_of(samples, seed_behavior == "fixed")


@node("LatentCrop", category="latent/transform", title="Crop Latent", outputs=("LATENT",))
def latent_crop(
    samples: Latent, width: Length = 512, height: Length = 512, x: Offset = 0, y: Offset = 0
) -> Latent:
    """Cut a part out of a latent.

    Args:
        samples: The latent.
        width: In pixels.
        height: In pixels.
        x: Pixels to leave out on the left.
        y: Pixels to leave out at the top.

    Returns:
        The part.
    """
    return parts.crop(samples, width // 8, height // 8, x // 8, y // 8)


@node("LatentRotate", category="latent/transform", title="Rotate Latent", outputs=("LATENT",))
def latent_rotate(samples: Latent, rotation: Annotated[str, OneOf(QUARTERS)] = "none") -> Latent:
    """Turn a latent to the right.

    Args:
        samples: The latent.
        rotation: By how much.

    Returns:
        The turned latent.
    """
    return turned(samples, QUARTERS.index(rotation))


@node("LatentFlip", category="latent/transform", title="Flip Latent", outputs=("LATENT",))
def latent_flip(
    samples: Latent,
    flip_method: Literal["x-axis: vertically", "y-axis: horizontally"] = "x-axis: vertically",
) -> Latent:
    """Mirror a latent.

    Args:
        samples: The latent.
        flip_method: Upside down, or left to right.

    Returns:
        The mirrored latent.
    """
    return mirrored(samples, "y" if flip_method.startswith("x") else "x")


@node("LatentConcat", category="latent/advanced", title="Latent Concat", outputs=("LATENT",))
def latent_concat(
    samples1: Latent, samples2: Latent, dim: Literal["x", "-x", "y", "-y", "t", "-t"] = "x"
) -> Latent:
    """Put two latents side by side.

    Args:
        samples1: The first latent.
        samples2: The second latent.
        dim: Along which axis; with a minus the second comes first.

    Returns:
        Both in one latent.
    """
    axis: parts.Axis = "x" if "x" in dim else "y" if "y" in dim else "t"
    return joined(samples1, samples2, axis, dim.startswith("-"))


@node("LatentCut", category="latent/advanced", title="Latent Cut", outputs=("LATENT",))
def latent_cut(
    samples: Latent,
    dim: parts.Axis = "x",
    index: Annotated[int, Range(-16384, 16384, step=1)] = 0,
    amount: Annotated[int, Range(1, 16384, step=1)] = 1,
) -> Latent:
    """Take some cells of a latent along an axis.

    Args:
        samples: The latent.
        dim: Along which axis.
        index: The first cell to take; a negative number counts from the end.
        amount: How many cells to take.

    Returns:
        The part.
    """
    return cut(samples, dim, index, amount)


@node("LatentCutToBatch", category="latent/advanced", title="Latent Cut To Batch", outputs=("LATENT",))
def latent_cut_to_batch(
    samples: Latent,
    dim: Literal["t", "x", "y"] = "t",
    slice_size: Annotated[int, Range(1, 16384, step=1)] = 1,
) -> Latent:
    """Cut a latent into slices, which become a batch.

    Args:
        samples: The latent.
        dim: Along which axis.
        slice_size: How many cells a slice has.

    Returns:
        The slices.
    """
    return cut_to_batch(samples, dim, slice_size)
