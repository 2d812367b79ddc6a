from dataclasses import dataclass, field, replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from diffusion.batching import Network
from diffusion.errors import FamilyMismatch
from diffusion.guidance import cfg
from diffusion.keyframes import Keyframe, Keyframes
from diffusion.lora import with_lora
from diffusion.noise import RunNoise
from diffusion.regions import placed
from diffusion.sample import Guider, Job, prepare, sample
from diffusion.schedules import between, normal
from diffusion.values import Conditioning, Latent, Prompt
from diffusion.weight_hooks import WeightHook, hook_patches
from tests import tiny
from tests.diffusion.toy import NOISE, latent

SIGMAS = normal(3, NOISE)
SIGMA = SIGMAS[1]
X = latent(1, 16, 16).samples
LEFT = (16, 8, 0, 0)
NAME = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q.weight"


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """A library on small models."""
    return tiny.library(tiny.models(tmp_path_factory.mktemp("models")))


@pytest.fixture(scope="module")
def model(library):
    return library.checkpoint(tiny.CHECKPOINT).model


@pytest.fixture(scope="module")
def hook(library):
    return WeightHook(library.lora(tiny.LORA))


@pytest.fixture(scope="module")
def changed(library, model):
    """The model with the LoRA, as Load LoRA gives it."""
    return with_lora(model, None, library.lora(tiny.LORA)).model


@dataclass(eq=False)
class Counted:
    """The source of hooks that add their strength to one weight; remembers each time one does."""

    name: str = "counted"
    added: list[float] = field(default_factory=list)

    def on(self, network, tower):
        return lambda strength: Plus(self, strength)


@dataclass(eq=False)
class Plus:
    source: Counted
    strength: float

    def names(self):
        return [NAME]

    def applied(self, name, weight):
        self.source.added.append(self.strength)
        return weight + self.strength


def says(seed, *hooks, **changes):
    tokens = torch.randn(1, 77, tiny.WIDTH, generator=torch.Generator().manual_seed(seed))
    return Prompt(tokens, family="sd15", hooks=hooks, **changes)


def of(*prompts):
    return Conditioning(prompts)


def faded(hook, *frames):
    return replace(hook, keyframes=Keyframes().and_also(*(Keyframe(*frame) for frame in frames)))


def run(model, wanted, unwanted, sigmas=SIGMAS, start=None, adds_noise=True):
    guider = Guider(model, (wanted,), (unwanted,), cfg(3.0))
    source = start or Latent(torch.zeros(1, 4, 8, 8))
    return sample(Job(guider, source, sigmas, noise=RunNoise(3, not adds_noise)), lambda *_, **__: None)


def answers(model, *conditionings, sigma=SIGMA):
    """What a model sees for each list of prompts."""
    first, *rest = conditionings
    hooks = [hook for each in conditionings for entry in each.entries for hook in entry.hooks]
    patches = hook_patches(hooks, model.network)
    lists = placed([first], rest, model.noise, X)
    return Network(model, hooks=patches).predict(X, sigma, lists)


def test_a_hook_on_every_prompt_is_the_lora_itself(model, hook, changed):
    hooked = run(model, of(says(1, hook)), of(says(2, hook)))
    assert torch.equal(hooked.samples, run(changed, of(says(1)), of(says(2))).samples)
    assert not torch.equal(hooked.samples, run(model, of(says(1)), of(says(2))).samples)


def test_a_hook_without_strength_is_none(model, hook):
    silent = faded(hook, (0.0, 0.0))
    plain = run(model, of(says(1)), of(says(2)))
    assert torch.equal(run(model, of(says(1, silent)), of(says(2, silent))).samples, plain.samples)


def test_a_hook_that_ends_is_the_lora_for_the_first_steps_alone(model, hook, changed):
    middle = next(part / 1000 for part in range(1001) if NOISE.percent_to_sigma(part / 1000) < SIGMAS[1])
    ending = faded(hook, (0.0, 1.0), (middle, 0.0))
    whole = run(model, of(says(1, ending)), of(says(2, ending)))
    first = run(changed, of(says(1)), of(says(2)), between(SIGMAS, 0, 2, leftover=True))
    last = run(model, of(says(1)), of(says(2)), between(SIGMAS, 2, 99), first, adds_noise=False)
    assert torch.allclose(whole.samples, last.samples, atol=1e-4)


def test_a_keyframe_acts_from_the_very_level_it_stands_at(model, hook, changed):
    level = NOISE.percent_to_sigma(0.5)
    late = faded(hook, (0.0, 0.0), (0.5, 1.0))
    for sigma, asked in ((level, changed), (level * 1.001, model)):
        (answer,) = answers(model, of(says(1, late)), sigma=sigma)
        assert torch.equal(answer, answers(asked, of(says(1)), sigma=sigma)[0])


def test_a_hook_changes_the_answer_to_its_own_prompt_alone(model, hook, changed):
    wanted, unwanted = answers(model, of(says(1, hook)), of(says(2)))
    assert torch.allclose(wanted, answers(changed, of(says(1)))[0], atol=1e-6)
    assert torch.allclose(unwanted, answers(model, of(says(2)))[0], atol=1e-6)


def test_a_hook_on_a_masked_prompt_leaves_the_rest_as_it_was(model, hook):
    mask = torch.zeros(1, 16, 16)
    mask[..., :4] = 1
    hooked, plain = (
        answers(model, of(says(1), says(2, *hooks, mask=mask)), of(says(3))) for hooks in ((hook,), ())
    )
    assert torch.allclose(hooked[0][..., 4:], plain[0][..., 4:], atol=1e-6)
    assert not torch.allclose(hooked[0][..., :4], plain[0][..., :4], atol=1e-3)
    assert torch.allclose(hooked[1], plain[1], atol=1e-6)


@pytest.mark.slow
@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(0, 3), st.booleans()), min_size=1, max_size=4),
    st.booleans(),
)
def test_prompts_are_averaged_whatever_hooks_they_have(model, hook, picks, starts_patched):
    kinds = [(), (hook,), (replace(hook, strength_model=0.5),), (hook, hook)]
    prompts = [says(seed, *kinds[kind], area=LEFT if part else None) for seed, kind, part in picks]
    if starts_patched:
        answers(model, of(says(1, hook)))
    whole = [each for each in prompts if each.area is None]
    alone = [answers(model, of(each))[0] for each in whole] or [X * 0]
    expected = torch.stack(alone).mean(0)[..., 8:]
    assert torch.allclose(answers(model, of(*prompts))[0][..., 8:], expected, atol=1e-5)


def test_hooks_with_the_same_strength_share_a_forward(model, hook):
    shapes = []

    def noted(_module, inputs, _output):
        shapes.append(len(inputs[0]))

    with model.network.resident() as module:
        handle = module.register_forward_hook(noted)
    try:
        answers(
            model, of(says(1, hook), says(2), says(3, replace(hook))), of(says(4, faded(hook, (0.3, 1.0))))
        )
    finally:
        handle.remove()
    assert sorted(shapes) == [1, 3]


def test_what_a_strength_makes_of_the_weights_is_worked_out_once(model):
    source = Counted()
    hooked = WeightHook(source)
    run(model, of(says(1, hooked)), of(says(2)))
    assert source.added == [1.0]
    source.added.clear()
    fading = faded(hooked, (0.0, 2.0), (0.5, 3.0))
    run(model, of(says(1, fading)), of(says(2, fading)))
    assert source.added == [2.0, 3.0]


def test_where_memory_is_short_weights_change_once_a_step(model):
    small = tiny.library(model.network.file.path.parents[1], "offload").checkpoint(tiny.CHECKPOINT).model
    source = Counted()
    run(small, of(says(1, WeightHook(source))), of(says(2)), normal(4, NOISE))
    assert source.added == [1.0, 1.0]


def test_after_a_run_the_model_has_the_weights_of_its_file(model, hook):
    with model.network.resident() as module:
        before = {name: weight.clone() for name, weight in module.named_parameters()}
    run(model, of(says(1, hook)), of(says(2)))
    with model.network.resident() as module:
        assert all(torch.equal(weight, before[name]) for name, weight in module.named_parameters())


def test_a_mirrored_area_is_asked_with_the_hooks_of_the_area(model, hook, changed):
    lists = placed([of(says(1), says(2, hook, area=LEFT))], [of(says(3))], NOISE, X)
    assert [[region.prompt.hooks for region in regions] for regions in lists] == [[(), (hook,)]] * 2
    own, mirrored = lists[1]
    assert torch.equal(mirrored.prompt.tokens, own.prompt.tokens)


def test_a_hook_that_does_not_fit_is_told_before_the_first_step(model):
    class Nowhere(Counted):
        def on(self, network, tower):
            return None

    guider = Guider(model, (of(says(1, WeightHook(Nowhere("far.safetensors")))),), ())
    with pytest.raises(FamilyMismatch, match=r"far.safetensors does not fit Stable Diffusion 1"):
        prepare(Job(guider, Latent(torch.zeros(1, 4, 8, 8)), SIGMAS))


PARTS = ((0.0, 0.25), (0.25, 0.5), (0.5, 1.0))


def scheduled(seed, **changes):
    """A prompt that was encoded for each part of the sampling."""
    return [
        says(seed + place, text_start=part[0], text_end=part[1], **changes)
        for place, part in enumerate(PARTS)
    ]


@settings(max_examples=10)
@given(
    st.one_of(
        st.sampled_from([NOISE.percent_to_sigma(end) for _, end in PARTS]), st.sampled_from(NOISE.sigmas)
    )
)
def test_of_a_scheduled_prompt_one_text_acts_at_a_time(sigma):
    lists = placed([of(*scheduled(1))], [of(*scheduled(5, area=LEFT), says(9))], NOISE, X)
    acting = [[each for each in regions if each.last <= sigma <= each.first] for regions in lists]
    assert [[each.area is None for each in regions] for regions in acting] == [[True, False], [False, True]]
    part = next(
        place for place, (_, end) in enumerate(PARTS) if sigma > NOISE.percent_to_sigma(end) or end == 1
    )
    assert all(torch.equal(each.prompt.tokens, says(1 + part).tokens) for each in acting[0])
    assert torch.equal(acting[1][0].prompt.tokens, says(5 + part).tokens)


def test_a_scheduled_prompt_keeps_to_its_own_part_of_the_sampling_too():
    (regions,) = placed([of(*scheduled(1, start=0.3, end=0.4))], [], NOISE, X)
    at = NOISE.percent_to_sigma(0.35)
    assert [each.last <= at <= each.first for each in regions] == [False, True, False]
    for before_or_after in (0.27, 0.45):
        level = NOISE.percent_to_sigma(before_or_after)
        assert not any(each.last <= level <= each.first for each in regions)
