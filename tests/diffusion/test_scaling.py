from dataclasses import replace
from types import MappingProxyType

import pytest
import torch

from diffusion.encode import encode
from diffusion.scaling import Factors, scaling, with_attention, with_attention_outputs, with_text_attention

BLOCK = "down_blocks.0.attentions.0.transformer_blocks.0"


def weights(network, patches):
    with network.resident(patches) as module:
        return {name: value.clone() for name, value in module.named_parameters()}


def factors(model, changed):
    """By how much each weight that changed was multiplied."""
    before, after = weights(model.network, ()), weights(changed.network, changed.patches)
    return {
        name: round(float((after[name] / before[name]).median()), 3)
        for name in before
        if not torch.equal(before[name], after[name])
    }


def test_each_projection_of_one_kind_of_attention_gets_its_factor(checkpoint):
    found = factors(checkpoint.model, with_attention(checkpoint.model, "attn2", Factors(0.5, 2.0, 3.0, 4.0)))
    assert {name.removeprefix(BLOCK): each for name, each in found.items() if name.startswith(BLOCK)} == {
        ".attn2.to_q.weight": 0.5,
        ".attn2.to_k.weight": 2.0,
        ".attn2.to_v.weight": 3.0,
        ".attn2.to_out.0.weight": 4.0,
        ".attn2.to_out.0.bias": 4.0,
    }
    assert all(".attn2." in name for name in found) and len(found) == 4 * 5


def test_factors_of_one_are_no_patch_at_all(checkpoint):
    assert with_attention(checkpoint.model, "attn1", Factors()).patches == ()


def test_no_query_makes_all_places_alike(checkpoint):
    model = with_attention(checkpoint.model, "attn1", Factors(query=0.0))
    assert not any(model.patches[0].applied(f"{BLOCK}.attn1.to_q.weight", torch.ones(2)))


def test_every_tower_of_a_text_encoder_is_changed(family_library):
    clip = family_library.checkpoint("tiny_sdxl.safetensors").text_encoder
    changed = with_text_attention(clip, Factors(out=0.5))
    assert [len(tower.patches[0].names()) for tower in changed.towers] == [2 * 3, 2 * 3]
    tokens, plain = (encode(each, "a fox").entries[0].tokens for each in (changed, clip))
    assert not torch.allclose(tokens, plain, atol=1e-3)


@pytest.mark.parametrize(("original", "wanted"), [("spatial", 2.0), ("time_stack", 5.0)])
def test_outputs_within_a_picture_and_over_time_have_factors_of_their_own(checkpoint, original, wanted):
    network = checkpoint.model.network
    key = f"model.diffusion_model.input_blocks.1.1.{original}.0.attn1.to_out.0.weight"
    part = replace(network.part, sources=MappingProxyType({f"{BLOCK}.attn1.to_out.0.weight": key}))
    model = replace(checkpoint.model, network=type(network)(part, network.file, network.memory))
    changed = with_attention_outputs(model, {"attn1": 2.0, "attn2": 3.0}, {"attn1": 5.0, "attn2": 7.0})
    assert dict(changed.patches[0].factors) == {f"{BLOCK}.attn1.to_out.0.weight": wanted}


def test_only_what_a_factor_names_is_patched(checkpoint):
    (patch,) = scaling(checkpoint.model.network, lambda module, _key: 2.0 if module == "conv_in" else 1.0)
    assert set(patch.names()) == {"conv_in.weight", "conv_in.bias"}
