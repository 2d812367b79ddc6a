import pytest

from diffusion.schedules import normal
from nodes import sigmas
from tests.diffusion.toy import NOISE, toy_model

FOUR = normal(4, NOISE)


def test_a_schedule_is_split_at_a_step_or_by_a_share():
    assert sigmas.split_sigmas(FOUR, 1) == (FOUR[:2], FOUR[1:])
    assert sigmas.split_sigmas_denoise(FOUR, 0.75).low_sigmas == FOUR[1:]


def test_a_schedule_can_be_turned_started_elsewhere_refined_and_written():
    assert sigmas.flip_sigmas(FOUR)[-1] == FOUR[0]
    assert sigmas.set_first_sigma(FOUR, 20.0)[0] == 20
    assert len(sigmas.extend_intermediate_sigmas(FOUR, 3, end_at_sigma=0.0)) == 13
    assert sigmas.manual_sigmas("3 1 0") == (3, 1, 0)


@pytest.mark.parametrize(
    ("part", "actual", "sigma"),
    [
        (0.0, False, 999999999.9),
        (0.0, True, NOISE.sigma_max),
        (1.0, False, 0.0),
        (1.0, True, NOISE.sigma_min),
        (0.5, True, NOISE.percent_to_sigma(0.5)),
        (0.5, False, NOISE.percent_to_sigma(0.5)),
    ],
)
def test_beyond_the_ends_of_the_sampling_a_level_is_the_models_own_if_wanted(part, actual, sigma):
    assert sigmas.sampling_percent_to_sigma(toy_model(), part, actual) == sigma
