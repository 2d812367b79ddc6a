import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from diffusion.families import FAMILIES, title
from diffusion.family import LatentFormat


@settings(deadline=None)
@given(st.floats(0.01, 10), st.floats(-1, 1))
def test_a_latent_survives_the_way_into_the_network_s_space_and_back(scale, shift):
    form, latent = LatentFormat(4, 8, scale, shift), torch.linspace(-2, 2, 16)
    assert torch.allclose(form.out(form.into(latent)), latent, atol=1e-4)


def test_families_have_different_names():
    assert len({family.name for family in FAMILIES}) == len(FAMILIES)


def test_a_preview_has_a_colour_for_each_latent_channel():
    assert all(len(family.preview) == family.latent.channels for family in FAMILIES)


def test_families_are_called_by_their_titles_and_strangers_by_their_names():
    assert [title(name) for name in ("sdxl", "other", None)] == ["SDXL", "other", "an unknown model"]
