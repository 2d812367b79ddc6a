import pytest
import torch

from nodes import attention
from tests import tiny

X = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1))
TOKENS = torch.randn(1, 77, 8, generator=torch.Generator().manual_seed(2))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """Model, text encoder and VAE of the small checkpoint."""
    return tiny.library(tiny.models(tmp_path_factory.mktemp("models"))).checkpoint(tiny.CHECKPOINT)


@pytest.mark.parametrize(
    ("node", "settings"),
    [
        (attention.unet_self_attention_multiply, {"q": 3.0}),
        (attention.unet_cross_attention_multiply, {"v": 0.5}),
        (attention.unet_temporal_attention_multiply, {"cross_structural": 2.0}),
    ],
)
def test_a_factor_changes_what_the_network_sees(checkpoint, node, settings):
    plain, changed = (
        each.denoised(X, 3.0, TOKENS) for each in (checkpoint.model, node(checkpoint.model, **settings))
    )
    assert changed.isfinite().all() and not torch.allclose(plain, changed, atol=1e-4)


def test_what_is_over_time_is_not_in_a_model_for_pictures(checkpoint):
    model = attention.unet_temporal_attention_multiply(
        checkpoint.model, self_temporal=3.0, cross_temporal=4.0
    )
    assert model.patches == ()


def test_a_text_encoder_is_changed_too(checkpoint):
    clip = attention.clip_attention_multiply(checkpoint.text_encoder, k=2.0)
    assert len(clip.towers[0].patches) == 1 and checkpoint.text_encoder.towers[0].patches == ()
