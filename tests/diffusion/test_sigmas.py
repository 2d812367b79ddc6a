import pytest
from hypothesis import given
from hypothesis import strategies as st

from diffusion import sigmas as schedule
from diffusion.errors import DiffusionError
from diffusion.noise_range import linear_betas
from diffusion.schedules import karras

NOISE = linear_betas()
TEN = karras(10, NOISE)
schedules = st.integers(1, 30).map(lambda steps: karras(steps, NOISE))


@given(schedules, st.integers(0, 40))
def test_two_parts_share_the_level_they_meet_at_and_make_up_the_whole(sigmas, step):
    high, low = schedule.split(sigmas, step)
    assert high + low[1:] == sigmas
    assert low == () or high[-1] == low[0]


@given(schedules, st.floats(0, 1))
def test_a_split_by_denoise_gives_the_second_part_its_share_of_the_steps(sigmas, denoise):
    high, low = schedule.split_denoise(sigmas, denoise)
    kept = round((len(sigmas) - 1) * denoise)
    assert len(low) - 1 == kept
    assert high + low[1:] == (sigmas if kept else ())


def test_with_no_step_in_the_second_part_no_part_has_any():
    assert schedule.split_denoise(TEN, 0.0) == ((), (0.0,))


@given(schedules)
def test_a_schedule_turned_round_twice_is_itself_but_for_its_zero(sigmas):
    turned = schedule.flipped(sigmas)
    assert turned[0] == pytest.approx(0.0001)
    assert schedule.flipped(turned)[:-1] == sigmas[:-1]


def test_a_schedule_that_does_not_end_in_zero_is_turned_round_as_it_is():
    assert schedule.flipped((3.0, 1.0)) == (1.0, 3.0)
    assert schedule.flipped(()) == ()


def test_only_the_first_level_is_replaced():
    assert schedule.with_first(TEN, 136.5) == (136.5, *TEN[1:])


@given(schedules, st.integers(1, 6), st.sampled_from(tuple(schedule.SPACINGS)))
def test_a_refined_schedule_keeps_the_old_levels_and_still_falls(sigmas, steps, spacing):
    fine = schedule.refined(sigmas, steps, -1.0, 0.0, spacing)
    assert fine[::steps] == sigmas
    assert list(fine) == sorted(fine, reverse=True)


def test_only_steps_from_within_the_limits_are_refined():
    assert schedule.refined((8.0, 4.0, 2.0, 0.0), 2, 5.0, 3.0, "linear") == (8.0, 4.0, 3.0, 2.0, 0.0)


def test_cosine_takes_the_longer_part_of_a_step_first_and_sine_last():
    middle = {name: schedule.refined((4.0, 0.0), 2, -1.0, 0.0, name)[1] for name in schedule.SPACINGS}
    assert middle["cosine"] < middle["linear"] < middle["sine"]


@pytest.mark.parametrize(
    ("text", "levels"),
    [("1, 0.5", (1.0, 0.5)), ("14.6 3\n.5;0", (14.6, 3.0, 0.5, 0.0)), ("[1e1]", (10.0,)), ("", ())],
)
def test_a_schedule_can_be_written_by_hand(text, levels):
    assert schedule.written(text) == pytest.approx(levels)


def test_a_level_below_zero_is_refused_in_a_sentence():
    with pytest.raises(DiffusionError, match=r"-0\.5 is no noise level"):
        schedule.written("1, -0.5")


@given(schedules)
def test_numbers_that_are_written_down_are_read_back(sigmas):
    assert schedule.written(", ".join(map(repr, sigmas))) == sigmas
