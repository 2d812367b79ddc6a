"""The samplers: pure generators over a denoiser, a noisy latent and a schedule, listed by the users' names.

`SAMPLERS[name]` says what a sampler wants besides those three. A new one is a function, a line here, a test.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Any, ClassVar, Literal, TypeAlias

from torch import Tensor

from diffusion.noise_range import NoiseRange
from diffusion.samplers.ddim import ddim
from diffusion.samplers.ddpm import ddpm
from diffusion.samplers.dpm2 import dpm_2, dpm_2_ancestral
from diffusion.samplers.dpm_solver import dpm_adaptive, dpm_fast
from diffusion.samplers.dpmpp import (
    dpmpp_2m,
    dpmpp_2m_cfg_pp,
    dpmpp_2s_ancestral,
    dpmpp_2s_ancestral_cfg_pp,
)
from diffusion.samplers.dpmpp_sde import dpmpp_2m_sde, dpmpp_3m_sde, dpmpp_sde
from diffusion.samplers.er_sde import er_sde
from diffusion.samplers.euler import euler, euler_ancestral, euler_ancestral_cfg_pp, euler_cfg_pp
from diffusion.samplers.gradient_estimation import gradient_estimation, gradient_estimation_cfg_pp
from diffusion.samplers.heun import heun, heunpp2
from diffusion.samplers.lcm import lcm, lcm_upscale
from diffusion.samplers.multistep import deis, ipndm, ipndm_v, lms
from diffusion.samplers.res_multistep import (
    res_multistep,
    res_multistep_ancestral,
    res_multistep_ancestral_cfg_pp,
    res_multistep_cfg_pp,
)
from diffusion.samplers.sa_solver import sa_solver, sa_solver_pece
from diffusion.samplers.seeds import exp_heun_2_x0, exp_heun_2_x0_sde, seeds_2, seeds_3
from diffusion.samplers.step import Denoise, GuidedDenoise, Noise, SizedNoise, Step
from diffusion.samplers.uni_pc import LAST, uni_pc, uni_pc_bh2
from diffusion.values import Sigmas

Source: TypeAlias = Literal["none", "white", "sized", "brownian", "brownian_cpu"]
ALMOST_START = 1e-4
"""The part of the sampling after which a flow model's level stands in for that of pure noise."""


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Sampler:
    """A sampler and what it wants to know.

    draws: which noise it takes as `noise`: its own stream, one for latents of any size, which it may then
    change, or a Brownian path on the device or on the CPU.
    flow: it takes `flow`, whether signal and noise add up to 1.
    guided: its denoiser also answers the unguided prediction.
    avoids_pure_noise: the λ of a flow model's first level must be finite, so that level is lowered a little.
    stochastic: the part of the sampling, 0 to 1, in which it adds noise; it takes the sigmas of both ends.
    skips_penultimate: the sampling nodes leave the last sigma above 0 out of its schedule.
    own_mask_noise: under a noise mask, the kept part gets fresh noise instead of the run's.
    last: the level at which it stops where the schedule goes to 0.
    """

    steps: Callable[..., Iterator[Step]]
    draws: Source = "none"
    flow: bool = False
    guided: bool = False
    avoids_pure_noise: bool = False
    stochastic: tuple[float, float] | None = None
    skips_penultimate: bool = False
    own_mask_noise: bool = False
    last: float = 0.0
    socket: ClassVar[str] = "SAMPLER"

    def with_options(self, **options: Any) -> "Sampler":
        """The sampler with parameters of its own, such as `eta`."""
        return replace(self, steps=partial(self.steps, **options))

    def start(
        self,
        denoise: Denoise | GuidedDenoise,
        x: Tensor,
        sigmas: Sigmas,
        noise: Noise | SizedNoise,
        levels: NoiseRange,
    ) -> Iterator[Step]:
        """Begin a run; nothing is computed until the first step is asked for.

        denoise: a `GuidedDenoise` exactly if the sampler is `guided`. levels: those of the model.
        """
        if self.avoids_pure_noise and levels.is_flow and sigmas[0] >= 1:
            sigmas = (levels.percent_to_sigma(ALMOST_START), *sigmas[1:])
        wants: dict[str, Any] = {}
        if self.draws != "none":
            wants["noise"] = noise
        if self.flow:
            wants["flow"] = levels.is_flow
        if self.stochastic is not None:
            wants["stochastic"] = tuple(levels.percent_to_sigma(part) for part in self.stochastic)
        return self.steps(denoise, x, sigmas, **wants)


def _ancestral(steps: Callable[..., Iterator[Step]], **wants: Any) -> Sampler:
    return Sampler(steps, draws="white", **wants)


def _exponential(steps: Callable[..., Iterator[Step]], draws: Source = "white", **wants: Any) -> Sampler:
    return Sampler(steps, draws, flow=True, avoids_pure_noise=True, **wants)


_2m_sde_heun = partial(dpmpp_2m_sde, solver_type="heun")
_ADDING_NOISE = (0.2, 0.8)

SAMPLERS: Mapping[str, Sampler] = MappingProxyType(
    {
        "euler": Sampler(euler),
        "euler_cfg_pp": Sampler(euler_cfg_pp, flow=True, guided=True),
        "euler_ancestral": _ancestral(euler_ancestral, flow=True),
        "euler_ancestral_cfg_pp": _ancestral(euler_ancestral_cfg_pp, flow=True, guided=True),
        "heun": Sampler(heun),
        "heunpp2": Sampler(heunpp2),
        "exp_heun_2_x0": _exponential(exp_heun_2_x0, "none"),
        "exp_heun_2_x0_sde": _exponential(exp_heun_2_x0_sde),
        "dpm_2": Sampler(dpm_2, skips_penultimate=True),
        "dpm_2_ancestral": _ancestral(dpm_2_ancestral, flow=True, skips_penultimate=True),
        "lms": Sampler(lms),
        "dpm_fast": Sampler(dpm_fast),
        "dpm_adaptive": _ancestral(dpm_adaptive),
        "dpmpp_2s_ancestral": _ancestral(dpmpp_2s_ancestral, flow=True),
        "dpmpp_2s_ancestral_cfg_pp": _ancestral(dpmpp_2s_ancestral_cfg_pp, guided=True),
        "dpmpp_sde": _exponential(dpmpp_sde, "brownian_cpu"),
        "dpmpp_sde_gpu": _exponential(dpmpp_sde, "brownian"),
        "dpmpp_2m": Sampler(dpmpp_2m),
        "dpmpp_2m_cfg_pp": Sampler(dpmpp_2m_cfg_pp, guided=True),
        "dpmpp_2m_sde": _exponential(dpmpp_2m_sde, "brownian_cpu"),
        "dpmpp_2m_sde_gpu": _exponential(dpmpp_2m_sde, "brownian"),
        "dpmpp_2m_sde_heun": _exponential(_2m_sde_heun, "brownian_cpu"),
        "dpmpp_2m_sde_heun_gpu": _exponential(_2m_sde_heun, "brownian"),
        "dpmpp_3m_sde": _exponential(dpmpp_3m_sde, "brownian_cpu"),
        "dpmpp_3m_sde_gpu": _exponential(dpmpp_3m_sde, "brownian"),
        "ddpm": _ancestral(ddpm),
        "lcm": _ancestral(lcm, flow=True),
        "ipndm": Sampler(ipndm),
        "ipndm_v": Sampler(ipndm_v),
        "deis": Sampler(deis),
        "res_multistep": Sampler(res_multistep),
        "res_multistep_cfg_pp": Sampler(res_multistep_cfg_pp, guided=True),
        "res_multistep_ancestral": _ancestral(res_multistep_ancestral),
        "res_multistep_ancestral_cfg_pp": _ancestral(res_multistep_ancestral_cfg_pp, guided=True),
        "gradient_estimation": Sampler(gradient_estimation),
        "gradient_estimation_cfg_pp": Sampler(gradient_estimation_cfg_pp, guided=True),
        "er_sde": _exponential(er_sde),
        "seeds_2": _exponential(seeds_2),
        "seeds_3": _exponential(seeds_3),
        "sa_solver": _exponential(sa_solver, stochastic=_ADDING_NOISE),
        "sa_solver_pece": _exponential(sa_solver_pece, stochastic=_ADDING_NOISE),
        "ddim": Sampler(ddim, own_mask_noise=True),
        "uni_pc": Sampler(uni_pc, skips_penultimate=True, last=LAST),
        "uni_pc_bh2": Sampler(uni_pc_bh2, skips_penultimate=True, last=LAST),
    }
)

LCM_UPSCALE = Sampler(lcm_upscale, "sized", flow=True)
"""Only for the node that says how far it enlarges."""
