import pytest
import torch
import torch.nn.functional as F
from diffusers.models.attention_processor import Attention as Layer

from diffusion.attention import LEAST, Attention, attend
from diffusion.networks import unet

SMALL = {
    "block_out_channels": (32, 64),
    "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
    "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
    "layers_per_block": 1,
    "cross_attention_dim": 16,
    "attention_head_dim": 4,
    "sample_size": 8,
}


def heads(tokens, dtype=torch.float32, seed=1, width=40):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(2, 3, tokens, width, generator=generator).to(dtype)


@pytest.mark.parametrize(("queries", "keys"), [(LEAST, LEAST), (1100, 2000), (77, 900), (900, 77)])
def test_bfloat16_is_as_near_the_truth_as_the_librarys_kernel(queries, keys):
    query, key, value = heads(queries, seed=1), heads(keys, seed=2), heads(keys, seed=3)
    truth = F.scaled_dot_product_attention(query, key, value)
    halves = [each.bfloat16() for each in (query, key, value)]
    ours = (attend(*halves).float() - truth).pow(2).mean().sqrt()
    library = (F.scaled_dot_product_attention(*halves).float() - truth).pow(2).mean().sqrt()
    assert ours < 1.5 * library + 1e-6


def test_float32_is_the_librarys_kernel_to_the_bit():
    query, key, value = heads(300, seed=1), heads(300, seed=2), heads(300, seed=3)
    assert torch.equal(attend(query, key, value), F.scaled_dot_product_attention(query, key, value))


@pytest.mark.parametrize("place", range(3))
def test_gradients_flow_through_long_sequences_in_bfloat16(place):
    given = [heads(LEAST, torch.bfloat16) for _ in range(3)]
    given[place].requires_grad_()
    attend(*given).sum().backward()
    assert given[place].grad is not None


def test_a_network_computes_what_it_does_with_the_librarys_own_attention():
    from diffusers.models.attention_processor import AttnProcessor2_0

    torch.manual_seed(1)
    module = unet(SMALL).eval()
    x, context = torch.randn(2, 4, 8, 8), torch.randn(2, 7, 16)
    with torch.no_grad():
        ours = module(x, 5, encoder_hidden_states=context).sample
        module.set_attn_processor(AttnProcessor2_0())
        assert torch.equal(ours, module(x, 5, encoder_hidden_states=context).sample)


def test_where_a_layer_asks_for_it_scores_are_computed_in_float32():
    torch.manual_seed(1)
    layer = Layer(32, heads=2, dim_head=16, upcast_attention=True, processor=Attention()).bfloat16()
    states = 20 * torch.randn(1, LEAST, 32).bfloat16()
    with torch.no_grad():
        split = (each(states).unflatten(-1, (2, 16)).transpose(1, 2) for each in (layer.to_q, layer.to_k))
        query, key = (each.float() for each in split)
        value = layer.to_v(states).unflatten(-1, (2, 16)).transpose(1, 2).float()
        seen = (query @ key.mT / 4).softmax(-1) @ value
        expected = layer.to_out[0](seen.transpose(1, 2).flatten(2).bfloat16())
        assert torch.allclose(layer(states), expected, rtol=0.02, atol=0.05)


@pytest.mark.parametrize("far", [-2000.0, -600.0, 525.0, 540.0, 600.0, 2000.0])
def test_scores_beyond_what_can_be_raised_to_a_power_are_weighed_as_well(far):
    query, key, value = heads(LEAST, seed=1), heads(600, seed=2), heads(600, seed=3)
    query[:, :, 7, :], key[..., 0] = 0, 1
    query[:, :, 7, 0] = far
    halves = [each.bfloat16() for each in (query, key, value)]
    truth = F.scaled_dot_product_attention(*(each.float() for each in halves))
    library = (F.scaled_dot_product_attention(*halves).float() - truth).abs().max()
    assert (attend(*halves).float() - truth).abs().max() < 2 * library


def test_values_near_the_largest_number_are_weighed_as_well():
    query, key, value = heads(LEAST, seed=1), heads(600, seed=2), heads(600, seed=3).abs() * 1e37
    halves = [each.bfloat16() for each in (query, key, value)]
    assert attend(*halves).equal(F.scaled_dot_product_attention(*halves))
