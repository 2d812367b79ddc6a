import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from diffusion.guidance import PLAIN, Guess, Guidance, cfg, dual, perpendicular, projected

X = torch.ones(1, 4, 2, 2)
scales = st.floats(0, 20)


def predict(x, sigma, descriptions):
    return [x * description for description in descriptions]


def random(seed=0):
    return torch.randn(3, 4, 8, 8, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def guess(scale=5.0, sigma=2.0):
    return Guess(random(0), sigma, random(1), random(2), scale)


def test_guidance_goes_from_the_unwanted_through_the_wanted():
    assert torch.equal(cfg(7.5)(predict, (2.0, 1.0))(X, 1.0).denoised, X * 8.5)


def test_at_scale_one_the_unwanted_is_not_even_asked():
    asked = []
    cfg(1.0)(lambda x, sigma, lists: asked.append(lists) or [x], ("yes", "no"))(X, 1.0)
    assert asked == [("yes",)]


@pytest.mark.parametrize("wants", [{"unguided": True}, {"guidance": Guidance(always=True)}])
def test_at_scale_one_the_unwanted_is_asked_where_the_sampler_or_the_model_wants_it(wants):
    answers = cfg(1.0)(predict, (2.0, 1.0), **wants)(X, 1.0)
    assert torch.equal(answers.denoised, 2 * X)
    assert torch.equal(answers.unguided, X)


def test_both_are_asked_at_once():
    asked = []
    cfg(8.0)(lambda x, sigma, lists: asked.append(lists) or [x, x], ("yes", "no"))(X, 1.0)
    assert asked == [("yes", "no")]


def test_with_one_description_there_is_nothing_to_be_guided_away_from():
    answers = cfg(9.0)(predict, (2.0,))(X, 1.0)
    assert torch.equal(answers.denoised, 2 * X)
    assert torch.equal(answers.unguided, 2 * X)


def test_a_models_changes_come_before_and_after_in_the_order_they_were_added():
    seen = []
    guidance = PLAIN.and_before(lambda guess: seen.append("before") or guess)
    guidance = guidance.and_after(lambda guess, denoised: seen.append("after") or denoised + 1)
    guidance = guidance.and_after(lambda guess, denoised: denoised * 2)
    assert torch.equal(cfg(3.0)(predict, (2.0, 1.0), guidance)(X, 1.0).denoised, 10 * X)
    assert seen == ["before", "after"]


@pytest.mark.parametrize(
    ("guide", "lists"), [(cfg(3.0), 2), (dual(3.0, 2.0), 3), (perpendicular(3.0, 1.0), 3)]
)
def test_what_guidance_asks_for_besides_stands_behind_what_is_wanted_and_what_is_not(guide, lists):
    seen = []
    guidance = Guidance(others=(None,), after=(lambda guess, denoised: seen.append(guess) or denoised,))
    plain = guide(predict, (3.0, 2.0, 1.0)[:lists])(X, 1.0)
    both = guide(predict, (*(3.0, 2.0, 1.0)[:lists], 9.0), guidance)(X, 1.0)
    assert torch.equal(both.denoised, plain.denoised) and torch.equal(both.unguided, plain.unguided)
    assert [each.mean().item() for each in seen[0].others] == [9.0]


def test_with_nothing_unwanted_nothing_is_asked_besides():
    guidance = Guidance(others=(None,), combine=lambda guess: pytest.fail(), always=True)
    assert torch.equal(cfg(3.0)(predict, (2.0, 9.0), guidance)(X, 1.0).denoised, 2 * X)


def test_guidance_can_ask_once_more_about_either_description():
    def hooked(x, sigma, lists, hook=None):
        return [x * each + (hook or 0) for each in lists]

    answers = []
    guidance = PLAIN.and_after(
        lambda guess, denoised: (
            answers.extend([guess.ask(X * 5, 1), guess.ask(X * 5, unwanted=True)]) or denoised
        )
    )
    cfg(3.0)(hooked, (3.0, 2.0), guidance)(X, 1.0)
    assert torch.equal(answers[0], X * 15 + 1) and torch.equal(answers[1], X * 10)


@given(scales, scales)
def test_dual_guidance_with_two_equal_wishes_is_guidance_with_one(scale, scale_negative):
    both = dual(scale, scale_negative)(predict, (2.0, 2.0, 1.0))(X, 1.0).denoised
    assert torch.allclose(both, cfg(scale_negative)(predict, (2.0, 1.0))(X, 1.0).denoised)


@given(scales, scales)
def test_nested_dual_guidance_is_guidance_towards_guidance(scale, scale_negative):
    nested = dual(scale, scale_negative, nested=True)(predict, (3.0, 2.0, 1.0))(X, 1.0).denoised
    inner = 2 + (3 - 2) * scale
    assert torch.allclose(nested, X * (1 + scale_negative * (inner - 1)), rtol=1e-4)


def test_dual_guidance_adds_what_the_first_wish_has_beyond_the_second():
    assert torch.allclose(dual(4.0, 2.0)(predict, (3.0, 2.0, 1.0))(X, 1.0).denoised, X * (1 + 2 + 4))


def answers_of(*tensors):
    return lambda x, sigma, lists: [tensors[each] for each in lists]


def test_a_negative_prompt_that_says_the_same_as_the_positive_one_is_ignored_by_perpendicular_guidance():
    asked = answers_of(random(1), random(2), random(1))
    result = perpendicular(7.0, 1.0)(asked, (0, 1, 2))(random(0), 1.0).denoised
    assert torch.allclose(result, random(2) + 7 * (random(1) - random(2)))


def test_perpendicular_guidance_does_not_change_how_far_one_goes_towards_the_wanted():
    asked = answers_of(random(1), random(2), random(3))
    moved = perpendicular(7.0, 1.0)(asked, (0, 1, 2))(random(0), 1.0).denoised - random(2)
    towards = random(1) - random(2)
    assert torch.allclose(projected(moved, towards), 7 * towards)
