from dataclasses import replace

import pytest
import torch
from diffusers import ControlNetModel
from diffusers.loaders.single_file_utils import (
    convert_controlnet_checkpoint,
    convert_ldm_unet_checkpoint,
    convert_ldm_vae_checkpoint,
)
from safetensors.torch import load_file
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from diffusion.blocks import UnetShape, control_names, inverted, translated
from diffusion.checkpoint import Entry, Header, Part
from diffusion.clip import text_heads
from diffusion.clip_vision import side_px, vision_part
from diffusion.errors import BrokenFile
from diffusion.families import FAMILIES
from diffusion.families.sd15 import SD15, ZERO123
from diffusion.memory import Hollow
from diffusion.parts import same_heads, unet_config
from diffusion.prediction import EPSILON, VELOCITY
from tests import tiny
from tests.diffusion.families.full import (
    faults,
    header_of,
    original_clip_l,
    original_unet,
    original_vae,
    weights,
)

UNET = UnetShape((320, 640, 1280, 1280), (2, 2, 2, 2), (1, 1, 1, 0), 1, 768, False, 4)
NETWORKS = pytest.mark.parametrize("index", range(3), ids=("network", "text", "vae"))


def network(header: Header, index: int) -> Part:
    """The diffusion model, the text encoder or the VAE of a file."""
    parts = SD15.parts(header)
    return (parts.network, *parts.texts, parts.vae)[index]


@pytest.fixture(scope="module")
def full() -> Header:
    """The header of a full-size Stable Diffusion 1.5 checkpoint, with the other tensors such files carry."""
    extra = {
        name: torch.empty(1000, device="meta") for name in ("betas", "alphas_cumprod", "model_ema.decay")
    }
    text = original_clip_l("cond_stage_model.transformer.text_model.")
    return header_of(original_unet(UNET, cross_attention_dim=768) | original_vae() | text | extra)


def test_the_full_size_checkpoint_has_as_many_keys_as_the_published_one(full):
    counts = [len(full.under(prefix)) for prefix in ("model.diffusion_model.", "first_stage_model.")]
    assert counts == [686, 248]


@NETWORKS
def test_no_weight_of_the_full_size_checkpoint_is_missing_or_left_over_or_misshapen(full, index):
    assert faults(full, network(full, index)) == []


def test_the_full_size_network_has_the_published_number_of_weights(full):
    assert weights(full, network(full, 0)) == 859_520_964


def test_the_full_size_text_encoder_has_twelve_heads(full):
    assert text_heads(full, 768) == 12


def test_the_full_size_network_has_eight_heads(full):
    assert unet_config(full, UNET, same_heads)["attention_head_dim"] == 8


def test_a_full_size_inpainting_network_reads_nine_channels():
    part = SD15.parts(header_of(original_unet(UNET, cross_attention_dim=768, in_channels=9))).network
    with torch.device("meta"):
        assert part.build().conv_in.in_channels == 9


@pytest.fixture(scope="module")
def zero123() -> Header:
    """The header of a full-size Stable Zero123 checkpoint, with what such files keep of the text encoder."""
    with torch.device("meta"), Hollow():
        vision = CLIPVisionModelWithProjection(
            CLIPVisionConfig(
                hidden_size=1024,
                intermediate_size=4096,
                num_hidden_layers=24,
                num_attention_heads=16,
                patch_size=14,
                projection_dim=768,
            )
        )
        rest = {
            "cc_projection.weight": torch.empty(768, 772),
            "cc_projection.bias": torch.empty(768),
            "cond_stage_model.model.token_embedding.weight": torch.empty(49408, 768),
            "cond_stage_model.model.positional_embedding": torch.empty(77, 768),
            "cond_stage_model.model.ln_final.weight": torch.empty(768),
            "cond_stage_model.model.ln_final.bias": torch.empty(768),
            "cond_stage_model.model.text_projection": torch.empty(768, 768),
            "cond_stage_model.model.logit_scale": torch.empty(()),
            "model_ema.decay": torch.empty(()),
        }
    network = original_unet(replace(UNET, in_channels=8), cross_attention_dim=768, in_channels=8)
    visual = tiny.open_visual(vision.state_dict(), "cond_stage_model.model.visual.", 24)
    return header_of(network | original_vae() | visual | rest)


@pytest.mark.slow
def test_a_full_size_zero123_is_of_its_family_alone_and_loses_no_weight(zero123):
    assert [family.name for family in FAMILIES if family.refuses(zero123) is None] == ["zero123"]
    network, texts, vae = (found := ZERO123.parts(zero123)).network, found.texts, found.vae
    assert (faults(zero123, network), texts, faults(zero123, vae)) == ([], (), [])
    assert weights(zero123, network) == 859_520_964 + 4 * 320 * 9  # four more channels go in


@pytest.mark.slow
def test_a_full_size_zero123_brings_the_image_encoder_clip_vit_l(zero123):
    vision = vision_part(zero123)
    assert faults(zero123, vision) == []
    assert (weights(zero123, vision), side_px(zero123, vision)) == (303_966_208, 224)
    with torch.device("meta"), Hollow():
        config = vision.build().config
    assert (config.num_attention_heads, config.hidden_act) == (16, "quick_gelu")


def test_a_network_for_editing_is_no_zero123():
    header = header_of(original_unet(UNET, cross_attention_dim=768, in_channels=8))
    assert [family.name for family in FAMILIES if family.refuses(header) is None] == ["sd15"]
    assert ZERO123.refuses(header) == "its U-Net reads no views (cc_projection.weight is missing)"


def test_a_full_size_controlnet_has_no_weight_missing_or_left_over():
    with torch.device("meta"):
        state = ControlNetModel(cross_attention_dim=768).state_dict()
    names = inverted(control_names(UNET))
    part = SD15.control(header_of({f"control_model.{translated(key, names)}": state[key] for key in state}))
    with torch.device("meta"):
        assert (part.sources.keys(), part.surplus) == (part.build().state_dict().keys(), ())


def test_the_network_s_weights_are_those_of_the_reference_conversion(tiny_sd15, checkpoint):
    wanted = convert_ldm_unet_checkpoint(load_file(tiny_sd15), dict(tiny.unet().config))
    with checkpoint.model.network.resident() as module:
        ours = module.state_dict()
    assert ours.keys() == wanted.keys()
    assert all(torch.equal(ours[key], wanted[key].float()) for key in wanted)


def test_the_vae_s_weights_are_those_of_the_reference_conversion(tiny_sd15, checkpoint):
    wanted = convert_ldm_vae_checkpoint(load_file(tiny_sd15), dict(tiny.vae().config))
    with checkpoint.vae.network.resident() as module:
        ours = module.state_dict()
    assert ours.keys() == wanted.keys()
    assert all(torch.equal(ours[key], wanted[key].float()) for key in wanted)


def test_the_controlnet_s_weights_are_those_of_the_reference_conversion(tiny_models, library):
    path = tiny_models / "controlnet" / tiny.CONTROLNET
    wanted = convert_controlnet_checkpoint(load_file(path), dict(tiny.controlnet().config))
    with library.controlnet(tiny.CONTROLNET).network.resident() as module:
        ours = module.state_dict()
    assert ours.keys() == wanted.keys()
    assert all(torch.equal(ours[key], wanted[key]) for key in wanted)


def test_a_file_of_stable_diffusion_1_is_recognised(full):
    assert SD15.refuses(full) is None


def test_a_file_without_a_unet_is_refused_with_that_reason():
    assert "no U-Net" in SD15.refuses(header_of({"a": torch.empty(1)}))


def test_a_file_of_sdxl_is_refused_because_of_its_vector(full):
    more = Header(
        "x", {**full.entries, "model.diffusion_model.label_emb.0.0.weight": Entry(torch.float16, (1,), 0, 0)}
    )
    assert "vector" in SD15.refuses(more)


def test_a_file_of_stable_diffusion_2_is_refused_because_of_its_text_encoder(full):
    more = Header(
        "x", {**full.entries, "cond_stage_model.model.ln_final.weight": Entry(torch.float16, (1,), 0, 0)}
    )
    assert "Stable Diffusion 2" in SD15.refuses(more)


def test_a_file_with_half_a_middle_is_refused(full):
    broken = UnetShape((320, 640), (2, 2), (1, 2), 1, 768, False, 4)
    with pytest.raises(BrokenFile):
        unet_config(full, broken, same_heads)


def test_metadata_says_that_a_network_predicts_velocity():
    header = Header("x", {}, {"prediction_type": "v_prediction"})
    said = [SD15.sampling(each, torch.empty).prediction for each in (header, Header("x", {}))]
    assert said == [VELOCITY, EPSILON]


def test_the_metadata_may_say_how_many_heads_a_text_encoder_has():
    assert text_heads(Header("x", {}, {"text.num_heads": "4"}), 128) == 4


def test_the_latent_of_stable_diffusion_is_scaled_and_back():
    latent = torch.ones(1, 4, 2, 2)
    assert torch.allclose(SD15.latent.out(SD15.latent.into(latent)), latent)
    assert float(SD15.latent.into(latent)[0, 0, 0, 0]) == pytest.approx(0.18215)
