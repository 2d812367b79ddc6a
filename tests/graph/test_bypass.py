import pytest

from graph.bypass import passed_through


@pytest.mark.parametrize(
    ("inputs", "outputs", "slot", "wanted", "place"),
    [
        (["IMAGE", "MASK"], ["IMAGE", "MASK"], 1, "MASK", 1),
        (["MODEL", "LATENT"], ["LATENT"], 0, "LATENT", 1),
        (["A,B", "A"], ["A"], 0, "A", 0),
        (["MODEL", "A,B", "A"], ["A"], 0, "A", 2),
        (["MODEL", "A,B"], ["A"], 0, "A", 1),
        (["MODEL", "image"], ["IMAGE"], 0, "IMAGE", 1),
        (["MODEL"], ["LATENT"], 0, "LATENT", None),
        (["MODEL", "VAE"], ["MODEL", "CLIP"], 1, "*", 1),
        (["MODEL"], ["MODEL", "CLIP"], 1, "*", 0),
        ([], ["LATENT"], 0, "*", None),
    ],
)
def test_which_input_takes_the_place_of_an_output(inputs, outputs, slot, wanted, place):
    assert passed_through(inputs, outputs, slot, wanted) == place
