import pytest

from nodes.model_patches import free_u, free_u_v2, hyper_tile, merge_tokens, patch_model_add_downscale
from tests.diffusion.toy import NOISE, toy_model


@pytest.mark.parametrize(("node", "adaptive"), [(free_u, False), (free_u_v2, True)])
def test_free_u_acts_on_the_two_deepest_levels(node, adaptive):
    (hook,) = node(toy_model(), 1.1, 1.2, 0.9, 0.2).hooks
    assert (hook.factors, hook.adaptive) == ({4: (1.1, 0.9), 2: (1.2, 0.2)}, adaptive)


def test_shrinking_ends_after_a_part_of_the_sampling():
    (hook,) = patch_model_add_downscale(toy_model()).hooks
    assert (hook.block, hook.factor, hook.last) == (3, 2.0, NOISE.percent_to_sigma(0.35))


def test_tiles_are_told_in_pixels_and_never_smaller_than_four_cells():
    assert [hyper_tile(toy_model(), size).hooks[0].side for size in (256, 100, 1)] == [32, 12, 4]


def test_merging_tokens_is_added_to_what_the_model_does_already():
    assert len(merge_tokens(hyper_tile(toy_model())).hooks) == 2
