import pytest
import torch

from diffusion.errors import FamilyMismatch
from diffusion.lora import with_lora
from diffusion.merge import Shares, by_block, evenly, mixed, mixed_text
from tests import tiny

FIRST, LAST = "conv_in.weight", "conv_out.weight"


@pytest.fixture
def library(tmp_path):
    """A library with a second small checkpoint."""
    folder = tiny.models(tmp_path)
    tiny.save_checkpoint(folder / "checkpoints" / "other.safetensors", seed=2)
    return tiny.library(folder)


@pytest.fixture
def pair(library):
    return library.checkpoint(tiny.CHECKPOINT), library.checkpoint("other.safetensors")


def weight(model, name: str = FIRST) -> torch.Tensor:
    with model.network.resident(model.patches) as module:
        return module.get_parameter(name).clone()


def test_a_mix_holds_a_share_of_each(pair):
    one, other = (each.model for each in pair)
    expected = weight(one) * 0.25 + weight(other) * 0.75
    assert torch.allclose(weight(mixed(one, other, evenly(0.25, 0.75))), expected, atol=1e-6)


def test_all_of_the_first_is_the_first(pair):
    one, other = (each.model for each in pair)
    assert torch.equal(weight(mixed(one, other, evenly(1.0, 0.0))), weight(one))


def test_a_difference_added_to_where_it_came_from_is_the_whole(pair):
    one, other = (each.model for each in pair)
    difference = mixed(one, other, evenly(1.0, -1.0))
    assert torch.allclose(weight(mixed(other, difference, evenly(1.0, 1.0))), weight(one), atol=1e-6)


def test_the_second_brings_its_patches(pair, library):
    one, other = (each.model for each in pair)
    name = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q.weight"
    changed = with_lora(other, None, library.lora(tiny.LORA)).model
    assert torch.allclose(
        weight(mixed(one, changed, evenly(0.0, 1.0)), name), weight(changed, name), atol=1e-6
    )


def test_each_part_has_its_own_ratio(pair):
    one, other = (each.model for each in pair)
    made = mixed(one, other, by_block({"input": 1.0, "middle": 0.5, "out": 0.0}))
    assert torch.equal(weight(made, FIRST), weight(one, FIRST))
    assert torch.equal(weight(made, LAST), weight(other, LAST))


@pytest.mark.parametrize(
    ("name", "own"), [("input_blocks.1.0.x", 0.2), ("input_blocks.10.0.x", 0.1), ("time_embed.0.x", 0.1)]
)
def test_the_longest_start_of_a_name_decides(name, own):
    assert by_block({"input_blocks": 0.1, "input_blocks.1.": 0.2})(name) == Shares(own, 1 - own)


def test_text_encoders_are_mixed_tower_by_tower(pair):
    one, other = (each.text_encoder for each in pair)
    made = mixed_text(one, other, evenly(0.5, 0.5))

    def embedding(encoder):
        with encoder.towers[0].network.resident(encoder.towers[0].patches) as module:
            return module.get_parameter("embeddings.position_embedding.weight").clone()

    expected = (embedding(one) + embedding(other)) / 2
    assert torch.allclose(embedding(made), expected, atol=1e-3)


def test_models_that_are_not_built_alike_are_refused(library):
    one, other = (library.checkpoint(name).model for name in (tiny.CHECKPOINT, tiny.INPAINTING))
    with pytest.raises(FamilyMismatch, match="are not built alike"):
        mixed(one, other, evenly(0.5, 0.5))
