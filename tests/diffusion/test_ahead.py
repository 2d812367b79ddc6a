from dataclasses import dataclass, replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bench.waiting import waits_of
from diffusion.ahead import Asked, computed, sent
from diffusion.correction import away_from_blurred, away_from_perturbed
from diffusion.fewer_tokens import HyperTile, TokenMerging
from diffusion.guidance import cfg
from diffusion.hooks import FreeU, Shrink
from diffusion.library import ModelLibrary
from diffusion.memory import Memory
from diffusion.sample import Guider, Job
from diffusion.samplers import SAMPLERS
from diffusion.samplers.step import Step
from diffusion.schedules import normal
from diffusion.values import Conditioning, Latent, Prompt
from tests import tiny

SIDE = 16


@dataclass
class Device:
    """Computes one thing at a time, when somebody lets it or waits for it."""

    asked: int = 0
    done: int = 0

    def ask(self, step):
        self.asked += 1
        return Asked(step, step.x.isfinite().all(), Place(self, self.asked))


@dataclass
class Place:
    device: Device
    number: int

    def query(self):
        return self.device.done >= self.number

    def synchronize(self):
        self.device.done = max(self.device.done, self.number)


@given(st.lists(st.integers(0, 3)), st.integers(0, 4))
def test_steps_come_in_order_when_they_are_computed_and_few_are_asked_for_ahead(finished_meanwhile, most):
    device = Device()

    def steps():
        for number, finished in enumerate(finished_meanwhile):
            assert device.asked == number
            yield Step(torch.tensor(float(number)), torch.zeros(1))
            device.done = min(device.asked, device.done + finished)

    seen = []
    for step, is_sound in computed(steps(), device.ask, most):
        seen.append(step.x.item())
        assert is_sound
        assert device.done >= len(seen) >= device.asked - most
    assert seen == list(range(len(finished_meanwhile)))


@given(st.lists(st.sampled_from([0.0, torch.nan, torch.inf])))
def test_a_step_that_is_not_made_of_numbers_is_told(values):
    steps = [Step(torch.tensor([1.0, value]), torch.zeros(2)) for value in values]
    assert [is_sound for _, is_sound in computed(steps)] == [value == 0 for value in values]


def test_what_is_sent_to_where_it_is_stays_what_it_is():
    values = torch.rand(3)
    assert sent(values, values.device) is values
    assert sent(values, values.device, torch.float64).dtype == torch.float64


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """Models that compute nothing: on a device without memory."""
    folder = tiny.models(tmp_path_factory.mktemp("models"))
    kinds = {each.name: [each] for each in folder.iterdir()}
    return ModelLibrary(kinds, Memory("meta", precision="float32"))


@pytest.fixture
def job(library):
    model = library.checkpoint(tiny.CHECKPOINT).model
    wanted, unwanted = (Conditioning((prompt(),)) for _ in range(2))
    guider = Guider(model, (wanted,), (unwanted,), cfg(4.0))
    return Job(guider, Latent(torch.zeros(1, 4, SIDE, SIDE)), normal(4, model.noise))


def prompt(**changes):
    return Prompt(torch.zeros(1, 77, tiny.WIDTH), family="sd15", **changes)


def on(job, **changes):
    """The run with another model, other prompts or another guidance."""
    return replace(job, guider=replace(job.guider, **changes))


@pytest.mark.parametrize("sampler", ["euler", pytest.param(SAMPLERS, marks=pytest.mark.slow)], ids=str)
def test_no_sampler_waits_for_the_device_but_the_one_whose_errors_decide_the_next_step(job, sampler):
    for name in [sampler] if isinstance(sampler, str) else sampler:
        _, waits = waits_of(replace(job, sampler=SAMPLERS[name]))
        assert not waits or name == "dpm_adaptive", (name, waits)


@pytest.mark.slow
def test_a_wait_would_be_noticed(job):
    steps, waits = waits_of(replace(job, sampler=SAMPLERS["dpm_adaptive"]))
    assert waits.total() == steps


@pytest.mark.slow
@pytest.mark.parametrize(
    "hook",
    [
        TokenMerging(0.5),
        HyperTile(64, 1, 0, False),
        FreeU({4: (1.1, 0.9), 2: (1.2, 0.5)}, adaptive=True),
        Shrink(1, 2.0, 100.0, 0.0, True, "bicubic", "bicubic"),
    ],
    ids=lambda hook: type(hook).__name__,
)
def test_a_change_to_the_network_waits_for_nothing(job, hook):
    _, waits = waits_of(on(job, model=job.model.with_hook(hook)))
    assert not waits


@pytest.mark.slow
@pytest.mark.parametrize("finish", [away_from_perturbed(2.0), away_from_blurred(0.5, 2.0)])
def test_a_guidance_that_looks_into_the_network_waits_for_nothing(job, finish):
    model = replace(job.model, guidance=job.model.guidance.and_after(finish, always=True))
    _, waits = waits_of(on(job, model=model))
    assert not waits


@pytest.mark.slow
def test_masks_areas_and_pictures_that_prompts_bring_wait_for_nothing(job, library):
    half = prompt(area=(SIDE, SIDE // 2, 0, 0), mask=torch.ones(1, SIDE, SIDE))
    picture = torch.zeros(1, 4, SIDE, SIDE)
    control = library.controlnet(tiny.CONTROLNET).control(torch.zeros(1, 8 * SIDE, 8 * SIDE, 3), 1.0)
    wanted = Conditioning((half, prompt(controls=(control,), concat_latent=picture, concat_mask=half.mask)))
    for name in (tiny.CHECKPOINT, tiny.INPAINTING):
        painted = replace(job.latent, noise_mask=torch.ones(1, 1, SIDE, SIDE))
        model = library.checkpoint(name).model
        _, waits = waits_of(replace(on(job, model=model, wanted=(wanted,)), latent=painted))
        assert not waits


@pytest.mark.slow
def test_the_sizes_that_sdxl_is_told_wait_for_nothing(job, tmp_path):
    tiny.save_sdxl(tmp_path / "xl.safetensors")
    library = ModelLibrary({"checkpoints": [tmp_path]}, Memory("meta", precision="float32"))
    wanted = Conditioning(
        (Prompt(torch.zeros(1, 77, 2 * tiny.WIDTH), torch.zeros(1, tiny.WIDTH), family="sdxl"),)
    )
    model = library.checkpoint("xl.safetensors").model
    _, waits = waits_of(on(job, model=model, wanted=(wanted,), unwanted=(wanted,)))
    assert not waits
