from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from diffusion.encode import encode
from diffusion.errors import FamilyMismatch
from diffusion.library import ModelLibrary
from diffusion.memory import Memory
from diffusion.samplers import SAMPLERS
from diffusion.schedules import SCHEDULES
from diffusion.values import Latent
from graph.define import spec_of
from nodes.sampling import ksampler, ksampler_advanced
from tests.diffusion.toy import latent, says, toy_model

CHECKPOINTS = Path(__file__).resolve().parents[2] / "models" / "checkpoints"
EMPTY = Latent(torch.zeros(1, 4, 8, 8))
FIELD = (
    " euler euler_cfg_pp euler_ancestral euler_ancestral_cfg_pp heun heunpp2 exp_heun_2_x0 "
    "exp_heun_2_x0_sde dpm_2 dpm_2_ancestral lms dpm_fast dpm_adaptive dpmpp_2s_ancestral "
    "dpmpp_2s_ancestral_cfg_pp dpmpp_sde dpmpp_sde_gpu dpmpp_2m dpmpp_2m_cfg_pp dpmpp_2m_sde "
    "dpmpp_2m_sde_gpu dpmpp_2m_sde_heun dpmpp_2m_sde_heun_gpu dpmpp_3m_sde dpmpp_3m_sde_gpu ddpm lcm "
    "ipndm ipndm_v deis res_multistep res_multistep_cfg_pp res_multistep_ancestral "
    "res_multistep_ancestral_cfg_pp gradient_estimation gradient_estimation_cfg_pp er_sde seeds_2 seeds_3 "
    "sa_solver sa_solver_pece ddim uni_pc uni_pc_bh2 "
)


def run(node=ksampler, source=EMPTY, **settings):
    return node(
        toy_model(), says(1), says(0), source, **({"steps": 6, "cfg": 2.0, "seed": 5} | settings)
    ).samples


def advanced(source=EMPTY, **settings):
    settings = {"steps": 6, "cfg": 2.0, "noise_seed": 5} | settings
    return ksampler_advanced(toy_model(), says(1), says(0), source, **settings)


def test_every_step_is_reported():
    seen = []
    run(steps=5, progress=lambda done, total, preview=None: preview and seen.append((done, total)))
    assert seen == [(step, 5) for step in range(1, 6)]


SOME = {(sampler, "karras") for sampler in SAMPLERS} | {("dpmpp_sde", scheduler) for scheduler in SCHEDULES}


@pytest.mark.parametrize(("sampler", "scheduler"), sorted(SOME))
def test_samplers_go_with_schedules(sampler, scheduler):
    made = run(sampler_name=sampler, scheduler=scheduler, steps=3)
    assert made.isfinite().all()
    assert float(made.std()) > 0.01
    assert torch.equal(made, run(sampler_name=sampler, scheduler=scheduler, steps=3))


@pytest.fixture(scope="module")
def bundled():
    library = ModelLibrary({"checkpoints": [CHECKPOINTS]}, Memory("cpu", precision="float32"))
    model, text, _ = library.checkpoint("photogram.safetensors")
    return model, encode(text, "a red apple"), encode(text, "")


@pytest.mark.slow
@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("scheduler", SCHEDULES)
def test_every_sampler_goes_with_every_schedule_on_the_model_that_comes_along(bundled, sampler, scheduler):
    def made():
        settings = {"sampler_name": sampler, "scheduler": scheduler, "steps": 5, "cfg": 2.0, "seed": 5}
        with torch.inference_mode():
            return ksampler(*bundled, EMPTY, **settings).samples

    one, same = made(), made()
    assert one.isfinite().all()
    assert float(one.std()) > 0.1
    assert torch.equal(one, same)


def test_samplers_and_schedules_are_offered_in_the_order_of_the_field():
    assert " ".join(SAMPLERS) == FIELD.strip()
    assert " ".join(SCHEDULES) == (
        "simple sgm_uniform karras exponential ddim_uniform beta normal linear_quadratic kl_optimal"
    )


def test_a_name_that_nobody_knows_is_taken_for_the_first_of_its_list():
    strange = {"sampler_name": "euler_of_a_pack", "scheduler": "turbo_of_a_pack"}
    assert torch.equal(run(**strange), run(sampler_name="euler", scheduler="simple"))
    assert torch.equal(advanced(**strange).samples, run(sampler_name="euler", scheduler="simple"))


def test_denoise_zero_gives_the_latent_back():
    source = latent()
    assert ksampler(toy_model(), says(1), says(0), source, denoise=0.0) is source


@settings(max_examples=10, deadline=None)
@given(low=st.floats(0.1, 0.4), high=st.floats(0.6, 0.9))
def test_less_denoise_keeps_more_of_the_picture(low, high):
    source = latent()
    moved = [float((run(source=source, denoise=part) - source.samples).abs().mean()) for part in (low, high)]
    assert moved[0] < moved[1]


def test_the_two_samplers_agree_on_a_whole_run():
    assert torch.equal(advanced().samples, run())


@pytest.mark.parametrize("middle", [1, 3, 5])
def test_two_samplers_can_share_a_schedule(middle):
    noisy = advanced(end_at_step=middle, return_with_leftover_noise="enable")
    finished = advanced(noisy, start_at_step=middle, add_noise="disable")
    assert torch.allclose(finished.samples, run(), atol=1e-5)


def test_without_leftover_noise_an_early_end_is_still_a_clean_picture():
    noisy = advanced(end_at_step=2, return_with_leftover_noise="enable").samples
    assert float(advanced(end_at_step=2).samples.std()) < float(noisy.std())


def test_a_start_beyond_the_end_gives_the_latent_back():
    assert advanced(source := latent(), start_at_step=6) is source


def test_a_prompt_of_another_family_is_refused_even_if_nothing_would_run():
    foreign = says(0).each(lambda entry: type(entry)(entry.tokens, family="sdxl"))
    with pytest.raises(FamilyMismatch):
        ksampler(toy_model(), says(1), foreign, EMPTY, denoise=0.0)


def test_widgets_stand_in_the_order_in_which_saved_workflows_hold_them():
    assert [each.name for each in spec_of(ksampler).inputs if each.widget] == [
        "seed", "steps", "cfg", "sampler_name", "scheduler", "denoise",
    ]  # fmt: skip
