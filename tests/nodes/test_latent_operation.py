from dataclasses import replace

import pytest
import torch

from diffusion.guidance import cfg
from diffusion.latent_operation import LatentOperation
from diffusion.noise import RunNoise
from diffusion.sample import Guider, Job, sample
from diffusion.schedules import karras
from nodes import latent_operation as nodes
from tests.diffusion.toy import NOISE, latent, says, toy_model

TWICE = LatentOperation(lambda planes: planes * 2)


def run(model, scale, *unwanted):
    job = Job(
        Guider(model, (says(1.5),), unwanted, cfg(scale)), latent(), karras(5, NOISE), noise=RunNoise(2)
    )
    return sample(job, lambda *_, **__: None).samples


def test_an_operation_changes_the_numbers_of_a_latent_alone():
    before = replace(latent(), batch_index=(3,))
    after = nodes.latent_apply_operation(before, TWICE)
    assert torch.equal(after.samples, 2 * before.samples) and after.batch_index == (3,)


def test_doubling_what_the_positive_prompt_has_beyond_the_negative_doubles_cfg():
    model = nodes.latent_apply_operation_cfg(toy_model(), TWICE)
    assert torch.allclose(run(model, 3.0, says(-1)), run(toy_model(), 6.0, says(-1)), atol=1e-4)


def test_without_a_negative_prompt_the_prediction_itself_is_changed():
    model = nodes.latent_apply_operation_cfg(toy_model(), TWICE)
    assert torch.equal(run(model, 1.0), run(model, 1.0, says(-1)))
    assert not torch.allclose(run(model, 1.0), run(toy_model(), 1.0), atol=1e-2)


@pytest.mark.parametrize(
    "operation", [nodes.latent_operation_tonemap_reinhard(), nodes.latent_operation_sharpen(3)]
)
def test_both_operations_can_be_done_at_every_step(operation):
    result = run(nodes.latent_apply_operation_cfg(toy_model(), operation), 1.0)
    assert result.isfinite().all()
    assert not torch.allclose(result, run(toy_model(), 1.0), rtol=1e-3, atol=1e-3)
