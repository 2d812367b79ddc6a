import pytest
import torch

from diffusion.compiling import Compiled, has_cpp_compiler
from diffusion.errors import DiffusionError
from diffusion.fewer_tokens import TokenMerging
from diffusion.lora import with_lora
from tests import tiny

RANDOM = torch.Generator().manual_seed(12)
TOKENS = torch.randn(2, 77, tiny.WIDTH, generator=RANDOM)
X = torch.randn(2, 4, 16, 8, generator=RANDOM) * 3


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return tiny.library(tiny.models(tmp_path_factory.mktemp("models")))


@pytest.fixture
def model(library):
    return library.checkpoint(tiny.CHECKPOINT).model


@pytest.fixture(autouse=True)
def folder(tmp_path_factory, monkeypatch):
    """Where the compiler keeps what it makes."""
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "compiled"))


def answer(model):
    with torch.inference_mode():
        return model.denoised(X, 3.0, TOKENS)


def count(name):
    """How many pieces the compiler has found among what it made earlier, or missed there."""
    return torch._dynamo.utils.counters["inductor"][f"fxgraph_cache_{name}"]


def test_what_is_recorded_on_a_gpu_is_refused_without_one(model):
    with pytest.raises(DiffusionError, match="NVIDIA GPU") as told:
        answer(model.with_hook(Compiled("cudagraphs")))
    assert told.value.hint == "Choose inductor."


@pytest.mark.slow
@pytest.mark.skipif(not has_cpp_compiler(), reason="needs a C++ compiler")
def test_a_compiled_network_answers_as_before_and_what_was_compiled_is_found_again(model):
    compiled = model.with_hook(Compiled())
    torch._dynamo.reset()
    torch.testing.assert_close(answer(compiled), answer(model), rtol=1e-4, atol=1e-4)
    with model.network.resident() as module:
        assert not any("forward" in vars(part) for part in module.modules())

    made = count("miss") + count("hit")
    answer(compiled)
    assert count("miss") + count("hit") == made > 0

    missed = count("miss")
    torch._dynamo.reset()  # as a process that begins
    answer(compiled)
    assert count("hit") > 0
    assert count("miss") == missed


@pytest.mark.slow
@pytest.mark.skipif(not has_cpp_compiler(), reason="needs a C++ compiler")
def test_changes_of_weights_and_of_the_inside_of_blocks_act_on_a_compiled_network_too(model, library):
    answer(model.with_hook(Compiled()))
    with_weights = with_lora(model, None, library.lora(tiny.LORA), 1.0, 0.0).model
    for changed in (with_weights, model.with_hook(TokenMerging(0.5))):
        expected = answer(changed)
        assert not torch.allclose(expected, answer(model), atol=1e-3)
        torch.testing.assert_close(answer(changed.with_hook(Compiled())), expected, rtol=1e-4, atol=1e-4)
