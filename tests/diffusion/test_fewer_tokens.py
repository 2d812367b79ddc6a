from dataclasses import replace
from random import Random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from diffusion.fewer_tokens import Grid, HyperTile, Pairs, TokenMerging, divisions, stayers
from diffusion.hooks import attending, hooked, sites
from tests import tiny

RANDOM = torch.Generator().manual_seed(7)
X = torch.randn(2, 4, 12, 16, generator=RANDOM) * 3
TOKENS = torch.randn(2, 77, tiny.WIDTH, generator=RANDOM)
CELLS = 12 * 16
CHANGES = [HyperTile(4, 2, 0), HyperTile(4, 2, 1, True), TokenMerging(0.5), TokenMerging(1.0)]


@pytest.fixture
def denoise(checkpoint):
    """The small model's answer with some changes to what it computes."""

    def denoised(*hooks, x=X):
        return replace(checkpoint.model, hooks=hooks).denoised(x, 3.0, TOKENS)

    return denoised


def seen(*hooks, x=X):
    """For each time the outermost level attends: rows and tokens."""
    unet, shapes = tiny.unet(), []

    def counting(attend):
        return lambda layer, states, *rest, **named: (
            shapes.append(tuple(states.shape[:2])) or attend(layer, states, *rest, **named)
        )

    outer = [layer for site in sites(unet) if site.depth == 0 for layer in site.layers]
    with attending(outer, counting), hooked(unet, hooks, 3.0), torch.no_grad():
        unet(x, 5, encoder_hidden_states=TOKENS[: len(x)])
    return shapes


def test_a_u_net_attends_on_the_way_in_in_the_middle_and_on_the_way_out():
    assert [site.depth for site in sites(tiny.unet())] == [0, 1, 0, 0]
    assert sites(tiny.vae().decoder.conv_in) == []


def test_on_tiles_fewer_pairs_of_tokens_are_compared():
    plain, tiled = (sum(rows * tokens**2 for rows, tokens in seen(*hooks)) for hooks in ((), (CHANGES[0],)))
    assert tiled <= plain / 4
    assert all(rows * tokens == 2 * CELLS for rows, tokens in seen(CHANGES[0]))


def test_merging_halves_the_tokens_that_attend():
    assert seen(TokenMerging(0.5)) == [(2, CELLS // 2)] * 3
    assert seen(TokenMerging(1.0)) == [(2, CELLS // 4)] * 3


@pytest.mark.parametrize("change", CHANGES)
def test_the_answer_is_another_of_the_same_size_and_the_same_each_time(denoise, change):
    made = denoise(change)
    assert made.shape == X.shape and made.isfinite().all()
    assert not torch.allclose(made, denoise(), atol=1e-4)
    assert torch.equal(made, denoise(change))


@pytest.fixture
def reading():
    """What a small network answers, with some hooks, whose tokens read the prompt and not each other."""
    unet = tiny.unet(6, **tiny.X4_UNET)

    def answer(*hooks):
        with hooked(unet, hooks, 3.0), torch.no_grad():
            return unet(torch.cat((X, X[:, :3]), 1), 5, TOKENS, class_labels=torch.tensor([20, 20])).sample

    return answer


def test_tokens_that_read_the_prompt_are_merged_and_its_own_are_not(reading):
    merged, plain = reading(TokenMerging(0.5)), reading()
    assert merged.shape == plain.shape
    assert not torch.allclose(merged, plain, atol=1e-4)


def test_tiles_are_cut_only_where_tokens_read_each_other():
    states = X.flatten(2).mT
    change = HyperTile(4, 1, 0).tiled(0, Random(1))
    attend = change(lambda _layer, rows, *_prompt: torch.full_like(rows, len(rows)), 12, 16)
    assert attend(None, states, encoder_hidden_states=None).unique().tolist() == [2 * 3 * 4]
    assert attend(None, states, encoder_hidden_states=TOKENS).unique().tolist() == [2]


@pytest.mark.parametrize("change", [HyperTile(16, 2, 5), HyperTile(9, 1, 0), TokenMerging(0.0)])
def test_without_a_second_tile_or_anything_to_merge_nothing_changes(denoise, change):
    assert torch.equal(denoise(change), denoise())


def test_of_both_the_one_added_last_acts_and_neither_stays(denoise):
    plain, tile, merge = denoise(), CHANGES[0], TokenMerging(0.5)
    assert torch.equal(denoise(tile, merge), denoise(merge))
    assert torch.equal(denoise(merge, tile), denoise(tile))
    assert torch.equal(denoise(), plain)


def test_levels_deeper_than_the_last_stay_whole():
    unet = tiny.unet()
    (middle,) = (site.layers[0] for site in sites(unet) if site.depth == 1)
    before = middle.processor
    with hooked(unet, (HyperTile(4, 2, 0),), 3.0):
        assert middle.processor is before


@pytest.mark.parametrize("change", [HyperTile(4, 2, 0), TokenMerging(0.5)])
def test_odd_and_narrow_pictures_keep_their_size(denoise, change):
    x = X[:, :, :7, :9]
    assert denoise(change, x=x).shape == x.shape


@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 4), st.integers(1, 4))
def test_tiles_put_together_are_the_picture(rows, columns, tall, wide):
    grid = Grid(rows * tall, columns * wide, rows, columns)
    states = torch.arange(2 * rows * tall * columns * wide * 3).view(2, -1, 3)
    assert grid.cut(states).shape == (2 * rows * columns, tall * wide, 3)
    assert torch.equal(grid.joined(grid.cut(states)), states)


def test_a_tile_holds_neighbours():
    grid = Grid(4, 4, 2, 2)
    assert grid.cut(torch.arange(16).view(1, 16, 1))[0, :, 0].tolist() == [0, 1, 4, 5]


@given(st.integers(1, 200), st.integers(1, 200), st.integers(1, 5))
def test_parts_are_equal_and_none_is_too_short(length, least, choices):
    found = divisions(length, least, choices)
    assert 1 <= len(found) <= choices
    assert all(length % parts == 0 and length // parts >= min(least, length) for parts in found)


@given(st.integers(1, 9), st.integers(1, 9))
def test_one_of_four_neighbours_stays(height, width):
    kept = stayers(height, width, Random(1)).tolist()
    assert len(set(kept)) == len(kept) == (height // 2) * (width // 2)
    assert {(place // width // 2, place % width // 2) for place in kept} == {
        (row, column) for row in range(height // 2) for column in range(width // 2)
    }


def test_equal_tokens_are_merged_first_and_lose_nothing():
    states = torch.randn(1, 16, 8, generator=RANDOM)
    states[0, 1] = states[0, 0]
    pairs = Pairs.alike(states, torch.tensor([0, 2, 8, 10]), 1)
    assert pairs.merged(states).shape == (1, 15, 8)
    assert torch.allclose(pairs.parted(pairs.merged(states)), states)


def test_merged_tokens_get_the_answer_of_their_mean():
    states = torch.randn(1, 16, 8, generator=RANDOM)
    pairs = Pairs.alike(states, torch.tensor([0, 2, 8, 10]), 12)
    merged, back = pairs.merged(states), pairs.parted(pairs.merged(states))
    assert merged.shape == (1, 4, 8) and back.shape == states.shape
    assert torch.equal(back[0, pairs.gone[0]], merged[0, pairs.partner[0]])
