import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from diffusion.errors import BrokenFile
from diffusion.latent_file import read_latent, write_latent
from diffusion.values import Latent

SAMPLES = torch.randn(2, 4, 5, 6, generator=torch.Generator().manual_seed(1))


def test_a_latent_comes_back_as_it_was_written(tmp_path):
    write_latent(Latent(SAMPLES), tmp_path / "a.latent", {})
    assert torch.equal(read_latent(tmp_path / "a.latent").samples, SAMPLES)


def test_it_is_in_the_field_s_format_with_the_workflow_inside(tmp_path):
    write_latent(Latent(SAMPLES.transpose(2, 3)), tmp_path / "a.latent", {"workflow": "{}"})
    found = load_file(tmp_path / "a.latent")
    assert torch.equal(found["latent_tensor"], SAMPLES.transpose(2, 3))
    assert found["latent_format_version_0"].numel() == 0
    with safe_open(tmp_path / "a.latent", "pt") as file:
        assert file.metadata() == {"workflow": "{}"}


def test_a_file_without_the_mark_is_scaled(tmp_path):
    save_file({"latent_tensor": SAMPLES.half()}, tmp_path / "old.latent")
    assert torch.allclose(read_latent(tmp_path / "old.latent").samples, SAMPLES / 0.18215, rtol=1e-2)


@pytest.mark.parametrize("tensors", [{"weight": SAMPLES}, {"latent_tensor": SAMPLES[0, 0]}])
def test_a_file_without_a_latent_is_refused_in_a_sentence(tmp_path, tensors):
    save_file(tensors, tmp_path / "other.latent")
    with pytest.raises(BrokenFile, match="other.latent holds no latent"):
        read_latent(tmp_path / "other.latent")


@given(st.binary(max_size=200))
def test_what_is_no_safetensors_file_is_refused_too(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("broken") / "a.latent"
    path.write_bytes(content)
    with pytest.raises(BrokenFile):
        read_latent(path)
