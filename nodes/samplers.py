"""Nodes that choose a sampler and set what is its own."""

from dataclasses import replace
from typing import Annotated, Literal

from diffusion.errors import DiffusionError
from diffusion.model import Model
from diffusion.resize import Method
from diffusion.samplers import LCM_UPSCALE, SAMPLERS, Sampler
from diffusion.samplers.dpm_solver import Control
from diffusion.samplers.er_sde import noise_scaler
from diffusion.samplers.sa_solver import Adams
from diffusion.samplers.seeds import Scheme
from graph.define import node
from graph.widgets import OneOf, Range

CATEGORY = "sampling/custom_sampling/samplers"
Amount = Annotated[float, Range(0.0, 100.0, step=0.01)]
Device = Literal["gpu", "cpu"]
GROWING: tuple[Method, ...] = ("bislerp", "nearest-exact", "bilinear", "area", "bicubic")


@node("KSamplerSelect", category=CATEGORY, outputs=("SAMPLER",))
def ksampler_select(sampler_name: Annotated[str, OneOf(SAMPLERS)] = "euler") -> Sampler:
    """Choose a sampler by its name.

    Args:
        sampler_name: The method that takes the steps.

    Returns:
        The sampler.
    """
    return SAMPLERS[sampler_name]


@node("SamplerEulerAncestral", category=CATEGORY, outputs=("SAMPLER",))
def sampler_euler_ancestral(eta: Amount = 1.0, s_noise: Amount = 1.0) -> Sampler:
    """Euler's method with fresh noise at every step.

    Args:
        eta: How much of the noise is made fresh. 0 is Euler's method.
        s_noise: A factor on the fresh noise.

    Returns:
        The sampler.
    """
    return SAMPLERS["euler_ancestral"].with_options(eta=eta, s_noise=s_noise)


@node(
    "SamplerEulerAncestralCFGPP", category=CATEGORY, title="SamplerEulerAncestralCFG++", outputs=("SAMPLER",)
)
def sampler_euler_ancestral_cfg_pp(
    eta: Annotated[float, Range(0.0, 1.0, step=0.01)] = 1.0,
    s_noise: Annotated[float, Range(0.0, 10.0, step=0.01)] = 1.0,
) -> Sampler:
    """Euler's method with fresh noise, and the noise it keeps not guided. Use it with a low cfg.

    Args:
        eta: How much of the noise is made fresh.
        s_noise: A factor on the fresh noise.

    Returns:
        The sampler.
    """
    return SAMPLERS["euler_ancestral_cfg_pp"].with_options(eta=eta, s_noise=s_noise)


@node("SamplerDPMPP_2S_Ancestral", category=CATEGORY, title="SamplerDPMPP_2S_Ancestral", outputs=("SAMPLER",))
def sampler_dpmpp_2s_ancestral(eta: Amount = 1.0, s_noise: Amount = 1.0) -> Sampler:
    """DPM-Solver++ with two calls a step and fresh noise.

    Args:
        eta: How much of the noise is made fresh.
        s_noise: A factor on the fresh noise.

    Returns:
        The sampler.
    """
    return SAMPLERS["dpmpp_2s_ancestral"].with_options(eta=eta, s_noise=s_noise)


@node("SamplerDPMPP_SDE", category=CATEGORY, title="SamplerDPMPP_SDE", outputs=("SAMPLER",))
def sampler_dpmpp_sde(
    eta: Amount = 1.0, s_noise: Amount = 1.0, r: Amount = 0.5, noise_device: Device = "gpu"
) -> Sampler:
    """DPM-Solver++ for the SDE, two calls a step.

    Args:
        eta: How much noise is made fresh. 0 makes none.
        s_noise: A factor on the fresh noise.
        r: Where in the step the second call is made.
        noise_device: Where noise is made; the same seed differs between the two.

    Returns:
        The sampler.
    """
    return _on(noise_device, "dpmpp_sde").with_options(eta=eta, s_noise=s_noise, r=r)


@node("SamplerDPMPP_2M_SDE", category=CATEGORY, title="SamplerDPMPP_2M_SDE", outputs=("SAMPLER",))
def sampler_dpmpp_2m_sde(
    solver_type: Literal["midpoint", "heun"] = "midpoint",
    eta: Amount = 1.0,
    s_noise: Amount = 1.0,
    noise_device: Device = "gpu",
) -> Sampler:
    """DPM-Solver++ for the SDE, with the prediction before.

    Args:
        solver_type: How the change of the prediction is weighed.
        eta: How much noise is made fresh. 0 makes none.
        s_noise: A factor on the fresh noise.
        noise_device: Where noise is made; the same seed differs between the two.

    Returns:
        The sampler.
    """
    chosen = _on(noise_device, "dpmpp_2m_sde")
    return chosen.with_options(eta=eta, s_noise=s_noise, solver_type=solver_type)


@node("SamplerDPMPP_3M_SDE", category=CATEGORY, title="SamplerDPMPP_3M_SDE", outputs=("SAMPLER",))
def sampler_dpmpp_3m_sde(eta: Amount = 1.0, s_noise: Amount = 1.0, noise_device: Device = "gpu") -> Sampler:
    """DPM-Solver++ for the SDE, with two predictions before.

    Args:
        eta: How much noise is made fresh. 0 makes none.
        s_noise: A factor on the fresh noise.
        noise_device: Where noise is made; the same seed differs between the two.

    Returns:
        The sampler.
    """
    return _on(noise_device, "dpmpp_3m_sde").with_options(eta=eta, s_noise=s_noise)


@node("SamplerLMS", category=CATEGORY, outputs=("SAMPLER",))
def sampler_lms(order: Annotated[int, Range(1, 100)] = 4) -> Sampler:
    """The linear multistep method.

    Args:
        order: How many slopes it looks back on.

    Returns:
        The sampler.
    """
    return SAMPLERS["lms"].with_options(order=order)


@node("SamplerDPMAdaptative", category=CATEGORY, outputs=("SAMPLER",))
def sampler_dpm_adaptative(
    order: Annotated[int, Range(2, 3)] = 3,
    rtol: Amount = 0.05,
    atol: Amount = 0.0078,
    h_init: Amount = 0.05,
    pcoeff: Amount = 0.0,
    icoeff: Amount = 1.0,
    dcoeff: Amount = 0.0,
    accept_safety: Amount = 0.81,
    eta: Amount = 0.0,
    s_noise: Amount = 1.0,
) -> Sampler:
    """DPM-Solver that chooses its own steps: as many as the error asks for.

    Args:
        order: The order of the solution.
        rtol: The error that is allowed, as a part of the value.
        atol: The error that is allowed at least.
        h_init: The first step, in the logarithm of sigma.
        pcoeff: How the next step follows the error.
        icoeff: How it follows the sum of errors.
        dcoeff: How it follows the change of the error.
        accept_safety: A step is taken where the next one would be at least this much of it.
        eta: How much noise is made fresh.
        s_noise: A factor on the fresh noise.

    Returns:
        The sampler.
    """
    control = Control(rtol, atol, h_init, (pcoeff, icoeff, dcoeff), accept_safety)
    return SAMPLERS["dpm_adaptive"].with_options(order=order, control=control, eta=eta, s_noise=s_noise)


@node("SamplerER_SDE", category=CATEGORY, title="SamplerER_SDE", outputs=("SAMPLER",))
def sampler_er_sde(
    solver_type: Literal["ER-SDE", "Reverse-time SDE", "ODE"] = "ER-SDE",
    max_stage: Annotated[int, Range(1, 3)] = 3,
    eta: Amount = 1.0,
    s_noise: Amount = 1.0,
) -> Sampler:
    """The extended reverse-time SDE solver.

    Args:
        solver_type: How noise is scaled.
        max_stage: How many predictions it looks at.
        eta: The strength of the noise in the reverse-time SDE; the others do not mind it.
        s_noise: A factor on the fresh noise.

    Returns:
        The sampler.
    """
    scaler = noise_scaler(solver_type, eta)
    return SAMPLERS["er_sde"].with_options(max_stage=max_stage, s_noise=s_noise, scaler=scaler)


@node("SamplerSEEDS2", category=CATEGORY, outputs=("SAMPLER",))
def sampler_seeds2(
    solver_type: Literal["phi_1", "phi_2"] = "phi_1",
    eta: Amount = 1.0,
    s_noise: Amount = 1.0,
    r: Annotated[float, Range(0.01, 1.0, step=0.01)] = 0.5,
) -> Sampler:
    """The stochastic exponential solver with two calls a step.

    Args:
        solver_type: How the two predictions are weighed.
        eta: How much noise is made fresh. 0 makes none.
        s_noise: A factor on the fresh noise.
        r: Where in the step the second call is made.

    Returns:
        The sampler.
    """
    return SAMPLERS["seeds_2"].with_options(eta=eta, s_noise=s_noise, scheme=Scheme(r, solver_type))


@node("SamplerSASolver", category=CATEGORY, outputs=("SAMPLER",))
def sampler_sa_solver(
    model: Model,
    eta: Annotated[float, Range(0.0, 10.0, step=0.01)] = 1.0,
    sde_start_percent: Annotated[float, Range(0.0, 1.0, step=0.001)] = 0.2,
    sde_end_percent: Annotated[float, Range(0.0, 1.0, step=0.001)] = 0.8,
    s_noise: Amount = 1.0,
    predictor_order: Annotated[int, Range(1, 6)] = 3,
    corrector_order: Annotated[int, Range(0, 6)] = 4,
    use_pece: bool = False,
    simple_order_2: bool = False,
) -> Sampler:
    """The stochastic Adams solver, with noise in a part of the sampling.

    Args:
        model: The model whose noise levels the parts are of.
        eta: The strength of the noise.
        sde_start_percent: Where noise begins to be added, 0 to 1.
        sde_end_percent: Where it ends.
        s_noise: A factor on the fresh noise.
        predictor_order: How many predictions the predictor looks at.
        corrector_order: How many the corrector looks at. 0 does not correct.
        use_pece: Ask the model once more after each correction.
        simple_order_2: The shorter weights of second order.

    Returns:
        The sampler.
    """
    chosen = SAMPLERS["sa_solver_pece" if use_pece else "sa_solver"]
    solver = Adams(predictor_order, corrector_order, simple_order_2, eta, s_noise)
    levels = tuple(model.noise.percent_to_sigma(part) for part in (sde_start_percent, sde_end_percent))
    return replace(chosen, stochastic=None).with_options(solver=solver, stochastic=levels)


@node("SamplerLCMUpscale", category=CATEGORY, outputs=("SAMPLER",))
def sampler_lcm_upscale(
    scale_ratio: Annotated[float, Range(0.1, 20.0, step=0.01)] = 1.0,
    scale_steps: Annotated[int, Range(-1, 1000, step=1)] = -1,
    upscale_method: Annotated[str, OneOf(GROWING)] = "bislerp",
) -> Sampler:
    """Consistency sampling of a picture that grows on the way.

    Args:
        scale_ratio: How many times as wide and high it is in the end.
        scale_steps: Over how many of the first steps it grows; -1 is half of them.
        upscale_method: How values between cells are found.

    Returns:
        The sampler.
    """
    growing = None if scale_steps < 0 else scale_steps
    return LCM_UPSCALE.with_options(ratio=scale_ratio, growing=growing, method=upscale_method)


@node(
    "SamplerEulerCFGpp",
    category="_for_testing",
    title="SamplerEulerCFG++",
    experimental=True,
    outputs=("SAMPLER",),
)
def sampler_euler_cfg_pp(version: Literal["regular", "alternative"] = "regular") -> Sampler:
    """Euler's method with the noise it keeps not guided. Use it with a low cfg.

    Args:
        version: The alternative one is not supported.

    Returns:
        The sampler.
    """
    if version == "alternative":
        raise DiffusionError("The alternative version of Euler CFG++ is not supported.", "Choose regular.")
    return SAMPLERS["euler_cfg_pp"]


def _on(device: Device, name: str) -> Sampler:
    return SAMPLERS[f"{name}_gpu" if device == "gpu" else name]
