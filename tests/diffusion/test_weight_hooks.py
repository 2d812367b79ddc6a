from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from diffusion.encode import encode
from diffusion.errors import FamilyMismatch
from diffusion.keyframes import Keyframe, Keyframes
from diffusion.lora import with_lora
from diffusion.merge import Beyond
from diffusion.weight_hooks import WeightHook, WeightHooks, hook_patches, phases, united
from tests import tiny

FIRST = "conv_in.weight"
FADING = Keyframes().and_also(Keyframe(0.0, 1.0), Keyframe(0.5, 0.0), Keyframe(0.75, 1.0))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An own models folder, with a second checkpoint."""
    folder = tiny.models(tmp_path_factory.mktemp("models"))
    tiny.save_checkpoint(folder / "checkpoints" / "other.safetensors", seed=2)
    return folder


@pytest.fixture(scope="module")
def library(folder):
    return tiny.library(folder)


@pytest.fixture
def model(library):
    return library.checkpoint(tiny.CHECKPOINT).model


@pytest.fixture
def hook(library):
    return WeightHook(library.lora(tiny.LORA))


@pytest.fixture
def other(library):
    """Another checkpoint as the source of a hook."""
    found = library.checkpoint("other.safetensors")
    return Beyond(found.model, found.text_encoder)


def of(hooks, network, now=0.0):
    return hook_patches(hooks, network, title="Stable Diffusion").of(hooks, lambda percent: percent <= now)


def weight(model, patches=(), name=FIRST):
    with model.network.resident(patches) as module:
        return module.get_parameter(name).clone()


def test_hooks_are_put_together_in_order_and_each_once(hook):
    same_values = replace(hook)
    assert united((hook,), (same_values, hook), ()) == (hook, same_values)


def test_a_strength_that_stays_is_the_same_patch(hook, model):
    hook = replace(hook, keyframes=FADING)
    patches = hook_patches([hook, replace(hook)], model.network)
    first, last = (patches.of([hook], lambda percent, now=now: percent <= now) for now in (0.1, 0.9))
    assert first == last == patches.of([replace(hook)], lambda _percent: True)
    assert (len(first), patches.of([hook], lambda percent: percent <= 0.6)) == (1, ())


def test_without_strength_a_hook_does_nothing_and_need_not_fit(library, model, folder):
    save_file({"lora_unet_elsewhere.lora_up.weight": torch.ones(1, 1)}, folder / "loras" / "far.safetensors")
    stranger = WeightHook(library.lora("far.safetensors"))
    assert of([replace(stranger, strength_model=0.0)], model.network) == ()
    with pytest.raises(FamilyMismatch, match=r"far.safetensors does not fit Stable Diffusion: nothing in it"):
        of([stranger], model.network)


def test_what_of_a_hook_fits_nothing_is_told_in_the_log(library, model, folder, caplog):
    tiny.save_lora(folder / "loras" / "more.safetensors")
    tensors = load_file(folder / "loras" / "more.safetensors") | {
        "lora_unet_far.lora_up.weight": torch.ones(1, 1)
    }
    save_file(tensors, folder / "loras" / "more.safetensors")
    assert len(of([WeightHook(library.lora("more.safetensors"))], model.network)) == 1
    assert "1 keys fit nothing, such as lora_unet_far" in caplog.text


def test_a_hook_of_another_shape_is_refused_by_name(library, model, folder):
    tensors = {
        f"lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q.lora_{end}.weight": matrix
        for end, matrix in (("up", torch.ones(6, 1)), ("down", torch.ones(1, 6)))
    }
    save_file(tensors, folder / "loras" / "large.safetensors")
    with pytest.raises(FamilyMismatch, match=r"large.safetensors does not fit tiny.safetensors: .* 6 x 6"):
        of([WeightHook(library.lora("large.safetensors"))], model.network)


def test_another_checkpoint_moves_the_weights_towards_its_own(library, model, other):
    theirs, ours = weight(other.model), weight(model)
    for strength in (1.0, 0.25, -0.5):
        moved = weight(model, of([WeightHook(other, strength)], model.network))
        assert torch.allclose(moved, ours + strength * (theirs - ours), atol=1e-6)


def test_what_a_checkpoint_has_beyond_the_model_is_added_like_a_lora(library, model, other):
    name = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q.weight"
    changed = with_lora(model, None, library.lora(tiny.LORA)).model
    added = weight(model, (*changed.patches, *of([WeightHook(other, 0.5)] * 2, model.network)), name)
    expected = weight(model, changed.patches, name) + weight(other.model, (), name) - weight(model, (), name)
    assert torch.allclose(added, expected, atol=1e-6)


def test_a_checkpoint_of_another_architecture_is_refused_by_name(library, model):
    inpainting = library.checkpoint(tiny.INPAINTING)
    with pytest.raises(FamilyMismatch, match=r"tiny_inpaint.* and tiny.* are not built alike"):
        of([WeightHook(Beyond(inpainting.model, inpainting.text_encoder))], model.network)


def test_the_sampling_is_cut_where_the_patches_change(hook, model):
    hooks = [replace(hook, keyframes=FADING.and_also(Keyframe(0.2, 1.0), Keyframe(1.0, 5.0)))]
    patches = hook_patches(hooks, model.network)
    found = phases(hooks, [patches])
    assert [(phase.start, phase.end, len(phase.patches[0])) for phase in found] == [
        (0.0, 0.5, 1),
        (0.5, 0.75, 0),
        (0.75, 1.0, 1),
    ]
    assert found[0].patches == found[2].patches


def test_an_encoder_with_hooks_encodes_as_with_the_loras_themselves(library, hook, other):
    model, encoder, _vae = library.checkpoint(tiny.CHECKPOINT)
    patched = with_lora(model, encoder, hook.source, 0.0, 0.5).text_encoder
    hooked = encoder.with_hooks([replace(hook, strength_text=0.5)], scheduled=False, on_prompts=False)
    (made,), (expected,) = encode(hooked, "a fox").entries, encode(patched, "a fox").entries
    assert torch.equal(made.tokens, expected.tokens)
    assert not torch.equal(made.tokens, encode(encoder, "a fox").entries[0].tokens)
    moved = encoder.with_hooks([WeightHook(other)], scheduled=False, on_prompts=False)
    theirs = encode(other.text_encoder, "a fox").entries[0]
    assert torch.allclose(encode(moved, "a fox").entries[0].tokens, theirs.tokens, atol=2e-2)


def test_prompts_take_the_hooks_along_if_they_are_to(library, hook):
    encoder, keyed = library.checkpoint(tiny.CHECKPOINT).text_encoder, replace(hook, keyframes=FADING)
    for on_prompts, hooks in ((True, (keyed,)), (False, ())):
        (entry,) = encode(encoder.with_hooks([keyed], False, on_prompts), "a fox").entries
        assert (entry.hooks, entry.text_start, entry.text_end) == (hooks, 0.0, 1.0)


def test_a_scheduled_encoder_encodes_once_for_each_strength(library, hook):
    encoder = library.checkpoint(tiny.CHECKPOINT).text_encoder
    scheduled = encoder.with_hooks([replace(hook, keyframes=FADING)], scheduled=True, on_prompts=True)
    full = encode(encoder.with_hooks([hook], scheduled=True, on_prompts=True), "a fox").entries
    entries = encode(scheduled, "a fox").entries
    assert [(entry.text_start, entry.text_end) for entry in entries] == [(0, 0.5), (0.5, 0.75), (0.75, 1)]
    assert entries[0].tokens is entries[2].tokens
    assert torch.equal(entries[0].tokens, full[0].tokens)
    assert torch.equal(entries[1].tokens, encode(encoder, "a fox").entries[0].tokens)


def test_keyframes_are_set_on_all_hooks(hook):
    made = WeightHooks((hook, replace(hook, keyframes=FADING))).with_keyframes(FADING)
    assert [each.keyframes for each in made.hooks] == [FADING, FADING]
    assert hook.keyframes.frames == ()
