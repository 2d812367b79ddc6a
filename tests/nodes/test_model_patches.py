import pytest
import torch

from nodes.model_patches import (
    NUMBERS,
    free_u,
    free_u_v2,
    hyper_tile,
    merge_tokens,
    model_compute_dtype,
    patch_model_add_downscale,
)
from tests import tiny
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


@pytest.mark.parametrize("name", NUMBERS)
def test_a_model_computes_in_the_format_that_was_chosen_and_the_other_as_before(tmp_path, name):
    model = tiny.library(tiny.models(tmp_path)).checkpoint(tiny.CHECKPOINT).model
    changed = model_compute_dtype(model, name)
    with changed.network.resident() as one, model.network.resident() as other:
        assert next(one.parameters()).dtype == (NUMBERS[name] or torch.float32)
        assert next(other.parameters()).dtype == torch.float32
    x, tokens = torch.ones(1, 4, 8, 8), torch.ones(1, 77, tiny.WIDTH)
    assert torch.allclose(changed.denoised(x, 1.0, tokens), model.denoised(x, 1.0, tokens), atol=0.1)
