"""What every network here is trained on: to tell the noise in a noised latent."""

import torch
from torch import Tensor


def alphas() -> Tensor:
    """The share of the picture at each of 1,000 times (of Stable Diffusion 1)."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    return torch.cumprod(1 - betas, 0).float()


def spread_times(count: int) -> Tensor:
    """Times 0..999, one drawn from each of `count` equal stretches: a small batch varies less."""
    return ((torch.arange(count) + torch.rand(count)) / count * 1000).long().clamp_(0, 999)


def noised(latents: Tensor, noise: Tensor, times: Tensor, share: Tensor) -> Tensor:
    """Latents [count, 4, h, w] with noise, at one time each."""
    kept = share[times].view(-1, 1, 1, 1)
    return kept.sqrt() * latents + (1 - kept).sqrt() * noise


def loss(predicted: Tensor, noise: Tensor, times: Tensor, share: Tensor) -> Tensor:
    """The squared error, weighted by snr ** -0.5.

    At high noise, where the prompt decides colours and places, the plain error is tiny and would teach
    little.
    """
    snr = share / (1 - share)
    weight = snr[times].rsqrt().clamp(0.05, 6)
    return (weight * (predicted.float() - noise).pow(2).mean((1, 2, 3))).mean()
