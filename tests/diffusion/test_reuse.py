from dataclasses import replace

import pytest
import torch

from diffusion.guidance import cfg
from diffusion.noise import RunNoise
from diffusion.prediction import EPSILON
from diffusion.reuse import Reuse, carried_on
from diffusion.sample import Guider, Job, sample
from diffusion.samplers import SAMPLERS
from diffusion.schedules import karras
from diffusion.values import Latent
from tests.diffusion.toy import NOISE, says, toy_model

EVERYWHERE = {"start": 0.0, "end": 1.0}


def run(model, steps=20, sampler="euler"):
    guider = Guider(model, (says(1.5),), (says(-1),), cfg(3.0))
    latent = Latent(torch.zeros(1, 4, 8, 8))
    job = Job(guider, latent, karras(steps, NOISE), SAMPLERS[sampler], RunNoise(2))
    return sample(job, lambda *_, **__: None).samples


@pytest.fixture
def model():
    return toy_model()


def forwards(model) -> int:
    return len(model.network.module.shapes)


@pytest.mark.parametrize("guided", [False, True])
def test_at_threshold_0_the_picture_is_the_same_and_nothing_is_spared(model, guided):
    assert torch.equal(run(replace(model, reuse=Reuse(0.0, guided=guided))), run(model))
    assert forwards(model) == 2 * 20


@pytest.mark.parametrize("guided", [False, True])
def test_a_higher_threshold_spares_more_and_stays_near_the_picture(model, guided):
    plain = run(model)
    spared = [20 - steps(model, reuse) for reuse in (Reuse(0.1, guided=guided), Reuse(0.4, guided=guided))]
    assert 0 < spared[0] < spared[1] < 18
    near = run(replace(model, reuse=Reuse(0.1, guided=guided)))
    assert 0 < float((near - plain).abs().mean()) < 0.05 * float(plain.abs().mean())


def steps(model, reuse) -> int:
    before = forwards(model)
    run(replace(model, reuse=reuse))
    return forwards(model) - before


def test_outside_its_part_of_the_sampling_every_answer_is_asked_for(model):
    assert steps(model, Reuse(3.0, 1.0, 1.0)) == steps(model, Reuse(3.0, 0.0, 0.0)) == 20
    whole = steps(model, Reuse(3.0, 0.0, 1.0))
    assert whole < steps(model, Reuse(3.0, 0.5, 1.0)) < 20 and whole < steps(model, Reuse(3.0, 0.0, 0.5)) < 20


def test_each_run_begins_anew(model):
    changed = replace(model, reuse=Reuse(0.3))
    assert torch.equal(run(changed), run(changed))


@pytest.mark.parametrize("guided", [False, True])
def test_a_sampler_that_asks_for_the_unguided_is_answered_both(model, guided):
    assert run(replace(model, reuse=Reuse(0.2, guided=guided)), sampler="euler_cfg_pp").isfinite().all()


def test_a_network_whose_answer_is_its_input_is_carried_on_exactly():
    asked = []

    def answer(x, sigma):  # the noise-like answer is the input of the network and 2 more
        asked.append(sigma)
        return [x - sigma * (EPSILON.scale_input(x, sigma) + 2)]

    carried = carried_on(Reuse(3.0), answer, EPSILON, NOISE)
    for sigma in (3.0, 2.0, 1.0, 0.5):
        x = torch.full((1, 4, 2, 2), sigma * 2)
        expected = x - sigma * (EPSILON.scale_input(x, sigma) + 2)
        assert torch.allclose(carried(x, sigma)[0], expected, atol=1e-5)
    assert asked == [3.0, 2.0]


@pytest.mark.parametrize(("factor", "forwards"), [(1.001, 2), (0.999, 3)])
def test_an_answer_is_carried_on_until_it_must_have_changed_by_the_threshold(factor, forwards):
    asked = []

    def answer(x, sigma):  # the noise-like answer changes by half of what the input changes
        asked.append(sigma)
        return [x - sigma * (3 + EPSILON.scale_input(x, sigma) / 2)]

    # At 6 the answer is 6, too; carried on, it is 5 at 5.
    carried = carried_on(Reuse(factor * (0.5 / 6 + 0.5 / 5)), answer, EPSILON, NOISE)
    for y in (8.0, 6.0, 5.0, 4.0):
        carried(torch.full((1, 4, 2, 2), y) / EPSILON.scale_input(torch.ones(1), 2.0), 2.0)
    assert len(asked) == forwards


def test_a_network_that_answers_nothing_is_asked_again():
    carried = carried_on(Reuse(3.0), lambda x, sigma: [x], EPSILON, NOISE)
    for sigma in (3.0, 2.0, 1.0):
        assert torch.equal(carried(torch.ones(1, 4, 2, 2), sigma)[0], torch.ones(1, 4, 2, 2))


def test_the_log_tells_what_was_spared_where_that_is_wished(model, caplog):
    with caplog.at_level("INFO"):
        run(replace(model, reuse=Reuse(0.4)))
        assert not caplog.records
        run(replace(model, reuse=Reuse(0.4, told=True)))
    assert "no forward at noise level" in caplog.text
