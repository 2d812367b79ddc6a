"""A model small enough to reason about: the ideal denoiser of data that lie around what the prompt says."""

from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace

import torch
from torch import nn

from diffusion.families.sd15 import SD15
from diffusion.model import Model
from diffusion.noise_range import linear_betas
from diffusion.prediction import EPSILON
from diffusion.values import Conditioning, Latent, Prompt

NOISE = linear_betas()


class Toy(nn.Module):
    """Predicts the noise for clean values that are normal around the mean of the tokens, with spread 1/2.

    Remembers what it was called with.
    """

    def __init__(self):
        super().__init__()
        self.anchor = nn.Parameter(torch.zeros(1), requires_grad=False)
        self.blocks = nn.ModuleList([nn.Sequential(nn.Identity()) for _ in range(2)])
        self.shapes, self.tokens, self.inputs = [], [], []

    def forward(self, scaled, time, encoder_hidden_states, **_rest):
        self.shapes.append(tuple(scaled.shape))
        self.tokens.append(encoder_hidden_states)
        self.inputs.append(scaled)
        sigma = NOISE.sigma(float(time[0]))
        mean = encoder_hidden_states.mean((1, 2)).view(-1, 1, 1, 1)
        state = scaled[:, :4] * (sigma**2 + 1) ** 0.5
        noise = (state - mean) * sigma / (0.25 + sigma**2)
        for block in self.blocks:
            noise = block(noise)
        return (noise,)


@dataclass
class ToyHandle:
    module: Toy = field(default_factory=Toy)
    memory: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(device=torch.device("cpu")))

    @contextmanager
    def resident(self, patches=(), alternates=False):
        yield self.module


def toy_model(**changes):
    network = changes.pop("network", None) or ToyHandle()
    return Model(SD15, NOISE, EPSILON, network, **changes)


def prompt(value=0.0, tokens=2, **changes):
    return Prompt(torch.full((1, tokens, 3), float(value)), family="sd15", **changes)


def says(*values, **changes):
    return Conditioning(tuple(prompt(value, **changes) for value in values))


def latent(batch=1, height=8, width=8, seed=0, **changes):
    generator = torch.Generator().manual_seed(seed)
    return Latent(torch.randn(batch, 4, height, width, generator=generator), **changes)
