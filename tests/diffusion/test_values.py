import torch

from diffusion.values import Conditioning, Image, Latent, Mask, Prompt


def test_an_image_shares_the_tensor_it_wraps():
    tensor = torch.rand(1, 2, 2, 3)
    assert Image(tensor).data_ptr() == tensor.data_ptr()


def test_arithmetic_on_an_image_gives_a_plain_tensor():
    assert type(1 - Image(torch.rand(1, 2, 2, 3))) is torch.Tensor


def test_a_piece_of_a_mask_is_a_plain_tensor():
    assert type(Mask(torch.rand(2, 4, 4))[0]) is torch.Tensor


def test_every_value_says_which_socket_it_fits():
    sockets = [kind.socket for kind in (Image, Mask, Latent, Conditioning)]
    assert sockets == ["IMAGE", "MASK", "LATENT", "CONDITIONING"]


def test_changing_each_entry_leaves_the_conditioning_as_it_was():
    conditioning = Conditioning((Prompt(torch.zeros(1, 77, 8)),))
    changed = conditioning.each(lambda entry: Prompt(entry.tokens, strength=2.0))
    assert (conditioning.entries[0].strength, changed.entries[0].strength) == (1.0, 2.0)


def test_values_are_equal_only_to_themselves():
    latent = Latent(torch.zeros(1, 4, 2, 2))
    assert latent == latent and latent != Latent(latent.samples)
