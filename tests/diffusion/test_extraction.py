from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file

from diffusion.errors import DiffusionError
from diffusion.extraction import Wanted, narrowed, pieces, write_lora
from diffusion.lora import with_lora
from diffusion.merge import evenly, mixed, mixed_text
from tests import tiny

QUERY = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q.weight"


def quiet(_done, _total):
    """A report to nobody."""


def random(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def product(up, down):
    return (up.flatten(1) @ down.flatten(1)).view(len(up), *down.shape[1:])


@given(st.integers(1, 6), st.integers(1, 12), st.integers(1, 12), st.integers(0, 99))
def test_a_matrix_of_so_low_a_rank_is_kept_whole(rank, rows, columns, seed):
    weight = random(rows, rank, seed=seed) @ random(rank, columns, seed=seed + 1)
    assert torch.allclose(product(*narrowed(weight, rank)), weight, atol=1e-4)


@pytest.mark.parametrize("shape", [(6, 20), (20, 6), (8, 8)])
def test_what_is_lost_is_what_the_smallest_singular_values_hold(shape):
    weight = random(*shape)
    lost = torch.linalg.svdvals(weight)[3:].norm()
    assert torch.allclose((product(*narrowed(weight, 3)) - weight).norm(), lost, rtol=1e-4)


def test_a_kernel_stays_with_the_half_that_reads():
    up, down = narrowed(random(10, 4, 3, 3), 2)
    assert (up.shape, down.shape) == ((10, 2, 1, 1), (2, 4, 3, 3))
    assert torch.allclose(product(*narrowed(random(10, 4, 3, 3), 99)), random(10, 4, 3, 3), atol=1e-4)


@pytest.fixture(params=[tiny.CHECKPOINT, tiny.SDXL])
def library(request, tmp_path):
    """A library on small models of its own, and the checkpoint to look at."""
    tiny.families(tiny.models(tmp_path))
    found = tiny.library(tmp_path)
    return found, found.checkpoint(request.param)


def made(library, wanted):
    """A model with a LoRA, and one with what was extracted from the difference between that and the first."""
    files, (model, text, _) = library
    goal = with_lora(model, text, files.lora(tiny.LORA))
    differences = (
        mixed(goal.model, model, evenly(1.0, -1.0)),
        mixed_text(goal.text_encoder, text, evenly(1.0, -1.0)),
    )
    path = files.roots("loras")[0] / "extracted.safetensors"
    write_lora(pieces(*differences, wanted, quiet), path, {"workflow": "{}"})
    return goal, with_lora(model, text, files.lora(path.name)), path


def weights(network, patches):
    with network.resident(patches) as module:
        return {name: value.clone() for name, value in module.named_parameters()}


@pytest.mark.parametrize("wanted", [Wanted(2), Wanted(None)])
def test_a_model_with_what_was_extracted_is_the_model_it_was_extracted_from(library, wanted):
    goal, found, _ = made(library, wanted)
    assert found.unmatched == ()
    one, other = (weights(each.model.network, each.model.patches) for each in (goal, found))
    assert all(torch.allclose(one[name], other[name], atol=0.02) for name in one)
    for mine, theirs in zip(goal.text_encoder.towers, found.text_encoder.towers, strict=True):
        one, other = (weights(each.network, each.patches) for each in (mine, theirs))
        assert all(torch.allclose(one[name], other[name], atol=0.02) for name in one)


def test_the_file_is_small_and_says_what_made_it(library):
    _, _, path = made(library, Wanted(2, biases=False))
    found = load_file(path)
    assert {key.rpartition(".lora_")[2] for key in found} == {"up.weight", "down.weight"}
    assert all(value.dtype == torch.float16 for value in found.values())
    with safe_open(path, "pt") as file:
        assert file.metadata() == {"workflow": "{}"}


def test_biases_are_kept_or_left_out(library):
    model = library[1].model
    difference = mixed(model, model, evenly(1.0, -0.5))
    with_them, without = (
        {each.described.name for each in pieces(difference, None, Wanted(1, biases), quiet)}
        for biases in (True, False)
    )
    only = with_them - without
    assert without < with_them and all(name.endswith((".diff", ".diff_b")) for name in only)


def test_every_weight_is_reported(library):
    model, seen = library[1].model, []
    pieces(mixed(model, model, evenly(1.0, -1.0)), None, Wanted(1), lambda *each: seen.append(each))
    total = len(model.network.part.sources)
    assert seen == [(done, total) for done in range(1, total + 1)]


@pytest.mark.parametrize("given", [True, False])
def test_without_a_difference_it_is_said_what_to_connect(library, given):
    model = replace(library[1].model, patches=()) if given else None
    with pytest.raises(DiffusionError, match="no difference to extract"):
        pieces(model, None, Wanted(4), quiet)
