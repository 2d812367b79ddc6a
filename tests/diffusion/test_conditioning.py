import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from diffusion.conditioning import averaged, joined, silenced
from diffusion.errors import FamilyMismatch
from diffusion.values import Conditioning, Prompt


def saying(value: float, tokens: int = 3, pooled: float | None = None, **more: object) -> Conditioning:
    """A conditioning of one prompt whose every number is the same."""
    whole = None if pooled is None else torch.full((1, 2), pooled)
    return Conditioning((Prompt(torch.full((1, tokens, 4), value), whole, "sd15", **more),))


def test_joined_prompts_stand_one_behind_the_other():
    tokens = joined(saying(1.0, 2), saying(2.0, 3)).entries[0].tokens
    assert tokens[0, :, 0].tolist() == [1, 1, 2, 2, 2]


def test_a_joined_prompt_keeps_its_own_pooled_vector_and_place():
    entry = joined(saying(1.0, pooled=5.0, strength=2.0), saying(2.0, pooled=7.0)).entries[0]
    assert (entry.pooled.tolist(), entry.strength) == ([[5, 5]], 2.0)


def test_only_the_first_of_several_prompts_is_put_behind(caplog):
    several = Conditioning((*saying(2.0).entries, *saying(3.0).entries))
    tokens = joined(saying(1.0), several).entries[0].tokens
    assert tokens[0, :, 0].tolist() == [1, 1, 1, 2, 2, 2]
    assert "only the first" in caplog.text


@given(st.floats(0, 1))
def test_an_average_lies_between_two_prompts(share):
    entry = averaged(saying(1.0, pooled=0.0), saying(3.0, pooled=1.0), share).entries[0]
    assert float(entry.tokens[0, 0, 0]) == pytest.approx(share + 3 * (1 - share), abs=1e-5)
    assert float(entry.pooled[0, 0]) == pytest.approx(1 - share, abs=1e-5)


@pytest.mark.parametrize(("tokens", "expected"), [(2, [1.5, 1.5, 0.5]), (5, [1.5, 1.5, 1.5])])
def test_the_other_prompt_is_cut_or_filled_with_zeros(tokens, expected):
    entry = averaged(saying(1.0, 3), saying(2.0, tokens), 0.5).entries[0]
    assert entry.tokens[0, :, 0].tolist() == expected


def test_a_pooled_vector_without_a_partner_stays():
    assert averaged(saying(1.0, pooled=5.0), saying(2.0), 0.5).entries[0].pooled.tolist() == [[5, 5]]


def test_a_batch_is_mixed_with_a_single_prompt():
    batch = Conditioning((Prompt(torch.ones(2, 3, 4)),))
    assert averaged(batch, saying(3.0), 0.5).entries[0].tokens.shape == (2, 3, 4)


def test_nothing_to_mix_in_changes_nothing():
    given = saying(1.0)
    assert joined(given, Conditioning(())) is given and averaged(given, Conditioning(()), 0.3) is given


@pytest.mark.parametrize("mix", [joined, lambda one, other: averaged(one, other, 0.5)])
def test_prompts_of_two_families_are_not_mixed(mix):
    other = Conditioning((Prompt(torch.ones(1, 3, 8), family="sdxl"),))
    with pytest.raises(FamilyMismatch, match="Stable Diffusion 1 with 4 .* SDXL with 8"):
        mix(saying(1.0), other)


def test_a_silent_prompt_is_all_zeros_and_keeps_its_place():
    entry = silenced(saying(1.0, pooled=5.0, strength=2.0)).entries[0]
    assert not entry.tokens.any() and not entry.pooled.any() and entry.strength == 2.0


def test_a_prompt_without_a_pooled_vector_can_be_silenced():
    assert silenced(saying(1.0)).entries[0].pooled is None
