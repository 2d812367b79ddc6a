import torch

from diffusion.values import Conditioning, Image, Prompt
from graph.define import spec_of
from nodes.upscale_diffusion import show_small_picture

IMAGE = Image(torch.rand(2, 8, 12, 3, generator=torch.Generator().manual_seed(1)))
WANTED = Conditioning((Prompt(torch.zeros(1, 77, 8)), Prompt(torch.ones(1, 77, 8))))
UNWANTED = Conditioning((Prompt(torch.zeros(1, 77, 8)),))


def test_the_node_is_the_field_s():
    spec = spec_of(show_small_picture)
    assert (spec.type, spec.category) == ("SD_4XUpscale_Conditioning", "conditioning/upscale_diffusion")
    assert [(each.name, each.type) for each in spec.outputs] == [
        ("positive", "CONDITIONING"),
        ("negative", "CONDITIONING"),
        ("latent", "LATENT"),
    ]


def test_every_entry_of_both_shows_the_pictures_and_how_noisy_they_become():
    made = show_small_picture(IMAGE, WANTED, UNWANTED, noise_augmentation=0.25)
    entries = (*made.positive.entries, *made.negative.entries)
    assert [entry.concat_noise for entry in entries] == [0.25] * 3
    expected = IMAGE.movedim(-1, 1) * 2 - 1
    assert all(torch.allclose(entry.concat_latent, expected) for entry in entries)


def test_the_latent_is_empty_and_has_a_cell_for_each_pixel():
    assert show_small_picture(IMAGE, WANTED, UNWANTED).latent.samples.shape == (2, 4, 8, 12)
    latent = show_small_picture(IMAGE, WANTED, UNWANTED, 2.0).latent.samples
    assert latent.shape == (2, 4, 4, 6) and not latent.any()
