import pytest
import torch

from diffusion.schedules import SCHEDULES, beta_times, karras, last_part
from diffusion.spacing import ltx_video
from diffusion.values import Latent
from nodes import schedules
from tests.diffusion.toy import NOISE, toy_model

MODEL = toy_model()


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("denoise", [1.0, 0.4, 0.0])
def test_a_basic_schedule_is_what_ksampler_runs(name, denoise):
    assert schedules.basic_scheduler(MODEL, name, 5, denoise) == last_part(SCHEDULES[name], 5, NOISE, denoise)


def test_a_basic_schedule_leaves_out_the_first_steps_where_ksampler_would_run_more_than_asked_for():
    longer = last_part(SCHEDULES["ddim_uniform"], 30, NOISE, 1.0)
    assert len(longer) == 32
    assert schedules.basic_scheduler(MODEL, "ddim_uniform", 30, 1.0) == longer[1:]


def test_the_default_range_is_that_of_stable_diffusion():
    assert schedules.karras_scheduler(8) == pytest.approx(karras(8, NOISE), rel=1e-4)


@pytest.mark.parametrize(
    "sigmas",
    [
        schedules.exponential_scheduler(5),
        schedules.polyexponential_scheduler(5),
        schedules.vp_scheduler(5),
        schedules.beta_sampling_scheduler(MODEL, 5),
        schedules.sd_turbo_scheduler(MODEL, 5),
        schedules.align_your_steps_scheduler("SDXL", 5),
        schedules.flux2_scheduler(5),
        schedules.ltxv_scheduler(5),
    ],
)
def test_five_steps_are_five_falling_levels_and_zero(sigmas):
    assert len(sigmas) == 6
    assert list(sigmas) == sorted(set(sigmas), reverse=True)
    assert sigmas[-1] == 0


def test_laplace_has_no_zero_at_its_end():
    assert len(schedules.laplace_scheduler(5)) == 5
    assert schedules.laplace_scheduler(5)[-1] > 0


def test_the_shape_of_a_beta_distribution_can_be_set():
    assert schedules.beta_sampling_scheduler(MODEL, 5, 1.0, 2.0) == beta_times(5, NOISE, 1.0, 2.0)


def test_the_schedule_of_a_video_counts_the_cells_of_its_latent():
    video = Latent(torch.zeros(1, 128, 4, 8, 10))
    assert schedules.ltxv_scheduler(5, latent=video) == ltx_video(5, 320, 2.05, 0.95, 0.1)
    assert schedules.ltxv_scheduler(5, stretch=False) == ltx_video(5, 4096, 2.05, 0.95)
