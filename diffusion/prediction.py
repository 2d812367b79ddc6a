"""From a network's output to a clean latent: what it was trained to predict.

σ is the noise level, x the state, F the network's output. σd is the spread of the data, 1 unless said.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from diffusion.noise_range import NoiseRange


@dataclass(frozen=True, slots=True)
class Prediction:
    """How a network is fed and its output read.

    scale_input(x, sigma): what the network is given.
    denoised(x, output, sigma): the clean latent that its float32 output means.
    noised(noise, latent, sigma, is_max): the state sampling starts from.
    final(x, sigma): the latent a state stands for when sampling stops at that level.
    """

    name: str
    scale_input: Callable[[Tensor, float], Tensor]
    denoised: Callable[[Tensor, Tensor, float], Tensor]
    noised: Callable[[Tensor, Tensor, float, bool], Tensor]
    final: Callable[[Tensor, float], Tensor]


def level(sigma: float, like: Tensor) -> Tensor:
    """The noise level as a tensor beside `like`.

    One element, not a plain number: on a GPU a division by a plain number becomes a product with its
    rounded inverse.
    """
    return torch.full((1,), sigma, dtype=torch.float32, device=like.device)


def unit_variance(x: Tensor, sigma: float, spread: float = 1.0) -> Tensor:
    """Scale a state to about unit variance: x / sqrt(σ² + σd²)."""
    return x / (level(sigma, x) ** 2 + spread**2) ** 0.5


def epsilon_denoised(x: Tensor, output: Tensor, sigma: float) -> Tensor:
    """The network predicts the noise (Ho et al. 2020, arXiv:2006.11239): x - σF."""
    return x - output * level(sigma, x)


def v_denoised(x: Tensor, output: Tensor, sigma: float) -> Tensor:
    """The network predicts the velocity (Salimans and Ho 2022, arXiv:2202.00512)."""
    s = level(sigma, x)
    return x / (s**2 + 1.0) - output * s / (s**2 + 1.0) ** 0.5


def noise_added(noise: Tensor, latent: Tensor, sigma: float, is_max: bool) -> Tensor:
    """Noise on top of a latent: σε + z, or sqrt(1 + σ²)ε + z where sampling starts from the highest level."""
    s = level(sigma, noise)
    return noise * ((1.0 + s**2.0) ** 0.5 if is_max else s) + latent


def unchanged(x: Tensor, _sigma: float) -> Tensor:
    """The state itself."""
    return x


def edm_denoised(x: Tensor, output: Tensor, sigma: float, spread: float = 0.5) -> Tensor:
    """The network predicts what is missing (Karras et al. 2022, arXiv:2206.00364, table 1)."""
    s = level(sigma, x)
    return x * spread**2 / (s**2 + spread**2) + output * s * spread / (s**2 + spread**2) ** 0.5


def output_itself(_x: Tensor, output: Tensor, _sigma: float) -> Tensor:
    """The network predicts the clean latent."""
    return output


def flow_noised(noise: Tensor, latent: Tensor, sigma: float, _is_max: bool) -> Tensor:
    """The straight line from a latent to noise: σε + (1 - σ)z (Liu et al. 2022, arXiv:2209.03003)."""
    s = level(sigma, noise)
    return s * noise + (1.0 - s) * latent


def flow_final(x: Tensor, sigma: float) -> Tensor:
    """The latent on the line to noise, by its length: x / (1 - σ)."""
    return x / (1.0 - level(sigma, x))


def noise_part(sigma: float, like: Tensor) -> Tensor:
    """The part of noise in a state of variance σ² + 1: σ / (σ + 1)."""
    s = level(sigma, like)
    return s / (s + 1)


def cosmos_scaled(x: Tensor, sigma: float) -> Tensor:
    """A state brought onto the line between latent and noise."""
    return x * (1.0 - noise_part(sigma, x))


def cosmos_denoised(x: Tensor, output: Tensor, sigma: float) -> Tensor:
    """The network predicts the velocity on the line between latent and noise."""
    s = noise_part(sigma, x)
    return x * (1.0 - s) - output * s


def noise_on_top(noise: Tensor, latent: Tensor, sigma: float, _is_max: bool) -> Tensor:
    """Noise on top of a latent: σε + z."""
    return noise * level(sigma, noise) + latent


def lcm(noise: NoiseRange) -> Prediction:
    """A latent consistency model over a discrete range (Luo et al. 2023, arXiv:2310.04378, equation 9)."""

    def denoised(x: Tensor, output: Tensor, sigma: float) -> Tensor:
        time = level(noise.timestep(sigma), x) * 10.0
        skip = 0.25 / (time**2 + 0.25)
        whole = time / (time**2 + 0.25) ** 0.5
        return whole * epsilon_denoised(x, output, sigma) + skip * x

    return Prediction("lcm", unit_variance, denoised, noise_added, unchanged)


EPSILON = Prediction("epsilon", unit_variance, epsilon_denoised, noise_added, unchanged)
VELOCITY = Prediction("v", unit_variance, v_denoised, noise_added, unchanged)
EDM = Prediction("edm", partial(unit_variance, spread=0.5), edm_denoised, noise_added, unchanged)
X0 = Prediction("x0", unit_variance, output_itself, noise_added, unchanged)
IMAGE_TO_IMAGE = Prediction("img_to_img", unchanged, output_itself, noise_added, unchanged)
FLOW = Prediction("flow", unchanged, epsilon_denoised, flow_noised, flow_final)
COSMOS_FLOW = Prediction("cosmos_flow", cosmos_scaled, cosmos_denoised, noise_on_top, unchanged)
