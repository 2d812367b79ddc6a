from dataclasses import replace

import pytest
import torch

from diffusion.errors import OutOfMemory
from diffusion.upscale import first_tile, in_tiles, upscaled
from diffusion.values import Image
from tests import tiny

PICTURE = Image(torch.rand(2, 20, 24, 3, generator=torch.Generator().manual_seed(2)))


@pytest.fixture
def upscaler(library):
    return library.upscaler(tiny.UPSCALER)


class Stop(BaseException):
    """What a watch raises to stop."""


class Crowded:
    """A network on a device that has room for so many pixels at once."""

    def __init__(self, network, most: int) -> None:
        self.network, self.memory, self.most = network, network.memory, most

    def resident(self):
        self.context = self.network.resident()
        return self

    def __enter__(self):
        module = self.context.__enter__()
        self.hook = module.register_forward_pre_hook(self.refuse)
        return module

    def refuse(self, _module, inputs) -> None:
        if inputs[0].shape[-1] * inputs[0].shape[-2] > self.most:
            raise torch.OutOfMemoryError

    def __exit__(self, *error) -> None:
        self.hook.remove()
        self.context.__exit__(*error)


def test_a_picture_is_enlarged_by_what_the_network_was_made_for(upscaler):
    large = upscaled(upscaler, PICTURE)
    assert isinstance(large, Image) and large.shape == (2, 40, 48, 3)
    assert float(large.min()) >= 0 and float(large.max()) <= 1


def test_a_picture_that_fits_one_tile_is_what_the_network_makes(upscaler):
    with upscaler.network.resident() as module:
        whole = module(torch.as_tensor(PICTURE).movedim(-1, 1)).clamp(0, 1)
    assert torch.allclose(upscaled(upscaler, PICTURE).movedim(-1, 1), whole, atol=1e-6)


def test_tiles_join_to_nearly_the_whole(upscaler):
    planes = torch.rand(1, 3, 120, 90)
    with upscaler.network.resident() as module:
        tiled = in_tiles(module, planes, 64, lambda done, total: None)
        assert float((tiled - module(planes)).abs().mean()) < 0.01


def test_transparency_is_left_out(upscaler):
    clear = Image(torch.cat((PICTURE, torch.zeros(2, 20, 24, 1)), -1))
    assert torch.equal(upscaled(upscaler, clear), upscaled(upscaler, PICTURE))


def test_a_grey_picture_is_enlarged_in_colour(upscaler):
    assert upscaled(upscaler, Image(PICTURE[..., :1])).shape == (2, 40, 48, 3)


def test_every_tile_is_reported(upscaler):
    seen = []
    planes = torch.rand(2, 3, 80, 80)
    with upscaler.network.resident() as module:
        in_tiles(module, planes, 64, lambda done, total: seen.append((done, total)))
    assert seen[-1] == (8, 8) and {done for done, _ in seen} == set(range(9))


def test_enlarging_can_be_stopped_between_blocks(upscaler):
    def stop(done: int, total: int) -> None:
        raise Stop

    with pytest.raises(Stop):
        upscaled(upscaler, PICTURE, stop)


def test_where_memory_is_short_tiles_are_smaller(upscaler):
    picture = Image(torch.rand(1, 160, 160, 3))
    crowded = replace(upscaler, network=Crowded(upscaler.network, 130 * 130))
    assert upscaled(crowded, picture).shape == (1, 320, 320, 3)


def test_where_no_tile_fits_a_sentence_tells(upscaler):
    with pytest.raises(OutOfMemory, match="even in parts"):
        upscaled(replace(upscaler, network=Crowded(upscaler.network, 10)), PICTURE)


@pytest.mark.parametrize(("free", "tile"), [(0, 128), (float("inf"), 512)])
def test_the_first_size_of_tiles_is_what_should_fit(upscaler, free, tile):
    upscaler.network.memory.free_bytes = lambda: free
    with upscaler.network.resident() as module:
        assert first_tile(module, upscaler.network.memory) == tile
