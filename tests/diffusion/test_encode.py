from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from diffusion.encode import emphasised, encode, encode_apart, fitting
from diffusion.errors import FamilyMismatch, MissingPart
from diffusion.tokens import END, START, Token
from tests import tiny


@pytest.fixture
def encoder(checkpoint):
    return checkpoint.text_encoder


def tokens(encoder, text: str) -> torch.Tensor:
    """The encoded tokens of a prompt."""
    return encode(encoder, text).entries[0].tokens


def reference(ids: list[int]) -> torch.Tensor:
    """What the library's own text encoder says to a padded prompt."""
    padded = torch.tensor([ids + [END] * (77 - len(ids))])
    return tiny.text_encoder()(input_ids=padded)


def test_a_prompt_gives_what_the_library_s_encoder_gives(encoder):
    expected = reference([START, 320, 736, 3240, END]).last_hidden_state
    assert torch.allclose(tokens(encoder, "a red fox"), expected, atol=1e-6)


def test_the_pooled_vector_is_that_of_the_first_end(encoder):
    expected = reference([START, 320, 736, 3240, END]).last_hidden_state[:, 4]
    assert torch.allclose(encode(encoder, "a red fox").entries[0].pooled, expected, atol=1e-6)


def test_a_prompt_knows_its_family(encoder):
    assert encode(encoder, "").entries[0].family == "sd15"


def test_a_long_prompt_has_77_tokens_for_each_chunk(encoder):
    assert tokens(encoder, "a " * 160).shape == (1, 3 * 77, tiny.WIDTH)


def test_the_pooled_vector_is_that_of_the_first_chunk(encoder):
    assert encode(encoder, "a " * 160).entries[0].pooled.shape == (1, tiny.WIDTH)


def test_weight_one_changes_nothing(encoder):
    assert torch.equal(tokens(encoder, "a (red:1) fox"), tokens(encoder, "a red fox"))


def test_a_weight_moves_a_token_away_from_the_empty_prompt(encoder):
    plain, empty = tokens(encoder, "red"), tokens(encoder, "")
    expected = (plain[0, 1] - empty[0, 1]) * 1.5 + empty[0, 1]
    assert torch.allclose(tokens(encoder, "(red:1.5)")[0, 1], expected, atol=1e-5)


def test_a_weight_leaves_other_tokens_as_they_are(encoder):
    weighted, plain = tokens(encoder, "(red:1.5)"), tokens(encoder, "red")
    assert torch.allclose(weighted[0, 2:], plain[0, 2:], atol=1e-6)


def test_a_weight_leaves_the_pooled_vector_as_it_is(encoder):
    weighted, plain = (encode(encoder, text).entries[0].pooled for text in ("(red:1.5)", "red"))
    assert torch.allclose(weighted, plain, atol=1e-6)


@settings(deadline=None)
@given(st.floats(-3, 3))
def test_emphasis_is_linear_in_the_weight(weight):
    hidden, neutral = torch.tensor([[[3.0]]]), torch.tensor([[1.0]])
    assert float(emphasised(hidden, neutral, torch.tensor([[weight]]))) == pytest.approx(
        1 + 2 * weight, abs=1e-5
    )


def test_minus_one_is_the_last_layer(encoder):
    assert torch.equal(tokens(replace(encoder, stop_at_layer=-1), "red"), tokens(encoder, "red"))


def test_an_earlier_layer_is_normalised_like_the_last(encoder):
    module = tiny.text_encoder()
    hidden = module(input_ids=torch.tensor([[START, 736, END] + [END] * 74]), output_hidden_states=True)
    expected = module.final_layer_norm(hidden.hidden_states[2])
    assert torch.allclose(tokens(replace(encoder, stop_at_layer=-2), "red"), expected, atol=1e-6)


def test_more_layers_back_than_there_are_is_the_last_layer(encoder):
    assert torch.equal(tokens(replace(encoder, stop_at_layer=-24), "red"), tokens(encoder, "red"))


def test_the_pooled_vector_always_comes_from_the_last_layer(encoder):
    early, last = (
        encode(each, "red").entries[0].pooled for each in (replace(encoder, stop_at_layer=-2), encoder)
    )
    assert torch.equal(early, last)


def test_an_embedding_changes_the_prompt(encoder):
    assert not torch.equal(tokens(encoder, "embedding:shiny"), tokens(encoder, "red red"))


def test_an_embedding_of_a_word_s_own_vector_is_that_word(encoder):
    row = tiny.text_encoder().embeddings.token_embedding.weight[736]
    inserted = replace(encoder, embeddings=lambda _name, _encoder: row[None])
    assert torch.allclose(tokens(inserted, "a embedding:red fox"), tokens(encoder, "a red fox"), atol=1e-6)


def test_an_embedding_for_another_encoder_is_left_out_with_a_warning(encoder, caplog):
    wide = replace(encoder, embeddings=lambda _name, _encoder: torch.ones(1, 768))
    assert torch.equal(tokens(wide, "a embedding:wide fox"), tokens(encoder, "a fox"))
    assert "another text encoder" in caplog.text


def test_padding_stands_for_what_is_left_out_of_a_full_chunk():
    chunk = [Token(START), Token(5, vector=torch.ones(4)), Token(6), Token(END)]
    assert [token.id for token in fitting(chunk, width=3, pad=0)] == [START, 6, END, 0]


def test_no_hook_stays_on_the_network(encoder):
    encode(replace(encoder, stop_at_layer=-2), "embedding:shiny")
    with encoder.towers[0].network.resident() as module:
        assert not any(part._forward_hooks for part in module.modules())


def test_texts_for_other_encoders_are_refused(encoder):
    with pytest.raises(FamilyMismatch, match="for clip_h, but the text encoder is clip_l"):
        encode_apart(encoder, {"clip_h": "red"})


def test_a_file_without_a_text_encoder_says_so_when_a_prompt_is_encoded(tmp_path):
    folder = tiny.models(tmp_path)
    tiny.save_checkpoint(folder / "checkpoints" / "half.safetensors", parts=("network", "vae"))
    encoder = tiny.library(folder).checkpoint("half.safetensors").text_encoder
    with pytest.raises(MissingPart, match="half.safetensors has no text encoder inside.*Load CLIP"):
        encode(encoder, "red")


def test_where_only_one_network_fits_each_is_loaded_once_for_a_prompt(family_models, caplog):
    caplog.set_level("INFO")
    encoder = tiny.library(family_models, "offload").checkpoint(tiny.SDXL).text_encoder
    encode(encoder, "(red:1.2)")
    assert caplog.text.count("loaded text encoder") == 2
