from dataclasses import replace

import pytest
import torch

from diffusion.errors import DiffusionError, FamilyMismatch
from diffusion.tiles import Tiles
from diffusion.vae import TILES, cropped, decode, encode, encoding_tiles_px, tiles_px
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


def test_tiles_asked_for_give_nearly_the_whole_picture(vae):
    latent = Latent(torch.randn(2, 4, 24, 24, generator=RANDOM))
    whole, tiled = decode(vae, latent), decode(vae, latent, tiles=Tiles(16, 4))
    assert tiled.shape == whole.shape and float((tiled - whole).abs().mean()) < 0.05


def test_a_picture_can_be_encoded_in_tiles(vae):
    image = Image(torch.rand(2, 100, 192, 3, generator=RANDOM))
    whole, tiled = encode(vae, image).samples, encode(vae, image, tiles=Tiles(16, 4)).samples
    assert tiled.shape == whole.shape and float((tiled - whole).abs().mean()) < 0.05


@pytest.mark.parametrize(
    ("size", "overlap", "tiles"), [(512, 64, (64, 8)), (64, 64, (8, 2)), (96, 0, (12, 0))]
)
def test_tiles_in_pixels_overlap_by_a_quarter_at_most(vae, size, overlap, tiles):
    assert tiles_px(vae, size, overlap) == tiles


def test_tiles_to_encode_overlap_as_much_as_is_asked_for(vae):
    assert encoding_tiles_px(vae, 512, 160) == (64, 20)


def test_tiles_to_encode_must_be_more_than_twice_their_overlap(vae):
    with pytest.raises(DiffusionError, match="128 pixels .* overlap by 64"):
        encoding_tiles_px(vae, 128, 64)


def test_a_picture_that_would_not_fit_into_memory_is_decoded_in_tiles(vae):
    latent = Latent(torch.randn(1, 4, 80, 80, generator=RANDOM))
    vae.network.memory.free_bytes = lambda: 0
    assert torch.equal(decode(vae, latent), decode(vae, latent, tiles=TILES))


def test_without_room_for_a_whole_picture_it_is_decoded_in_tiles(vae, tiny_models):
    whole = decode(vae, Latent(LATENT))
    assert torch.allclose(
        decode(replace(vae, network=Crowded(vae.network)), Latent(LATENT)), whole, atol=1e-5
    )


class Crowded:
    """A network on a device without room for two pictures at once."""

    def __init__(self, network) -> None:
        self.network, self.memory = network, network.memory

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
