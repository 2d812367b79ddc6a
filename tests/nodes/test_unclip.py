import torch

from diffusion.clip_vision import Seen
from diffusion.values import Conditioning, Prompt
from graph.define import spec_of
from nodes.unclip import follow_picture, load_unclip_checkpoint
from tests import tiny

SEEN = Seen(torch.ones(1, 8), torch.zeros(1, 2, 8), torch.zeros(1, 2, 8))
PROMPT = Conditioning((Prompt(torch.zeros(1, 77, 8)), Prompt(torch.ones(1, 77, 8))))


def test_the_nodes_are_the_field_s():
    found = [
        (spec.type, spec.category, spec.title)
        for spec in map(spec_of, (load_unclip_checkpoint, follow_picture))
    ]
    assert found == [
        ("unCLIPCheckpointLoader", "loaders", "unCLIPCheckpointLoader"),
        ("unCLIPConditioning", "conditioning", "unCLIPConditioning"),
    ]
    assert [each.type for each in spec_of(load_unclip_checkpoint).outputs] == [
        "MODEL",
        "CLIP",
        "VAE",
        "CLIP_VISION",
    ]


def test_every_entry_follows_the_pictures_in_order():
    once = follow_picture(PROMPT, SEEN, 0.5, 0.1)
    twice = follow_picture(once, SEEN)
    assert [[each.strength for each in entry.pictures] for entry in twice.entries] == [[0.5, 1.0]] * 2
    assert [each.noise for each in twice.entries[0].pictures] == [0.1, 0.0]


def test_strength_zero_gives_the_same_prompt():
    assert follow_picture(PROMPT, SEEN, 0.0) is PROMPT


def test_a_checkpoint_gives_its_image_encoder_too(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    tiny.save_unclip(tmp_path / "checkpoints" / "unclip.safetensors")
    made = load_unclip_checkpoint("unclip.safetensors", library=tiny.library(tmp_path))
    assert made.image_encoder.socket == "CLIP_VISION"
    assert made.model.augmentation is not None
