"""Training data: composed pictures as latents with their captions' tokens, made ahead by another process."""

import multiprocessing
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import conv2d, pixel_unshuffle

from tools.bundled_models import words
from tools.bundled_models.compose import Composer, Mix
from tools.bundled_models.networks import SCALE, Base
from tools.bundled_models.sprites import Pixels, Sprite


@dataclass(frozen=True, slots=True)
class Codec:
    """The encoder as a linear map of 8 x 8 patches, which it was trained to be: 400 times faster.

    weight [4, 192, 1, 1], bias [4]; from sRGB -1..1 to latents of unit variance.
    """

    weight: Tensor
    bias: Tensor

    def encode(self, images: Sequence[Pixels]) -> Tensor:
        """Latents [count, 4, height / 8, width / 8] of pictures uint8 [height, width, 3]."""
        return conv2d(pixel_unshuffle(planes(images), 8), self.weight, self.bias)


def planes(images: Sequence[Pixels]) -> Tensor:
    """Pictures uint8 [height, width, 3] as [count, 3, height, width] in -1..1."""
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 127.5 - 1


@torch.no_grad()
def fitted_codec(base: Base, images: Sequence[Pixels]) -> Codec:
    """The linear map that is nearest to the encoder on some pictures."""
    x = planes(images)
    latents = torch.cat([base.vae.encode(part).latent_dist.mean * SCALE for part in x.split(50)])
    patches = pixel_unshuffle(x, 8).permute(0, 2, 3, 1).reshape(-1, 192).double()
    known = torch.cat([patches, torch.ones(len(patches), 1, dtype=torch.float64)], 1)
    wanted = latents.permute(0, 2, 3, 1).reshape(-1, 4).double()
    found = torch.linalg.lstsq(known, wanted).solution.float()
    return Codec(found[:192].T[..., None, None].contiguous(), found[192].clone())


def principal_codec(images: Sequence[Pixels]) -> Codec:
    """The four principal components of 8 x 8 patches, of unit variance: what a new encoder is taught.

    A VAE trained from nothing sits on a plateau for thousands of pictures; with its latents given it does
    not.
    """
    patches = pixel_unshuffle(planes(images), 8).permute(0, 2, 3, 1).reshape(-1, 192)
    mean = patches.mean(0)
    directions = torch.linalg.eigh(torch.cov((patches - mean).T))[1][:, -4:].flip(1).T
    weight = directions / ((patches - mean) @ directions.T).std(0)[:, None]
    return Codec(weight[..., None, None].contiguous(), -(weight @ mean))


@dataclass(frozen=True, slots=True)
class Shard:
    """Composed pictures: latents float16 [count, 4, 16, 16]; tokens [count, 77], places in the trained part.

    masks: the objects, uint8 [count, 128, 128]; images: uint8 [count, 128, 128, 3]; both empty if not kept.
    """

    latents: Tensor
    tokens: Tensor
    images: Tensor
    masks: Tensor

    def __len__(self) -> int:
        return len(self.latents)


def composed(
    sprites: Sequence[Sprite], codec: Codec, count: int, seed: int, mix: Mix, with_images: bool = False
) -> Shard:
    """One shard; the same seed gives the same."""
    composer = Composer(sprites, seed, mix)
    latents, captions, images, masks = [], [], [], []
    for start in range(0, count, 250):
        pictures = [composer.picture() for _ in range(min(250, count - start))]
        latents.append(codec.encode([picture.image for picture in pictures]).half())
        captions += [picture.scene.caption for picture in pictures]
        if with_images:
            images.append(torch.from_numpy(np.stack([picture.image for picture in pictures])))
            masks.append(torch.from_numpy(np.stack([picture.mask for picture in pictures])))
    nothing = torch.empty(0, dtype=torch.uint8)
    return Shard(
        torch.cat(latents),
        words.compact(words.padded(captions)).to(torch.int16),
        torch.cat(images) if images else nothing,
        torch.cat(masks) if masks else nothing,
    )


class Stream:
    """Shards one after another. While one is used, a process of low priority composes the next."""

    def __init__(self, compose: Callable[[int], Shard], folder: Path, first: int, uses: float = 2.0) -> None:
        """`compose` makes the shard of a number; each sample is drawn about `uses` times."""
        self.compose, self.folder, self.number, self.uses = compose, folder, first, uses
        folder.mkdir(parents=True, exist_ok=True)
        self.shard = compose(first)
        self.drawn = 0
        self._begin()

    def _begin(self) -> None:
        self.next = self.folder / f"{os.getpid()}-{self.number + 1}.pt"
        context = multiprocessing.get_context("fork")
        self.worker = context.Process(
            target=_write, args=(self.compose, self.number + 1, self.next), daemon=True
        )
        self.worker.start()

    def batch(self, count: int) -> Tensor:
        """Places in `shard` to use next. Takes the next shard when this one is used up."""
        if self.drawn > self.uses * len(self.shard) and self.next.exists():
            self.worker.join()
            self.shard = Shard(*torch.load(self.next))
            self.next.unlink()
            self.number, self.drawn = self.number + 1, 0
            self._begin()
        self.drawn += count
        return torch.randint(0, len(self.shard), (count,))

    def close(self) -> None:
        """Stop composing."""
        self.worker.terminate()
        self.worker.join()
        self.next.unlink(missing_ok=True)


def _write(compose: Callable[[int], Shard], number: int, path: Path) -> None:
    os.nice(5)
    torch.set_num_threads(1)
    shard = compose(number)
    unfinished = path.with_suffix(".part")
    torch.save((shard.latents, shard.tokens, shard.images, shard.masks), unfinished)
    unfinished.rename(path)
