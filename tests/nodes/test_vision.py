import torch

from graph.define import spec_of
from nodes.vision import encode_clip_vision, load_clip_vision
from tests import tiny


def test_the_nodes_are_the_field_s():
    found = [
        (spec.type, spec.category, spec.title, [each.name for each in spec.inputs], spec.outputs[0].type)
        for spec in map(spec_of, (load_clip_vision, encode_clip_vision))
    ]
    assert found == [
        ("CLIPVisionLoader", "loaders", "Load CLIP Vision", ["clip_name"], "CLIP_VISION"),
        (
            "CLIPVisionEncode",
            "conditioning",
            "CLIP Vision Encode",
            ["clip_vision", "image", "crop"],
            "CLIP_VISION_OUTPUT",
        ),
    ]


def test_a_picture_is_seen_as_one_vector_and_patch_by_patch(tmp_path):
    (tmp_path / "clip_vision").mkdir()
    tiny.save_image_encoder(tmp_path / "clip_vision" / "small.safetensors")
    encoder = load_clip_vision("small.safetensors", library=tiny.library(tmp_path))
    seen = encode_clip_vision(encoder, torch.rand(2, 40, 60, 3), "none")
    assert (seen.image_embeds.shape, seen.last_hidden_state.shape) == ((2, 8), (2, 17, 8))
