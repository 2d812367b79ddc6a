import pytest
import torch

from diffusion.blocks import UnetShape
from diffusion.families import FAMILIES
from diffusion.families.sd2 import LOTUS
from diffusion.prediction import IMAGE_TO_IMAGE
from diffusion.taesd import SUITED
from tests import tiny
from tests.diffusion.families.full import faults, header_of, original_unet

UNET = UnetShape((320, 640, 1280, 1280), (2, 2, 2, 2), (1, 1, 1, 0), 1, 1024, True, 4, vector=4)
CONFIG = {
    "cross_attention_dim": 1024,
    "attention_head_dim": (5, 10, 20, 20),
    "use_linear_projection": True,
    "class_embed_type": "projection",
    "projection_class_embeddings_input_dim": 4,
}


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """A small Lotus."""
    folder = tmp_path_factory.mktemp("models")
    (folder / "diffusion_models").mkdir()
    tiny.saved(folder / "diffusion_models" / "lotus.safetensors", tiny.lotus_unet().state_dict())
    return tiny.library(folder)


def test_no_weight_of_the_full_size_network_is_missing_or_left_over_or_misshapen():
    header = header_of(original_unet(UNET, **CONFIG))
    assert [family.name for family in FAMILIES if family.refuses(header) is None] == ["lotus"]
    assert faults(header, LOTUS.parts(header).network) == []


def test_nobody_makes_controlnets_for_it_and_the_tiny_decoder_of_its_latents_is_that_of_the_first_family():
    assert LOTUS.control is None
    assert SUITED["lotus"] == SUITED["sd2"] == SUITED["sd15"]


def test_the_variant_that_reads_noise_beside_the_picture_is_refused():
    header = header_of(original_unet(UNET, **CONFIG, in_channels=8))
    assert LOTUS.refuses(header) == "its U-Net reads noise beside the picture"
    assert all(family.refuses(header) for family in FAMILIES)


def test_the_answer_is_that_of_the_published_pipeline(library):
    model = library.diffusion_model("lotus.safetensors")
    assert (model.family.title, model.prediction, model.augmentation) == ("Lotus", IMAGE_TO_IMAGE, None)
    picture, tokens = torch.randn(2, 4, 8, 8), torch.randn(1, 2, tiny.WIDTH)
    task = torch.tensor([[1.0, 0.0]])
    task = torch.cat((task.sin(), task.cos()), -1).expand(2, -1)
    network = tiny.lotus_unet().half().float()
    expected = network(picture, 999, tokens.expand(2, -1, -1), class_labels=task).sample
    with torch.inference_mode():
        vector = LOTUS.vector(None, 64, 64, False)
        rows = vector.rows(torch.tensor([0, 0]))
        given = model.denoised(picture, 999.0, tokens.expand(2, -1, -1), vector=rows)
    assert torch.allclose(given, expected, atol=1e-5)
