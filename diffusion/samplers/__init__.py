"""The samplers: pure generators over a denoiser, a noisy latent and a schedule, listed by the users' names.

`SAMPLERS[name]` says what a sampler wants besides those three. A new one is a function, a line here, a test.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from torch import Tensor

from diffusion.samplers.ddim import ddim
from diffusion.samplers.ddpm import ddpm
from diffusion.samplers.dpm2 import dpm_2, dpm_2_ancestral
from diffusion.samplers.dpmpp import dpmpp_2m
from diffusion.samplers.euler import euler, euler_ancestral
from diffusion.samplers.heun import heun
from diffusion.samplers.lcm import lcm
from diffusion.samplers.multistep import ipndm
from diffusion.samplers.step import Denoise, Noise, Step
from diffusion.values import Sigmas


@dataclass(frozen=True, slots=True)
class Sampler:
    """A sampler and what it wants to know.

    draws: it takes `noise` and `flow`.
    skips_penultimate: the sampling nodes leave the last sigma above 0 out of its schedule.
    own_mask_noise: under a noise mask, the kept part gets fresh noise instead of the run's.
    """

    steps: Callable[..., Iterator[Step]]
    draws: bool = False
    skips_penultimate: bool = False
    own_mask_noise: bool = False

    def start(self, denoise: Denoise, x: Tensor, sigmas: Sigmas, noise: Noise, flow: bool) -> Iterator[Step]:
        """Begin a run; nothing is computed until the first step is asked for."""
        if self.draws:
            return self.steps(denoise, x, sigmas, noise=noise, flow=flow)
        return self.steps(denoise, x, sigmas)


SAMPLERS: Mapping[str, Sampler] = MappingProxyType(
    {
        "euler": Sampler(euler),
        "euler_ancestral": Sampler(euler_ancestral, draws=True),
        "heun": Sampler(heun),
        "dpm_2": Sampler(dpm_2, skips_penultimate=True),
        "dpm_2_ancestral": Sampler(dpm_2_ancestral, draws=True, skips_penultimate=True),
        "dpmpp_2m": Sampler(dpmpp_2m),
        "ddpm": Sampler(ddpm, draws=True),
        "lcm": Sampler(lcm, draws=True),
        "ipndm": Sampler(ipndm),
        "ddim": Sampler(ddim, own_mask_noise=True),
    }
)
