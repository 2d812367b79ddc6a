"""Make pictures with the networks directly, many at once: what scores look at.

Song et al. 2020 (arXiv:2010.02502), without added noise.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from tools.bundled_models import diffusion_loss, words
from tools.bundled_models.networks import SCALE, Base
from tools.bundled_models.sprites import Pixels

STEPS, GUIDANCE = 24, 4.5
Steering = Callable[[Tensor, int, Tensor], dict[str, object]]
"""From x, time and context to more arguments for the U-Net."""


@dataclass(frozen=True, slots=True)
class Painting:
    """An inpainting: latents [n, 4, h, w] to keep, and where to paint, 1, or to keep, 0, [n, 1, h, w]."""

    latents: Tensor
    where: Tensor


@torch.no_grad()
def context(base: Base, prompts: Sequence[str]) -> Tensor:
    """The text encoder's last layer, [count, 77, width]."""
    found: Tensor = base.text(words.padded(prompts)).last_hidden_state
    return found


@torch.no_grad()
def latents(
    base: Base,
    prompts: Sequence[str],
    seeds: Sequence[int],
    painting: Painting | None = None,
    steer: Steering | None = None,
    side: int = 16,
) -> Tensor:
    """One latent [4, side, side] of unit variance for each prompt, with the noise of its own seed."""
    share = diffusion_loss.alphas()
    times = torch.linspace(999, 0, STEPS + 1).round().long()
    noise = torch.cat(
        [torch.randn(1, 4, side, side, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
    )
    x = noise
    both = torch.cat([context(base, [""] * len(prompts)), context(base, prompts)])
    for now, then in zip(times[:-1].tolist(), times[1:].tolist(), strict=True):
        twice = torch.cat([x, x])
        more = steer(twice, now, both) if steer else {}
        with torch.autocast("cpu", torch.bfloat16):
            predicted = base.unet(twice, now, both, **more).sample.float()
        without, with_prompt = predicted.chunk(2)
        error = without + GUIDANCE * (with_prompt - without)
        clean = clean_latent(x, error, share[now])
        kept = share[then] if then else torch.ones(())
        x = kept.sqrt() * clean + (1 - kept).sqrt() * error
        if painting is not None:
            known = kept.sqrt() * painting.latents + (1 - kept).sqrt() * noise
            x = painting.where * x + (1 - painting.where) * known
    return x


def clean_latent(x: Tensor, error: Tensor, kept: Tensor) -> Tensor:
    """The picture in `x` [count, 4, h, w] if its noise is `error`; kept: its share, [count] or []."""
    kept = kept.view(-1, 1, 1, 1)
    return (x - (1 - kept).sqrt() * error) / kept.sqrt()


@torch.no_grad()
def few_steps(base: Base, prompts: Sequence[str], seeds: Sequence[int], steps: int = 4) -> Tensor:
    """Latents as of `latents`, without guidance: each step guesses the picture, then new noise is added.

    For a U-Net that learnt to guess the whole picture at once: Luo et al. 2023 (arXiv:2310.04378).
    """
    share = diffusion_loss.alphas()
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    times = torch.linspace(999, 0, steps + 1).round().long()
    said = context(base, prompts)
    clean = torch.zeros(len(prompts), 4, 16, 16)
    for now in times[:-1]:
        noise = torch.stack([torch.randn(4, 16, 16, generator=generator) for generator in generators])
        first = now == times[0]
        x = noise if first else diffusion_loss.noised(clean, noise, now.expand(len(prompts)), share)
        with torch.autocast("cpu", torch.bfloat16):
            error = base.unet(x, now, said).sample.float()
        clean = clean_latent(x, error, share[now])
    return clean


@torch.no_grad()
def decoded(base: Base, x: Tensor) -> list[Pixels]:
    """Latents of unit variance as pictures uint8 [height, width, 3]."""
    with torch.autocast("cpu", torch.bfloat16):
        planes = base.vae.decode(x / SCALE).sample.float()
    pixels = ((planes.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
    return [np.asarray(picture) for picture in pixels]
