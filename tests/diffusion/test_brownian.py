import pytest
import torch
import torchsde
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import SeedSequence

from diffusion.brownian import POOL, brownian_path, number, words

SHAPE = (1, 4, 3, 3)
CPU = torch.device("cpu")


def path(low=0.03, high=14.6, seed=5):
    return brownian_path(low, high, seed, SHAPE, CPU)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.sampled_from([0, 1, 2**32 - 1, 2**32, 2**64 - 1]) | st.integers(0, 2**64 - 1),
    high=st.sampled_from([1.0, 14.614642, 4518.763672]),
    shares=st.lists(st.floats(0.001, 0.999), min_size=1, max_size=4),
)
def test_the_path_is_that_of_the_tree_the_field_draws_from(seed, high, shares):
    low = 0.003
    tree = torchsde.BrownianTree(t0=low, w0=torch.zeros(SHAPE), t1=high, entropy=seed)
    ours = path(low, high, seed)
    for level in (round(low + share * (high - low), 6) for share in shares):
        assert torch.allclose(ours(level), tree(level, high), atol=1e-5 * high**0.5)


@given(st.floats(1.0, 1e12), st.floats(0.001, 0.999))
def test_the_way_to_a_level_has_an_end_however_high_the_levels_are(high, share):
    gained = path(0.003, high)(share * high)
    assert gained.isfinite().all() and gained.any()


@given(st.permutations([0.1, 2.0, 5.0, 14.0]))
def test_it_does_not_matter_in_which_order_levels_are_asked(levels):
    asked = path()
    assert all(torch.equal(asked(level), path()(level)) for level in levels)


def test_from_the_top_to_the_top_nothing_is_gained_and_beyond_an_end_is_the_end():
    asked = path()
    assert not asked(14.6).any()
    assert not asked(99.0).any()
    assert torch.equal(asked(0.001), asked(0.03))


def test_what_is_gained_has_the_variance_of_the_way():
    asked = brownian_path(0.03, 14.6, 5, (1, 4, 64, 64), CPU)
    assert float(asked(4.6).var()) == pytest.approx(10.0, rel=0.05)
    assert float((asked(0.6) - asked(4.6)).var()) == pytest.approx(4.0, rel=0.05)


@given(st.integers(0, 2**64 - 1), st.lists(st.integers(0, 2**32 - 1), max_size=4))
def test_a_number_is_that_of_numpy_s_seed_sequence(seed, more):
    filled = [*words(seed), *[0] * POOL][:POOL]
    pool = SeedSequence(seed, pool_size=POOL).pool
    assert number(int(pool[0]), *more) == SeedSequence([*filled, *more], pool_size=POOL).generate_state(1)[0]


@given(st.integers(0, 2**70))
def test_words_make_up_their_number(whole):
    assert sum(word << 32 * place for place, word in enumerate(words(whole))) == whole
