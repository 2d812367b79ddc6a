import pytest

from graph.wires import fits, narrowed


@pytest.mark.parametrize(
    ("given", "wanted", "fit"),
    [
        ("IMAGE", "IMAGE", True),
        ("IMAGE", "MASK", False),
        ("IMAGE", "*", True),
        ("*", "IMAGE", True),
        ("IMAGE", "IMAGE,MASK", True),
        ("IMAGE, MASK", "MASK,LATENT", True),
        ("INT", "FLOAT", True),
        ("FLOAT", "INT", False),
        ("STRING", "COMBO", True),
        ("image", "IMAGE", False),
    ],
)
def test_which_output_may_feed_which_input(given, wanted, fit):
    assert fits(given, wanted) is fit


@pytest.mark.parametrize(
    ("first", "second", "both"),
    [
        ("*", "IMAGE", "IMAGE"),
        ("IMAGE,MASK", "MASK", "MASK"),
        ("INT", "FLOAT", "FLOAT"),
        ("IMAGE", "MASK", None),
    ],
)
def test_what_two_wires_of_one_template_agree_on(first, second, both):
    assert narrowed(first, second) == narrowed(second, first) == both
