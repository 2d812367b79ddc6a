import pytest
import torch

from diffusion.errors import OutOfMemory
from diffusion.tiles import Tiles, faded, one_pass, starts, three_passes


def same(part: torch.Tensor) -> torch.Tensor:
    return part


def enlarged(part: torch.Tensor) -> torch.Tensor:
    return part.repeat_interleave(8, 2).repeat_interleave(8, 3)


def full(_part: torch.Tensor) -> torch.Tensor:
    raise torch.OutOfMemoryError


def test_tiles_of_a_picture_that_fits_one_are_the_picture():
    picture = torch.rand(1, 3, 16, 16)
    assert torch.allclose(three_passes(same, picture, Tiles(64, 8), 1), picture, atol=1e-6)


@pytest.mark.parametrize("overlap", [0, 1, 4])
def test_tiles_join_without_a_seam(overlap):
    picture = torch.rand(1, 3, 50, 70)
    assert torch.allclose(three_passes(same, picture, Tiles(16, overlap), 1), picture, atol=1e-5)


def test_tiles_of_a_network_that_enlarges_join_without_a_seam():
    latent = torch.rand(1, 3, 20, 30)
    assert torch.allclose(one_pass(enlarged, latent, (8, 8), 2, 8), enlarged(latent), atol=1e-5)


def test_the_last_tile_ends_with_the_picture():
    assert list(starts(20, 8, 2))[-1] + 8 >= 20


def test_a_tile_fades_towards_its_edges():
    assert faded(torch.Size((4, 4)), 2)[0].tolist() == [0.25, 0.5, 0.5, 0.25]


def test_a_tile_narrower_than_both_its_edges_fades_twice():
    assert faded(torch.Size((1, 2)), 2)[0].tolist() == [0.125, 0.125]


@pytest.mark.parametrize(("ratio", "size"), [(1, "12 x 8"), (8, "96 x 64"), (1 / 8, "12 x 8")])
def test_a_picture_without_room_even_in_tiles_is_told_in_a_sentence_with_its_size_in_pixels(ratio, size):
    with pytest.raises(OutOfMemory, match=f"no room for a picture of {size} pixels, even in parts"):
        three_passes(full, torch.rand(1, 3, 8, 12), Tiles(4, 1), ratio)
