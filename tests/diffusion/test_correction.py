import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from diffusion import correction
from diffusion.guidance import PLAIN, Guess, linear, perpendicular, projected, within_image
from diffusion.perturbation import WithoutLayers

scales = st.floats(1.5, 20)


def random(seed=0):
    return torch.randn(3, 4, 8, 8, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def guess(scale=5.0, sigma=2.0, **changes):
    known = {"x": random(0), "wanted": random(1), "unwanted": random(2)}
    return Guess(sigma=sigma, scale=scale, **(known | changes))


def length(values):
    return torch.linalg.vector_norm(values, dim=within_image(values))


def test_rescaled_guidance_without_rescaling_is_plain():
    assert torch.allclose(correction.rescaled(0.0)(guess()), linear(guess()))


def test_rescaled_guidance_is_as_spread_as_the_wanted_velocity():
    at = guess()
    level = (at.sigma**2 + 1) ** 0.5
    velocity = (at.x / level**2 - correction.rescaled(1.0)(at)) * level / at.sigma
    wanted = (at.x / level**2 - at.wanted) * level / at.sigma
    assert torch.allclose(velocity.std((1, 2, 3)), wanted.std((1, 2, 3)))


def test_the_optimised_unwanted_leaves_nothing_of_itself_in_what_the_wanted_differs():
    changed = correction.optimised_scale(guess())
    unwanted, wanted = (changed.x - each for each in (changed.unwanted, changed.wanted))
    assert torch.allclose(((wanted - unwanted) * unwanted).sum((1, 2, 3)), torch.zeros(3).double(), atol=1e-9)


def test_an_unwanted_that_points_where_the_wanted_does_is_optimised_to_be_the_wanted():
    wanted = random(1)
    shorter = random(0) - 0.3 * (random(0) - wanted)
    changed = correction.optimised_scale(guess(wanted=wanted, unwanted=shorter))
    assert torch.allclose(changed.unwanted, wanted)


def test_damping_keeps_an_unwanted_that_points_where_the_wanted_does():
    twice = random(0) - 2 * (random(0) - random(1))
    assert torch.allclose(correction.tangentially_damped(guess(unwanted=twice)).unwanted, twice)


def test_damping_leaves_the_unwanted_with_the_direction_of_the_longest_common_axis():
    at = guess()
    both = torch.stack([(at.x - at.wanted)[0].flatten(), (at.x - at.unwanted)[0].flatten()])
    axis = torch.linalg.svd(both, full_matrices=False).Vh[0]
    damped = (at.x - correction.tangentially_damped(at).unwanted)[0].flatten()
    assert torch.allclose(damped, (both[1] @ axis) * axis)


@given(scales)
def test_a_bounded_result_is_in_no_cell_longer_than_the_wanted(scale):
    at = guess(scale)
    bounded = correction.bounded_by_wanted(1.0)(at, linear(at))
    assert (bounded.norm(dim=1) <= at.wanted.norm(dim=1) + 1e-6).all()
    assert torch.allclose(correction.bounded_by_wanted(0.5)(at, linear(at)), bounded / 2)


@given(scales, st.floats(0.5, 2.0))
def test_renormed_guidance_is_no_longer_than_it_may_be(scale, renorm):
    at = guess(scale)
    guided = at.x - correction.renormed(100.0, renorm)(at)
    assert (length(guided) <= renorm * length(at.x - at.wanted) + 1e-6).all()


def test_renormed_guidance_without_a_limit_is_plain_and_above_its_level_there_is_none():
    assert torch.allclose(correction.renormed(100.0, 0.0)(guess()), linear(guess()))
    assert torch.equal(correction.renormed(2.0, 1.0)(guess(sigma=2.0)), random(1))


def test_projected_guidance_that_keeps_everything_is_plain():
    plain = correction.adaptive_projection(1.0, 0.0, 0.0)(PLAIN).combine
    assert torch.allclose(plain(guess()), linear(guess()))


def test_projected_guidance_without_eta_moves_across_the_wanted_only():
    moved = correction.adaptive_projection(0.0, 0.0, 0.0)(PLAIN).combine(guess()) - random(1)
    assert torch.allclose(projected(moved, random(1)), torch.zeros(3, 4, 8, 8).double(), atol=1e-9)


def test_projected_guidance_is_no_longer_than_its_threshold():
    moved = correction.adaptive_projection(1.0, 2.0, 0.0)(PLAIN).combine(guess(scale=2.0)) - random(1)
    assert torch.allclose(length(moved), torch.full((3,), 2.0).double())


def test_momentum_adds_the_step_before_and_begins_anew_with_every_run():
    guidance = PLAIN.__class__(starts=(correction.adaptive_projection(1.0, 0.0, 0.5),))
    one, other = guidance.begun().combine, guidance.begun().combine
    first, second = one(guess()), one(guess())
    assert torch.allclose(second - random(1), 1.5 * (first - random(1)))
    assert torch.equal(other(guess()), first)


def test_scaled_noise_over_one_changes_nothing():
    assert torch.allclose(correction.scaled_noise(1.0)(guess(), random(3)), random(3))
    seen = random(0) - correction.scaled_noise(2.0)(guess(), random(3))
    assert torch.allclose(seen, (random(0) - random(3)) / 2)


def test_frequencies_with_one_factor_are_scaled_as_a_whole():
    changed = correction.by_frequency(1.5, 1.5, 3)(guess())
    assert torch.allclose(changed.wanted - changed.unwanted, 1.5 * (random(1) - random(2)))


def test_a_change_that_is_the_same_everywhere_is_coarse():
    flat = guess(wanted=torch.full((1, 4, 8, 8), 3.0), unwanted=torch.zeros(1, 4, 8, 8))
    assert torch.allclose(correction.by_frequency(2.0, 9.0, 1)(flat).wanted, torch.full((1, 4, 8, 8), 6.0))


@pytest.mark.parametrize(("back_again", "scales_seen"), [(False, [1, 3, 5]), (True, [1, 5, 1])])
def test_guidance_grows_over_the_frames(back_again, scales_seen):
    at = guess(wanted=torch.ones(3, 4, 8, 8), unwanted=torch.zeros(3, 4, 8, 8))
    assert correction.over_frames(1.0, back_again)(at).mean((1, 2, 3)).tolist() == pytest.approx(scales_seen)


@given(st.floats(0.1, 10), st.floats(0.1, 3), st.floats(0.05, 0.95), st.booleans())
def test_a_rescaled_score_is_right_for_data_with_a_narrower_spread(k, spread, sigma, flow):
    alpha = 1 - sigma if flow else 1.0

    def ideal(variance):
        return (random(0) * alpha * variance + random(1) * sigma**2) / (alpha**2 * variance + sigma**2)

    finish = correction.rescaled_score(k, spread, flow)
    assert torch.allclose(finish(guess(sigma=sigma), ideal(spread**2)), ideal(spread**2 / k))


def test_with_k_of_one_or_in_a_flow_model_s_pure_noise_the_score_stays():
    assert torch.allclose(correction.rescaled_score(1.0, 0.7, False)(guess(), random(3)), random(3))
    assert torch.equal(correction.rescaled_score(2.0, 0.7, True)(guess(sigma=1.0), random(3)), random(3))


@pytest.mark.parametrize(("scale", "blur"), [(0.0, 2.0), (0.5, 0.0)])
def test_without_scale_or_blur_self_attention_guidance_asks_nothing(scale, blur):
    never = correction.away_from_blurred(scale, blur)
    assert torch.equal(never(guess(ask=lambda *_, **__: pytest.fail()), random(3)), random(3))


def test_self_attention_guidance_leads_away_from_what_is_seen_where_it_looks_at_is_blurred():
    asked = []

    def ask(x, hook=None, *, unwanted=False):
        if hook is not None:
            hook.maps.append(torch.tensor([[2.0, 0.0], [0.0, 0.0]]).expand(3, 1, 2, 2))
        asked.append((x, unwanted))
        return x * 0

    at = guess(ask=ask)
    moved = correction.away_from_blurred(0.5, 2.0)(at, random(3)) - random(3)
    hidden = moved / 0.5
    assert [unwanted for _, unwanted in asked] == [True, True]
    assert torch.equal(asked[0][0], at.x) and torch.allclose(asked[1][0], hidden + at.x - at.unwanted)
    assert torch.allclose(hidden[:, :, 4:, 4:], at.unwanted[:, :, 4:, 4:])
    assert hidden[:, :, :4, :4].std() < 0.5 * at.unwanted[:, :, :4, :4].std()


def test_skip_layer_guidance_leads_away_from_what_is_seen_without_layers_and_may_keep_the_spread():
    layers, seen = WithoutLayers((1,)), []

    def ask(x, hook=None, *, unwanted=False):
        seen.append((hook, unwanted))
        return random(4)

    at = guess(ask=ask)
    plain, even, between = (
        correction.away_from_shallow(layers, 2.0, 9.0, 0.0, part)(at, random(3)) for part in (0.0, 1.0, 0.5)
    )
    assert seen == [(layers, False)] * 3
    assert torch.allclose(plain, random(3) + 2 * (at.wanted - random(4)))
    assert torch.allclose(even.std(), at.wanted.std()) and torch.allclose(
        even / even.std(), plain / plain.std()
    )
    assert torch.allclose(between, (plain + even) / 2)


@pytest.mark.parametrize(("scale", "first", "last"), [(0.0, 9.0, 0.0), (2.0, 1.9, 0.0), (2.0, 9.0, 2.1)])
def test_without_scale_or_outside_its_levels_skip_layer_guidance_asks_nothing(scale, first, last):
    never = correction.away_from_shallow(WithoutLayers((1,)), scale, first, last)
    assert torch.equal(never(guess(ask=lambda *_, **__: pytest.fail()), random(3)), random(3))


@pytest.mark.parametrize(("sigma", "asks"), [(2.0, True), (9.5, False), (0.5, False)])
def test_between_two_levels_the_unwanted_alone_is_seen_without_layers(sigma, asks):
    layers, seen = WithoutLayers((1,)), []

    def ask(x, hook=None, *, unwanted=False):
        seen.append((hook, unwanted))
        return random(4)

    at = guess(sigma=sigma, ask=ask)
    changed = correction.unwanted_is_shallow(layers, 9.0, 1.0)(at)
    assert seen == ([(layers, True)] if asks else [])
    assert torch.equal(changed.unwanted, random(4) if asks else at.unwanted)
    assert changed.wanted is at.wanted


def test_perpendicular_guidance_of_a_model_is_that_of_its_guider():
    others = (random(4), random(5))
    combined = correction.perpendicular_to(1, 2.0)(guess(others=others))
    asked = [random(1), random(5), random(2)]
    by_guider = perpendicular(5.0, 2.0)(lambda x, sigma, lists: [asked[each] for each in lists], (0, 1, 2))
    assert torch.allclose(combined, by_guider(random(0), 2.0).denoised)
