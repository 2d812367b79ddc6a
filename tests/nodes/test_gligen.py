import pytest
import torch

from graph.define import spec_of
from nodes.gligen import add_text_box, load_gligen
from nodes.latent import empty_latent_image
from nodes.sampling import ksampler
from nodes.text import encode_prompt
from tests import tiny


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """A library on the small checkpoint and its GLIGEN."""
    return tiny.library(tiny.models(tmp_path_factory.mktemp("gligen")))


def test_the_nodes_are_the_field_s():
    specs = [spec_of(each) for each in (load_gligen, add_text_box)]
    assert [(spec.type, spec.category, spec.title) for spec in specs] == [
        ("GLIGENLoader", "loaders", "GLIGENLoader"),
        ("GLIGENTextBoxApply", "conditioning/gligen", "GLIGENTextBoxApply"),
    ]
    assert [spec.outputs[0].type for spec in specs] == ["GLIGEN", "CONDITIONING"]


def test_a_box_is_told_in_cells_with_its_text_as_a_whole(library):
    checkpoint, gligen = (
        library.checkpoint(tiny.CHECKPOINT),
        load_gligen(tiny.GLIGEN, library=library),
    )
    wanted = encode_prompt("a fox and a hen", checkpoint.text_encoder)
    made = add_text_box(wanted, checkpoint.text_encoder, gligen, "a hen", 24, 32, 16, 8)
    (box,) = made.entries[0].grounding.boxes
    assert (box.height, box.width, box.y, box.x) == (4, 3, 1, 2)
    assert torch.equal(box.text, encode_prompt("a hen", checkpoint.text_encoder).entries[0].pooled)
    assert torch.equal(made.entries[0].tokens, wanted.entries[0].tokens)


def test_a_picture_follows_its_boxes(library):
    checkpoint, gligen = (
        library.checkpoint(tiny.CHECKPOINT),
        load_gligen(tiny.GLIGEN, library=library),
    )
    plain, nothing = (encode_prompt(text, checkpoint.text_encoder) for text in ("a fox and a hen", ""))

    def picture(wanted, unwanted=nothing) -> torch.Tensor:
        latent = empty_latent_image(64, 64)
        return ksampler(checkpoint.model, wanted, unwanted, latent, steps=2, cfg=3.0).samples

    def boxed(x: int, prompt=plain):
        return add_text_box(prompt, checkpoint.text_encoder, gligen, "a hen", 16, 16, x, 8)

    assert torch.equal(picture(boxed(8)), picture(boxed(8)))
    assert torch.equal(picture(boxed(8)), picture(boxed(8), boxed(24, nothing)))
    assert not torch.allclose(picture(boxed(8)), picture(boxed(40)), atol=1e-3)
    assert not torch.allclose(picture(boxed(8)), picture(plain), atol=1e-3)
