from dataclasses import replace

import pytest
import torch

from diffusion.errors import DiffusionError, FamilyMismatch
from diffusion.vae import cropped, decode, encode, faded, in_tiles, starts
from diffusion.values import Image, Latent
from tests import tiny

RANDOM = torch.Generator().manual_seed(5)
PIXELS = torch.rand(2, 32, 48, 3, generator=RANDOM)
LATENT = torch.randn(2, 4, 4, 6, generator=RANDOM)


class Stop(BaseException):
    """What a check raises to stop."""


@pytest.fixture
def vae(checkpoint):
    return checkpoint.vae


def test_a_picture_is_encoded_as_the_mean_the_library_gives(vae):
    expected = tiny.vae().encode(PIXELS.movedim(-1, 1) * 2 - 1).latent_dist.mean
    assert torch.allclose(encode(vae, Image(PIXELS)).samples, expected, atol=1e-5)


def test_a_latent_is_decoded_as_the_library_does(vae):
    expected = ((tiny.vae().decode(LATENT).sample + 1) / 2).clamp(0, 1).movedim(1, -1)
    assert torch.allclose(decode(vae, Latent(LATENT)), expected, atol=1e-5)


def test_a_decoded_picture_is_an_image_between_0_and_1(vae):
    image = decode(vae, Latent(LATENT * 50))
    assert isinstance(image, Image) and float(image.min()) >= 0 and float(image.max()) <= 1


def test_encoding_draws_nothing(vae):
    assert torch.equal(encode(vae, Image(PIXELS)).samples, encode(vae, Image(PIXELS)).samples)


def test_transparency_is_left_out(vae):
    clear = Image(torch.cat((PIXELS, torch.zeros(2, 32, 48, 1)), -1))
    assert torch.equal(encode(vae, clear).samples, encode(vae, Image(PIXELS)).samples)


def test_a_picture_is_cut_around_its_middle():
    image = torch.arange(11.0)[None, :, None, None].expand(1, 11, 8, 3)
    assert cropped(image, 8)[0, :, 0, 0].tolist() == list(range(1, 9))


def test_a_picture_smaller_than_a_cell_is_refused(vae):
    with pytest.raises(DiffusionError, match="at least 8 x 8"):
        encode(vae, Image(torch.rand(1, 4, 64, 3)))


def test_a_latent_of_another_family_is_refused(vae):
    with pytest.raises(FamilyMismatch, match="16 channels, but the VAE reads 4"):
        decode(vae, Latent(torch.zeros(1, 16, 4, 4)))


def test_a_check_can_stop_decoding(vae):
    def stop() -> None:
        raise Stop

    with pytest.raises(Stop):
        decode(vae, Latent(LATENT), check=stop)


def test_tiles_of_a_picture_that_fits_one_are_the_picture():
    picture = torch.rand(1, 3, 16, 16)
    assert torch.allclose(in_tiles(lambda part: part, picture, 64, 8, 1), picture, atol=1e-6)


def test_tiles_join_without_a_seam():
    picture = torch.rand(1, 3, 50, 70)
    assert torch.allclose(in_tiles(lambda part: part, picture, 16, 4, 1), picture, atol=1e-5)


def test_tiles_of_a_network_that_enlarges_join_without_a_seam():
    latent = torch.rand(1, 3, 20, 30)
    enlarged = latent.repeat_interleave(8, 2).repeat_interleave(8, 3)
    tiled = in_tiles(lambda part: part.repeat_interleave(8, 2).repeat_interleave(8, 3), latent, 8, 2, 8)
    assert torch.allclose(tiled, enlarged, atol=1e-5)


def test_the_last_tile_ends_with_the_picture():
    assert list(starts(20, 8, 2))[-1] + 8 >= 20


def test_a_tile_fades_towards_its_edges():
    assert faded(torch.Size((4, 4)), 2)[0].tolist() == [0.25, 0.5, 0.5, 0.25]


def test_without_room_for_a_whole_picture_it_is_decoded_in_tiles(vae, tiny_models):
    whole = decode(vae, Latent(LATENT))
    assert torch.allclose(
        decode(replace(vae, network=Crowded(vae.network)), Latent(LATENT)), whole, atol=1e-5
    )


class Crowded:
    """A network on a device without room for two pictures at once."""

    def __init__(self, network) -> None:
        self.network = network

    def resident(self):
        return Limited(self.network)


class Limited:
    """While this lasts, the network runs out of memory for more than one picture."""

    def __init__(self, network) -> None:
        self.context = network.resident()

    def __enter__(self):
        module = self.context.__enter__()
        self.hook = module.post_quant_conv.register_forward_pre_hook(self.refuse)
        return module

    def refuse(self, _module, inputs) -> None:
        if len(inputs[0]) > 1:
            raise torch.OutOfMemoryError

    def __exit__(self, *error) -> None:
        self.hook.remove()
        self.context.__exit__(*error)
