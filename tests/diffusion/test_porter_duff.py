import pytest
import torch

from diffusion.porter_duff import MODES, Layer, composite
from diffusion.values import Image, Mask


def layer(value: float, opacity: float, size: int = 2) -> Layer:
    return Layer(Image(torch.full((1, size, size, 3), value)), Mask(torch.full((1, size, size), 1 - opacity)))


def result(source: Layer, destination: Layer, mode: str) -> tuple[float, float]:
    """The colour and the opacity of the first pixel."""
    image, mask = composite(source, destination, mode)
    return round(float(image[0, 0, 0, 0]), 4), round(1 - float(mask[0, 0, 0]), 4)


@pytest.mark.parametrize(
    ("mode", "colour", "opacity"),
    [
        ("CLEAR", 0, 0),
        ("SRC", 0.8, 0.5),
        ("DST", 0.2, 1),
        ("SRC_OVER", 0.5, 1),
        ("DST_OVER", 0.2, 1),
        ("SRC_IN", 0.8, 0.5),
        ("DST_IN", 0.2, 0.5),
        ("SRC_OUT", 0, 0),
        ("DST_OUT", 0.2, 0.5),
        ("SRC_ATOP", 0.5, 1),
        ("DST_ATOP", 0.2, 0.5),
        ("XOR", 0.2, 0.5),
        ("ADD", 0.6, 1),
        ("MULTIPLY", 0.16, 0.5),
        ("SCREEN", 0.52, 1),
        ("OVERLAY", 0.16, 1),
        ("DARKEN", 0.3, 1),
        ("LIGHTEN", 0.5, 1),
    ],
)
def test_a_half_transparent_layer_over_an_opaque_one(mode, colour, opacity):
    assert result(layer(0.8, 0.5), layer(0.2, 1.0), mode) == (colour, opacity)


@pytest.mark.parametrize("mode", MODES)
def test_two_invisible_layers_make_an_invisible_one(mode):
    assert result(layer(0.8, 0.0), layer(0.2, 0.0), mode) == (0, 0)


def test_a_layer_of_another_size_takes_that_of_the_first():
    assert composite(layer(0.8, 0.5), layer(0.2, 1.0, size=5), "SRC_OVER").mask.shape == (1, 2, 2)
