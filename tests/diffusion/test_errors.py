from diffusion.errors import BrokenFile, DiffusionError


def test_an_error_shows_what_is_wrong_and_what_to_do():
    error = BrokenFile("x.safetensors is cut off.", "Download the file again.")
    assert str(error) == "x.safetensors is cut off. Download the file again."


def test_every_error_is_one_a_person_can_act_on():
    assert issubclass(BrokenFile, DiffusionError)
