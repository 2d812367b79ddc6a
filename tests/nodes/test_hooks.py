import logging

import pytest

from diffusion.errors import MissingFile
from diffusion.keyframes import Keyframe
from diffusion.merge import Beyond
from diffusion.weight_hooks import WeightHooks
from graph.define import marked
from nodes import hooks, properties
from tests import tiny
from tests.diffusion.toy import says


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """A library on small models."""
    return tiny.library(tiny.models(tmp_path_factory.mktemp("models")))


@pytest.fixture(scope="module")
def lora(library):
    return hooks.create_hook_lora(tiny.LORA, 0.5, 0.25, library=library)


def strengths(made):
    return [(hook.strength_model, hook.strength_text) for hook in made.hooks]


def frames(made):
    return [(frame.start, frame.strength) for frame in made.frames]


def test_the_nodes_are_the_field_s():
    specs = [each.spec for each in marked(hooks)]
    assert all(spec.experimental and spec.category.startswith("advanced/hooks/") for spec in specs)
    assert {(spec.outputs[0].type, spec.outputs[0].name) for spec in specs} == {
        ("HOOKS", "HOOKS"),
        ("HOOK_KEYFRAMES", "HOOK_KF"),
        ("CLIP", "CLIP"),
    }
    numbers = next(each for each in specs if each.type == "CreateHookKeyframesFromFloats").inputs[0]
    assert (numbers.type, numbers.widget, numbers.optional) == ("FLOATS", None, False)
    rows = [spec.inputs for spec in specs if spec.type.startswith("CombineHooks")]
    assert [len(row) for row in rows] == [2, 4, 8]
    assert all(each.optional and each.type == "HOOKS" for row in rows for each in row)


def test_each_hook_comes_after_those_before_it(library, lora):
    alone = hooks.create_hook_lora_model_only(tiny.LORA, 2.0, lora, library=library)
    assert strengths(alone) == [(0.5, 0.25), (2.0, 0.0)]
    assert alone.hooks[0] is lora.hooks[0]
    whole = hooks.create_hook_model_as_lora(tiny.CHECKPOINT, 0.1, 0.2, alone, library=library)
    last = hooks.create_hook_model_as_lora_model_only(tiny.CHECKPOINT, 0.3, whole, library=library)
    assert strengths(last)[2:] == [(0.1, 0.2), (0.3, 0.0)]
    assert all(isinstance(hook.source, Beyond) for hook in last.hooks[2:])


def test_a_file_that_is_not_there_is_told(library):
    with pytest.raises(MissingFile, match="tiny_lora"):
        hooks.create_hook_lora("tiny_lara.safetensors", library=library)


def test_combined_hooks_act_each_once(library, lora):
    more = hooks.create_hook_lora(tiny.LORA, prev_hooks=lora, library=library)
    assert hooks.combine_hooks_2(lora, more).hooks == more.hooks
    assert hooks.combine_hooks_4(None, more, hooks_D=lora).hooks == more.hooks
    assert hooks.combine_hooks_8(hooks_H=lora).hooks == lora.hooks
    assert hooks.combine_hooks_2().hooks == ()


def test_keyframes_come_in_order_and_are_told_in_the_log_if_wanted(caplog):
    late = hooks.create_hook_keyframe(0.2, 0.9)
    with caplog.at_level(logging.INFO):
        made = hooks.create_hook_keyframes_interpolated(1.0, 0.0, "ease_in", 0.0, 0.8, 3, True, late)
    assert frames(made) == [(0.0, 1.0), (0.4, 0.75), (0.8, 0.0), (0.9, 0.2)]
    assert "0.750 from 0.400" in caplog.text
    made = hooks.create_hook_keyframes_from_floats([0.5, 2.0], 0.25, 0.75)
    assert frames(made) == [(0.25, 0.5), (0.75, 2.0)]


def test_keyframes_are_set_on_hooks_only_where_there_are_some(lora):
    made = hooks.set_hook_keyframes(lora, hooks.create_hook_keyframe(0.5, 0.5))
    assert made.hooks[0].keyframes.frames == (Keyframe(0.5, 0.5),)
    assert hooks.set_hook_keyframes(lora) is lora


def test_a_text_encoder_takes_hooks_for_itself_and_for_its_prompts(library, lora):
    clip = library.checkpoint(tiny.CHECKPOINT).text_encoder
    keyed = hooks.set_hook_keyframes(lora, hooks.create_hook_keyframe(0.5))
    made = hooks.set_clip_hooks(clip, hooks=keyed)
    assert made.prompt_hooks == keyed.hooks
    assert [patch.strength for each in made.phases for patch in each.patches[0]] == [0.25]
    alone = hooks.set_clip_hooks(clip, False, True, keyed)
    assert alone.prompt_hooks == ()
    assert [patch.strength for each in alone.phases for patch in each.patches[0]] == [0.125]
    assert hooks.set_clip_hooks(clip) is clip


def test_prompts_are_given_hooks_beside_those_they_have(lora):
    twice = WeightHooks((*lora.hooks, *lora.hooks))
    made = properties.conditioning_set_properties(says(1), hooks=lora)
    made = properties.conditioning_set_properties_and_combine(says(2), made, hooks=twice)
    assert [entry.hooks for entry in made.entries] == [(), lora.hooks]
    pair = properties.pair_conditioning_set_properties(says(1), says(2), hooks=lora)
    more = properties.pair_conditioning_set_properties_and_combine(says(3), says(4), *pair)
    rest = properties.pair_conditioning_set_default_combine(*more, says(5), says(6), lora)
    assert [[entry.hooks for entry in each.entries] for each in rest] == [[(), lora.hooks, lora.hooks]] * 2


def test_a_prompt_for_the_rest_is_given_hooks_beside_those_it_has(library, lora):
    other = hooks.create_hook_lora(tiny.LORA, library=library)
    own = properties.conditioning_set_properties(says(2), hooks=other)
    made = properties.conditioning_set_default_combine(says(1), own, lora)
    both = (*other.hooks, *lora.hooks)
    assert [(entry.hooks, entry.fills_rest) for entry in made.entries] == [((), False), (both, True)]
