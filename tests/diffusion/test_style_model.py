import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional as F

from diffusion.clip_vision import Seen
from diffusion.errors import FamilyMismatch, UnknownCheckpoint
from diffusion.style_model import styled
from diffusion.values import Conditioning, Prompt
from tests import tiny

WIDTH, CONTEXT, TOKENS, HEADS = 16, tiny.WIDTH, 3, 2
RANDOM = torch.Generator().manual_seed(56)
SEEN = Seen(torch.zeros(2, 4), torch.randn(2, 5, WIDTH, generator=RANDOM), torch.zeros(2, 5, WIDTH))
PROMPT = Conditioning((Prompt(torch.randn(1, 77, CONTEXT, generator=RANDOM)),))


def weights() -> dict[str, torch.Tensor]:
    """A style adapter with two layers."""
    shapes = {"style_embedding": (1, TOKENS, WIDTH), "proj": (WIDTH, CONTEXT)}
    for layer in ("transformer_layes.0", "transformer_layes.1"):
        shapes |= {
            f"{layer}.attn.in_proj_weight": (3 * WIDTH, WIDTH),
            f"{layer}.attn.in_proj_bias": (3 * WIDTH,),
        }
        sizes = {"attn.out_proj": (WIDTH, WIDTH), "mlp.c_fc": (32, WIDTH), "mlp.c_proj": (WIDTH, 32)}
        for name, shape in sizes.items():
            shapes |= {f"{layer}.{name}.weight": shape, f"{layer}.{name}.bias": shape[:1]}
        shapes |= {
            f"{layer}.{norm}.{kind}": (WIDTH,) for norm in ("ln_1", "ln_2") for kind in ("weight", "bias")
        }
    shapes |= {f"{norm}.{kind}": (WIDTH,) for norm in ("ln_pre", "ln_post") for kind in ("weight", "bias")}
    random = torch.Generator().manual_seed(57)
    return {key: torch.randn(shape, generator=random) for key, shape in shapes.items()}


def by_hand(states: torch.Tensor) -> torch.Tensor:
    """The tokens [batch, tokens, context], computed from the weights alone."""
    known = weights()

    def norm(name: str, value: torch.Tensor) -> torch.Tensor:
        return F.layer_norm(value, (WIDTH,), known[f"{name}.weight"], known[f"{name}.bias"])

    def linear(name: str, value: torch.Tensor) -> torch.Tensor:
        return value @ known[f"{name}.weight"].T + known[f"{name}.bias"]

    states = norm("ln_pre", torch.cat((states, known["style_embedding"].expand(len(states), -1, -1)), 1))
    for layer in ("transformer_layes.0", "transformer_layes.1"):
        fed = norm(f"{layer}.ln_1", states) @ known[f"{layer}.attn.in_proj_weight"].T
        heads = (
            (fed + known[f"{layer}.attn.in_proj_bias"]).unflatten(-1, (3, HEADS, -1)).permute(2, 0, 3, 1, 4)
        )
        scores = heads[0] @ heads[1].transpose(-1, -2) / (WIDTH // HEADS) ** 0.5
        found = (torch.softmax(scores, -1) @ heads[2]).transpose(1, 2).flatten(2)
        states = states + linear(f"{layer}.attn.out_proj", found)
        inner = linear(f"{layer}.mlp.c_fc", norm(f"{layer}.ln_2", states))
        states = states + linear(f"{layer}.mlp.c_proj", inner * torch.sigmoid(1.702 * inner))
    return norm("ln_post", states[:, -TOKENS:]) @ known["proj"]


@pytest.fixture
def library(tmp_path):
    (tmp_path / "style_models").mkdir()
    save_file(weights(), tmp_path / "style_models" / "style.safetensors", {"style.num_heads": str(HEADS)})
    save_file({"weight": torch.zeros(2)}, tmp_path / "style_models" / "other.safetensors")
    return tiny.library(tmp_path)


@pytest.mark.parametrize("strength", [1.0, 0.4])
def test_the_tokens_of_pictures_stand_behind_those_of_the_prompt(library, strength):
    (entry,) = styled(PROMPT, library.style_model("style.safetensors"), SEEN, strength).entries
    assert torch.equal(entry.tokens[:, :77], PROMPT.entries[0].tokens)
    expected = by_hand(SEEN.last_hidden_state).flatten(0, 1) * strength
    assert torch.allclose(entry.tokens[0, 77:], expected, atol=1e-4)


def test_a_prompt_of_another_width_is_refused(library):
    other = Conditioning((Prompt(torch.zeros(1, 77, 5)),))
    with pytest.raises(FamilyMismatch, match="makes tokens of 8 numbers, but those of the prompt have 5"):
        styled(other, library.style_model("style.safetensors"), SEEN)


def test_what_another_image_encoder_saw_is_refused(library):
    seen = Seen(torch.zeros(1, 4), torch.zeros(1, 5, 12), torch.zeros(1, 5, 12))
    with pytest.raises(FamilyMismatch, match="reads patches of 16 numbers, but the image encoder tells 12"):
        styled(PROMPT, library.style_model("style.safetensors"), seen)


def test_a_file_of_another_kind_is_refused_in_a_sentence(library):
    with pytest.raises(UnknownCheckpoint, match="other.safetensors is not a style model"):
        library.style_model("other.safetensors")
