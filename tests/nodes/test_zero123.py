import pytest
import torch

from diffusion.errors import MissingPart
from diffusion.zero123 import Orbit
from graph.define import spec_of
from nodes.sampling import ksampler
from nodes.vae import vae_decode
from nodes.zero123 import load_image_only_checkpoint, show_from_side, show_from_sides
from tests import tiny

NAME = "zero123.safetensors"
PICTURE = torch.rand(1, 80, 64, 3, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """A small Zero123 beside a small Stable Diffusion 1."""
    folder = tmp_path_factory.mktemp("models")
    (folder / "checkpoints").mkdir()
    tiny.save_zero123(folder / "checkpoints" / NAME)
    tiny.save_checkpoint(folder / "checkpoints" / tiny.CHECKPOINT)
    return tiny.library(folder)


def test_the_nodes_are_the_field_s():
    specs = [spec_of(each) for each in (load_image_only_checkpoint, show_from_side, show_from_sides)]
    assert [(spec.type, spec.category) for spec in specs] == [
        ("ImageOnlyCheckpointLoader", "loaders/video_models"),
        ("StableZero123_Conditioning", "conditioning/3d_models"),
        ("StableZero123_Conditioning_Batched", "conditioning/3d_models"),
    ]
    assert [each.type for each in specs[0].outputs] == ["MODEL", "CLIP_VISION", "VAE"]
    assert [each.type for each in specs[1].outputs] == ["CONDITIONING", "CONDITIONING", "LATENT"]


def test_an_object_is_shown_from_two_sides_at_once(library):
    model, vision, vae = load_image_only_checkpoint(NAME, library=library)
    turned = show_from_sides(vision, PICTURE, vae, 64, 48, 2, 10.0, 0.0, 5.0, 90.0)
    assert torch.equal(turned.positive.entries[0].tokens[:, 0, 768:], Orbit(10.0, 0.0, 5.0, 90.0).cameras(2))
    assert turned.latent.samples.shape == (2, 4, 6, 8) and turned.latent.batch_index is None
    done = ksampler(model, turned.positive, turned.negative, turned.latent, steps=2, cfg=3.0)
    pixels = vae_decode(done, vae)
    assert pixels.shape == (2, 48, 64, 3) and pixels.isfinite().all()


def test_without_steps_all_are_shown_from_one_side(library):
    _model, vision, vae = load_image_only_checkpoint(NAME, library=library)
    one = show_from_side(vision, PICTURE, vae, 64, 64, 3, 20.0, -40.0)
    same = show_from_sides(vision, PICTURE, vae, 64, 64, 3, 20.0, -40.0)
    assert torch.equal(one.positive.entries[0].tokens.expand(3, -1, -1), same.positive.entries[0].tokens)
    assert one.latent.samples.shape == same.latent.samples.shape == (3, 4, 8, 8)


def test_a_checkpoint_that_reads_text_alone_is_refused(library):
    with pytest.raises(MissingPart, match="no image encoder inside. Choose one that reads pictures"):
        load_image_only_checkpoint(tiny.CHECKPOINT, library=library)
