from dataclasses import replace

import pytest
import torch

from diffusion.errors import FamilyMismatch
from diffusion.guidance import cfg, require_family
from tests.diffusion.toy import says, toy_model

X = torch.ones(1, 4, 2, 2)


def predict(x, sigma, descriptions):
    return [x * description for description in descriptions]


def test_guidance_goes_from_the_unwanted_through_the_wanted():
    assert torch.equal(cfg(predict, 2.0, 1.0, 7.5)(X, 1.0), X * 8.5)


def test_at_scale_one_the_unwanted_is_not_even_asked():
    asked = []
    cfg(lambda x, sigma, lists: asked.append(lists) or [x], "yes", "no", 1.0)(X, 1.0)
    assert asked == [("yes",)]


def test_both_are_asked_at_once():
    asked = []
    cfg(lambda x, sigma, lists: asked.append(lists) or [x, x], "yes", "no", 8.0)(X, 1.0)
    assert asked == [("yes", "no")]


def test_a_prompt_of_another_family_is_refused_in_a_sentence():
    foreign = says(0).each(lambda entry: replace(entry, family="sdxl"))
    with pytest.raises(FamilyMismatch, match="This prompt was encoded for sdxl, but the model is sd15"):
        require_family(toy_model(), says(0), foreign)


def test_a_prompt_that_does_not_say_its_family_passes():
    unknown = says(0).each(lambda entry: replace(entry, family=None))
    assert require_family(toy_model(), unknown) is None
