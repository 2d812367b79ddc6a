"""Nodes that change how a model is guided. Each gives a new model; the one that comes in stays as it is."""

from dataclasses import replace
from typing import Annotated

from diffusion import correction
from diffusion.model import Model
from diffusion.values import Conditioning
from graph.define import node
from graph.widgets import Range

GUIDANCE = "advanced/guidance"


@node("RescaleCFG", category="advanced/model", title="RescaleCFG", outputs=("MODEL",))
def rescale_cfg(model: Model, multiplier: Annotated[float, Range(0.0, 1.0, step=0.01)] = 0.7) -> Model:
    """Keep a high cfg from making the picture too bright and contrasty.

    Args:
        model: The model to guide so.
        multiplier: How much of it.

    Returns:
        The model, guided so.
    """
    return replace(model, guidance=replace(model.guidance, combine=correction.rescaled(multiplier)))


@node("RenormCFG", category="advanced/model", outputs=("MODEL",))
def renorm_cfg(
    model: Model,
    cfg_trunc: Annotated[float, Range(0.0, 100.0, step=0.01)] = 100,
    renorm_cfg: Annotated[float, Range(0.0, 100.0, step=0.01)] = 1.0,
) -> Model:
    """Limit how far guidance takes the prediction, and above which noise level there is none.

    Args:
        model: The model to guide so.
        cfg_trunc: From this noise level up the positive prompt is followed alone.
        renorm_cfg: How much longer guidance may make the prediction; 0 is no limit.

    Returns:
        The model, guided so.
    """
    combine = correction.renormed(cfg_trunc, renorm_cfg)
    return replace(model, guidance=replace(model.guidance, combine=combine))


@node("CFGZeroStar", category=GUIDANCE, outputs=("patched_model",))
def cfg_zero_star(model: Model) -> Model:
    """Guide away from as much of the negative prompt as fits the positive one best.

    Args:
        model: The model to guide so.

    Returns:
        The model, guided so.
    """
    return replace(model, guidance=model.guidance.and_before(correction.optimised_scale))


@node("CFGNorm", category=GUIDANCE, experimental=True, outputs=("patched_model",))
def cfg_norm(model: Model, strength: Annotated[float, Range(0.0, 100.0, step=0.01)] = 1.0) -> Model:
    """Never let guidance make the prediction longer than the positive prompt's own.

    Args:
        model: The model to guide so.
        strength: A factor on the result.

    Returns:
        The model, guided so.
    """
    return replace(model, guidance=model.guidance.and_after(correction.bounded_by_wanted(strength)))


@node("TCFG", category=GUIDANCE, title="Tangential Damping CFG", outputs=("patched_model",))
def tangential_damping_cfg(model: Model) -> Model:
    """Guide away only along what positive and negative prompt have in common most.

    Args:
        model: The model to guide so.

    Returns:
        The model, guided so.
    """
    return replace(model, guidance=model.guidance.and_before(correction.tangentially_damped))


@node("APG", category="sampling/custom_sampling", title="Adaptive Projected Guidance", outputs=("MODEL",))
def adaptive_projected_guidance(
    model: Model,
    eta: Annotated[float, Range(-10.0, 10.0, step=0.01)] = 1.0,
    norm_threshold: Annotated[float, Range(0.0, 50.0, step=0.1)] = 5.0,
    momentum: Annotated[float, Range(-5.0, 1.0, step=0.01)] = 0.0,
) -> Model:
    """Guide across the prediction rather than along it, so that a high cfg does not burn colours.

    Args:
        model: The model to guide so.
        eta: How much of the part along the prediction is kept.
        norm_threshold: How far guidance may go; 0 is no limit.
        momentum: How much of the step before is added; below 0 it is taken away.

    Returns:
        The model, guided so.
    """
    start = correction.adaptive_projection(eta, norm_threshold, momentum)
    return replace(model, guidance=replace(model.guidance, starts=(*model.guidance.starts, start)))


@node("Epsilon Scaling", category="model_patches/unet", title="Epsilon Scaling", outputs=("MODEL",))
def epsilon_scaling(
    model: Model, scaling_factor: Annotated[float, Range(0.5, 1.5, step=0.001)] = 1.005
) -> Model:
    """See a little less noise than the network does, which sharpens what few steps leave soft.

    Args:
        model: The model to change so.
        scaling_factor: What the noise is divided by.

    Returns:
        The model, changed so.
    """
    return replace(model, guidance=model.guidance.and_after(correction.scaled_noise(scaling_factor)))


@node(
    "PerturbedAttentionGuidance",
    category="model_patches/unet",
    title="PerturbedAttentionGuidance",
    outputs=("MODEL",),
)
def perturbed_attention_guidance(
    model: Model, scale: Annotated[float, Range(0.0, 100.0, step=0.01, round_to=0.01)] = 3.0
) -> Model:
    """Guide away from what the network sees without attention, which makes shapes hold together.

    Args:
        model: The model to guide so.
        scale: How strongly. Above 0 each step takes one call more.

    Returns:
        The model, guided so.
    """
    return replace(model, guidance=model.guidance.and_after(correction.away_from_perturbed(scale)))


@node(
    "SelfAttentionGuidance",
    category="_for_testing",
    title="Self-Attention Guidance",
    experimental=True,
    outputs=("MODEL",),
)
def self_attention_guidance(
    model: Model,
    scale: Annotated[float, Range(-2.0, 5.0, step=0.01)] = 0.5,
    blur_sigma: Annotated[float, Range(0.0, 10.0, step=0.1)] = 2.0,
) -> Model:
    """Guide away from what the network sees where all it looks at is blurred, which brings out details.

    Args:
        model: The model to guide so.
        scale: How strongly. At any but 0 each step takes two calls more.
        blur_sigma: How far it is blurred, in cells of 8 pixels.

    Returns:
        The model, guided so.
    """
    finish = correction.away_from_blurred(scale, blur_sigma)
    return replace(model, guidance=model.guidance.and_after(finish, always=scale != 0))


@node(
    "PerpNeg",
    category="_for_testing",
    title="Perp-Neg (DEPRECATED by PerpNegGuider)",
    experimental=True,
    deprecated=True,
    outputs=("MODEL",),
)
def perp_neg(
    model: Model,
    empty_conditioning: Conditioning,
    neg_scale: Annotated[float, Range(0.0, 100.0, step=0.01)] = 1.0,
) -> Model:
    """Guide away from a negative prompt only where it does not say what the positive one says too.

    Args:
        model: The model to guide so.
        empty_conditioning: An encoded empty prompt.
        neg_scale: How strongly the picture keeps away from the negative prompt.

    Returns:
        The model, guided so.
    """
    others = (*model.guidance.others, empty_conditioning)
    combine = correction.perpendicular_to(len(others) - 1, neg_scale)
    return replace(model, guidance=replace(model.guidance, combine=combine, others=others, always=True))


@node(
    "TemporalScoreRescaling",
    category="model_patches/unet",
    title="TSR - Temporal Score Rescaling",
    outputs=("patched_model",),
)
def temporal_score_rescaling(
    model: Model,
    tsr_k: Annotated[float, Range(0.01, 100.0, step=0.001)] = 0.95,
    tsr_sigma: Annotated[float, Range(0.01, 100.0, step=0.001)] = 1.0,
) -> Model:
    """Draw pictures that vary more, with more detail, or less and plainer.

    Args:
        model: The model to change so.
        tsr_k: Below 1 more detail, above 1 plainer pictures; 1 changes nothing.
        tsr_sigma: How wide the details are spread: the larger, the earlier it acts.

    Returns:
        The model, changed so.
    """
    finish = correction.rescaled_score(tsr_k, tsr_sigma, model.noise.is_flow)
    return replace(model, guidance=model.guidance.and_after(finish))


@node("FreSca", category="_for_testing", experimental=True, outputs=("MODEL",))
def fresca(
    model: Model,
    scale_low: Annotated[float, Range(0, 10, step=0.01)] = 1.0,
    scale_high: Annotated[float, Range(0, 10, step=0.01)] = 1.25,
    freq_cutoff: Annotated[int, Range(1, 10_000, step=1)] = 20,
) -> Model:
    """Guide shapes and details with strengths of their own.

    Args:
        model: The model to guide so.
        scale_low: The factor for coarse shapes.
        scale_high: The factor for fine details.
        freq_cutoff: Where details begin, in waves per picture.

    Returns:
        The model, guided so.
    """
    change = correction.by_frequency(scale_low, scale_high, freq_cutoff)
    return replace(model, guidance=model.guidance.and_before(change))


@node(
    "VideoLinearCFGGuidance",
    category="sampling/video_models",
    title="VideoLinearCFGGuidance",
    outputs=("MODEL",),
)
def video_linear_cfg(
    model: Model, min_cfg: Annotated[float, Range(0.0, 100.0, step=0.5, round_to=0.01)] = 1.0
) -> Model:
    """Let cfg grow from the first frame of a video to the last.

    Args:
        model: The model to guide so.
        min_cfg: The cfg of the first frame.

    Returns:
        The model, guided so.
    """
    return replace(model, guidance=replace(model.guidance, combine=correction.over_frames(min_cfg)))


@node(
    "VideoTriangleCFGGuidance",
    category="sampling/video_models",
    title="VideoTriangleCFGGuidance",
    outputs=("MODEL",),
)
def video_triangle_cfg(
    model: Model, min_cfg: Annotated[float, Range(0.0, 100.0, step=0.5, round_to=0.01)] = 1.0
) -> Model:
    """Let cfg grow up to the middle frame of a video, and fall again.

    Args:
        model: The model to guide so.
        min_cfg: The cfg of the first and the last frame.

    Returns:
        The model, guided so.
    """
    combine = correction.over_frames(min_cfg, back_again=True)
    return replace(model, guidance=replace(model.guidance, combine=combine))
