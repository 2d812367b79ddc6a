from dataclasses import replace

import numpy as np
import pytest
import torch

from diffusion.errors import DiffusionError
from diffusion.families.sd_x4 import SD_X4
from diffusion.families.sdxl import PLAYGROUND
from diffusion.prediction import EDM, EPSILON, FLOW, VELOCITY, X0
from graph.define import spec_of
from nodes import model_sampling
from nodes.model_sampling import (
    model_sampling_aura_flow,
    model_sampling_continuous_edm,
    model_sampling_continuous_v,
    model_sampling_discrete,
    model_sampling_flux,
    model_sampling_sd3,
    model_sampling_stable_cascade,
)
from nodes.sampling import ksampler
from nodes.text import encode_prompt
from tests import tiny
from tests.diffusion.toy import latent, toy_model

MODEL = toy_model()
NODES = [thing for name, thing in vars(model_sampling).items() if name.startswith("model_sampling_")]


@pytest.mark.parametrize(
    ("function", "defaults"),
    [
        (model_sampling_discrete, {"model": None, "sampling": "eps", "zsnr": False}),
        (
            model_sampling_continuous_edm,
            {"model": None, "sampling": "v_prediction", "sigma_max": 120.0, "sigma_min": 0.002},
        ),
        (
            model_sampling_continuous_v,
            {"model": None, "sampling": "v_prediction", "sigma_max": 500.0, "sigma_min": 0.03},
        ),
        (model_sampling_sd3, {"model": None, "shift": 3.0}),
        (model_sampling_aura_flow, {"model": None, "shift": 1.73}),
        (
            model_sampling_flux,
            {"model": None, "max_shift": 1.15, "base_shift": 0.5, "width": 1024, "height": 1024},
        ),
        (model_sampling_stable_cascade, {"model": None, "shift": 2.0}),
    ],
)
def test_the_inputs_and_their_defaults_are_the_field_s(function, defaults):
    assert {each.name: each.default for each in spec_of(function).inputs} == defaults


@pytest.mark.parametrize(("name", "prediction"), [("eps", EPSILON), ("v_prediction", VELOCITY), ("x0", X0)])
def test_a_model_is_told_what_it_predicts(name, prediction):
    assert model_sampling_discrete(MODEL, name).prediction is prediction


def test_the_last_step_may_be_pure_noise():
    assert np.float32(model_sampling_discrete(MODEL, "eps", True).noise.sigma_max) == np.float32(4518.7637)


def test_the_noise_levels_are_built_from_the_betas_the_family_was_trained_with():
    upscaler = replace(model_sampling_sd3(MODEL), family=SD_X4)
    ends = model_sampling_discrete(upscaler, "v_prediction").noise
    assert (ends.sigma_min, ends.sigma_max) == pytest.approx((0.0100005, 36.911911))


def test_a_consistency_model_knows_fifty_levels():
    made = model_sampling_discrete(MODEL, "lcm")
    assert (len(made.noise.sigmas), made.prediction.name) == (50, "lcm")


def test_playground_brings_its_own_space_of_latents():
    made = model_sampling_continuous_edm(MODEL, "edm_playground_v2.5", 80.0, 0.002)
    assert (made.prediction, made.latent, made.noise.sigma_max) == (
        EDM,
        PLAYGROUND,
        pytest.approx(80, rel=1e-5),
    )


@pytest.mark.parametrize("node", [model_sampling_continuous_edm, model_sampling_continuous_v])
@pytest.mark.parametrize(("high", "low"), [(120.0, 0.0), (1.0, 2.0)])
def test_levels_that_make_no_range_are_refused(node, high, low):
    with pytest.raises(DiffusionError, match="make no range"):
        node(MODEL, "v_prediction", high, low)


@pytest.mark.parametrize(("node", "told"), [(model_sampling_sd3, 500.0), (model_sampling_aura_flow, 0.5)])
def test_flow_models_are_told_the_level_on_their_own_scale(node, told):
    made = node(MODEL)
    assert (made.prediction, made.noise.timestep(0.5)) == (FLOW, told)


@pytest.mark.parametrize(("side", "sigma"), [(1024, 0.759511), (256, 0.622459)])
def test_the_larger_the_picture_the_more_of_flux_s_time_is_noise(side, sigma):
    made = model_sampling_flux(MODEL, width=side, height=side)
    assert made.noise.percent_to_sigma(0.5) == pytest.approx(sigma, abs=1e-5)


def test_the_model_that_was_given_stays_as_it_was():
    model_sampling_stable_cascade(MODEL)
    assert MODEL.prediction is EPSILON and len(MODEL.noise.sigmas) == 1000


@pytest.mark.parametrize("node", NODES, ids=lambda node: node.__name__)
def test_a_model_read_in_any_way_can_be_sampled(library, node):
    model, clip, _vae = library.checkpoint(tiny.CHECKPOINT)
    prompt = encode_prompt("a fox", clip)
    result = ksampler(node(model), prompt, prompt, latent(), steps=2, cfg=2.0)
    assert torch.isfinite(result.samples).all()


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """A library on small models."""
    return tiny.library(tiny.models(tmp_path_factory.mktemp("models")))
