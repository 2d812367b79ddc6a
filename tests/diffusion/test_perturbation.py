import pytest
import torch
from diffusers import FluxTransformer2DModel, SD3Transformer2DModel

from diffusion.errors import DiffusionError
from diffusion.perturbation import (
    WITHOUT_SELF_ATTENTION,
    WhereItLooks,
    WithoutLayers,
    attended,
    values_alone,
)
from tests import tiny
from tests.diffusion.toy import Toy


def middle(unet):
    return [block.attn1 for part in unet.mid_block.attentions for block in part.transformer_blocks]


def test_in_the_middle_block_each_place_attends_to_itself_alone():
    layer = middle(tiny.unet())[0]
    states = torch.randn(1, 3, layer.to_q.in_features, generator=torch.Generator().manual_seed(0))
    alone = torch.cat([layer(states[:, place : place + 1]) for place in range(3)], 1)
    assert torch.allclose(values_alone(layer, states), alone, atol=1e-6)


def test_the_network_is_as_it_was_afterwards_even_if_a_forward_fails():
    unet = tiny.unet()
    before = [layer.processor for layer in middle(unet)]
    with pytest.raises(KeyError), WITHOUT_SELF_ATTENTION.installed(unet, 1.0):
        assert [layer.processor for layer in middle(unet)] == [values_alone] * len(before)
        raise KeyError
    assert [layer.processor for layer in middle(unet)] == before


def test_only_the_middle_is_changed():
    unet = tiny.unet()
    outer = unet.down_blocks[0].attentions[0].transformer_blocks[0].attn1
    before = outer.processor
    with WITHOUT_SELF_ATTENTION.installed(unet, 1.0):
        assert outer.processor is before


def test_a_network_without_a_middle_block_is_told_so():
    change = WITHOUT_SELF_ATTENTION.installed(Toy(), 1.0)
    with pytest.raises(DiffusionError, match="with attention in a middle block"), change:
        pass


def test_what_is_attended_to_is_one_on_average_and_one_everywhere_if_all_tokens_are_alike():
    layer = middle(tiny.unet())[0]
    states = torch.randn(2, 6, layer.to_q.in_features, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(attended(layer, states).mean(1), torch.ones(2))
    assert torch.allclose(attended(layer, states[:, :1].expand(-1, 6, -1)), torch.ones(2, 6))


def test_looking_on_changes_nothing_and_gives_a_map_of_the_middle():
    unet, where = tiny.unet(), WhereItLooks()
    x, tokens = torch.randn(2, 4, 8, 12, generator=torch.Generator().manual_seed(0)), torch.zeros(2, 7, 8)
    plain = unet(x, 5, encoder_hidden_states=tokens).sample
    with where.installed(unet, 1.0):
        assert torch.equal(unet(x, 5, encoder_hidden_states=tokens).sample, plain)
    assert [each.shape for each in where.maps] == [(2, 1, 4, 6)]
    assert where.looks_at(x).shape == (2, 1, 8, 12)
    assert set(where.looks_at(x[:1]).unique().tolist()) == {0.0, 1.0}


def joint() -> tuple[SD3Transformer2DModel, dict]:
    build = lambda: SD3Transformer2DModel(  # noqa: E731
        sample_size=8,
        patch_size=2,
        in_channels=4,
        num_layers=3,
        attention_head_dim=4,
        num_attention_heads=2,
        joint_attention_dim=8,
        caption_projection_dim=8,
        pooled_projection_dim=8,
        out_channels=4,
        pos_embed_max_size=8,
    )
    shown = {"hidden_states": (1, 4, 8, 8), "encoder_hidden_states": (1, 3, 8), "pooled_projections": (1, 8)}
    return tiny.randomised(3, build), {name: torch.randn(size) for name, size in shown.items()} | TIME


def parallel() -> tuple[FluxTransformer2DModel, dict]:
    build = lambda: FluxTransformer2DModel(  # noqa: E731
        patch_size=1,
        in_channels=4,
        num_layers=2,
        num_single_layers=3,
        attention_head_dim=8,
        num_attention_heads=2,
        joint_attention_dim=8,
        pooled_projection_dim=8,
        axes_dims_rope=(2, 2, 4),
    )
    shown = {"hidden_states": (1, 16, 4), "encoder_hidden_states": (1, 3, 8), "pooled_projections": (1, 8)}
    places = {"img_ids": torch.zeros(16, 3), "txt_ids": torch.zeros(3, 3)}
    return tiny.randomised(3, build), {
        name: torch.randn(size) for name, size in shown.items()
    } | TIME | places


TIME = {"timestep": torch.tensor([3.0])}


@pytest.mark.parametrize(
    ("made", "left_out"),
    [(joint, WithoutLayers((1, 9))), (parallel, WithoutLayers((1,), (0, 2))), (parallel, WithoutLayers())],
)
def test_without_layers_a_transformer_is_as_if_it_had_fewer(made, left_out):
    network, shown = made()
    plain = network(**shown).sample
    with left_out.installed(network, 1.0):
        without = network(**shown).sample
    assert torch.equal(network(**shown).sample, plain)
    for name, numbers in (
        ("transformer_blocks", left_out.double),
        ("single_transformer_blocks", left_out.single),
    ):
        if numbers:
            kept = [each for number, each in enumerate(getattr(network, name)) if number not in numbers]
            setattr(network, name, torch.nn.ModuleList(kept))
    assert torch.equal(network(**shown).sample, without)
