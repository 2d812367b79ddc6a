"""Nodes that say what a model predicts, and at which noise levels, where its file does not."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Annotated, Literal

from diffusion.errors import DiffusionError
from diffusion.families.sdxl import PLAYGROUND
from diffusion.model import Model
from diffusion.noise_range import (
    cascade,
    continuous_edm,
    continuous_v,
    cosmos_flow,
    distilled,
    flow,
    flux_flow,
    linear_betas,
)
from diffusion.prediction import (
    COSMOS_FLOW,
    EDM,
    EPSILON,
    FLOW,
    IMAGE_TO_IMAGE,
    VELOCITY,
    X0,
    Prediction,
    lcm,
)
from graph.define import node
from graph.widgets import OneOf, Range

Shift = Annotated[float, Range(0.0, 100.0, step=0.01)]
Level = Annotated[float, Range(0.0, 1000.0, step=0.001)]
Side = Annotated[int, Range(16, 16384, step=8)]

CONTINUOUS: Mapping[str, Prediction] = MappingProxyType(
    {
        "v_prediction": VELOCITY,
        "edm": EDM,
        "edm_playground_v2.5": EDM,
        "eps": EPSILON,
        "cosmos_rflow": COSMOS_FLOW,
    }
)
DISCRETE: Mapping[str, Prediction] = MappingProxyType(
    {"eps": EPSILON, "v_prediction": VELOCITY, "x0": X0, "img_to_img": IMAGE_TO_IMAGE}
)


@node("ModelSamplingDiscrete", category="advanced/model", title="ModelSamplingDiscrete", outputs=("MODEL",))
def model_sampling_discrete(
    model: Model,
    sampling: Literal["eps", "v_prediction", "lcm", "x0", "img_to_img"] = "eps",
    zsnr: bool = False,
) -> Model:
    """Say what a model trained on single time steps predicts.

    Args:
        model: The model.
        sampling: Noise, velocity, the clean picture, or how a consistency model (LCM) was distilled.
        zsnr: Its last time step is pure noise.

    Returns:
        The model that is read so.
    """
    noise = linear_betas(*model.family.betas, zero_terminal=zsnr)
    if sampling == "lcm":
        noise = distilled(noise)
        return replace(model, noise=noise, prediction=lcm(noise))
    return replace(model, noise=noise, prediction=DISCRETE[sampling])


@node(
    "ModelSamplingContinuousEDM",
    category="advanced/model",
    title="ModelSamplingContinuousEDM",
    outputs=("MODEL",),
)
def model_sampling_continuous_edm(
    model: Model,
    sampling: Annotated[str, OneOf(CONTINUOUS)] = "v_prediction",
    sigma_max: Level = 120.0,
    sigma_min: Level = 0.002,
) -> Model:
    """Say what a model predicts that was trained on noise levels evenly spread in the logarithm.

    Args:
        model: The model.
        sampling: What it predicts; "edm_playground_v2.5" also brings that model's own space of latents.
        sigma_max: Its highest noise level.
        sigma_min: Its lowest.

    Returns:
        The model that is read so.
    """
    _require_order(sigma_min, sigma_max)
    levels = cosmos_flow if sampling == "cosmos_rflow" else continuous_edm
    latent = PLAYGROUND if sampling == "edm_playground_v2.5" else model.latent
    return replace(model, noise=levels(sigma_min, sigma_max), prediction=CONTINUOUS[sampling], latent=latent)


@node(
    "ModelSamplingContinuousV",
    category="advanced/model",
    title="ModelSamplingContinuousV",
    outputs=("MODEL",),
)
def model_sampling_continuous_v(
    model: Model,
    sampling: Literal["v_prediction"] = "v_prediction",  # noqa: ARG001  there is no other yet
    sigma_max: Level = 500.0,
    sigma_min: Level = 0.03,
) -> Model:
    """Say that a model predicts velocity and is told the angle between signal and noise.

    Args:
        model: The model.
        sampling: What it predicts.
        sigma_max: Its highest noise level.
        sigma_min: Its lowest.

    Returns:
        The model that is read so.
    """
    _require_order(sigma_min, sigma_max)
    return replace(model, noise=continuous_v(sigma_min, sigma_max), prediction=VELOCITY)


def _require_order(sigma_min: float, sigma_max: float) -> None:
    if not 0 < sigma_min < sigma_max:
        raise DiffusionError(
            f"The noise levels from {sigma_min} to {sigma_max} make no range.",
            "Choose a sigma_min above 0, and a sigma_max above it.",
        )


@node("ModelSamplingSD3", category="advanced/model", title="ModelSamplingSD3", outputs=("MODEL",))
def model_sampling_sd3(model: Model, shift: Shift = 3.0) -> Model:
    """Spread the time of a flow model that counts to 1000, such as SD3.

    Args:
        model: The model.
        shift: More spends more of the steps on noise, which large pictures need.

    Returns:
        The model that is read so.
    """
    return replace(model, noise=flow(shift), prediction=FLOW)


@node("ModelSamplingAuraFlow", category="advanced/model", title="ModelSamplingAuraFlow", outputs=("MODEL",))
def model_sampling_aura_flow(model: Model, shift: Shift = 1.73) -> Model:
    """Spread the time of a flow model that counts to 1, such as AuraFlow.

    Args:
        model: The model.
        shift: More spends more of the steps on noise, which large pictures need.

    Returns:
        The model that is read so.
    """
    return replace(model, noise=flow(shift, 1.0), prediction=FLOW)


@node("ModelSamplingFlux", category="advanced/model", title="ModelSamplingFlux", outputs=("MODEL",))
def model_sampling_flux(
    model: Model, max_shift: Shift = 1.15, base_shift: Shift = 0.5, width: Side = 1024, height: Side = 1024
) -> Model:
    """Spread the time of a Flux model by the size of the picture.

    Args:
        model: The model.
        max_shift: The spread for 1024 x 1024 pixels.
        base_shift: The spread for 256 x 256 pixels.
        width: How wide the picture is to be, in pixels.
        height: How high it is to be.

    Returns:
        The model that is read so.
    """
    mu = base_shift + (width * height / 256 - 256) * (max_shift - base_shift) / (4096 - 256)
    return replace(model, noise=flux_flow(mu), prediction=FLOW)


@node(
    "ModelSamplingStableCascade",
    category="advanced/model",
    title="ModelSamplingStableCascade",
    outputs=("MODEL",),
)
def model_sampling_stable_cascade(model: Model, shift: Shift = 2.0) -> Model:
    """Shift the noise levels of a Stable Cascade model.

    Args:
        model: The model.
        shift: How much more noise a larger latent bears.

    Returns:
        The model that is read so.
    """
    return replace(model, noise=cascade(shift), prediction=EPSILON)
