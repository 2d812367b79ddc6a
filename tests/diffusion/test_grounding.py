from dataclasses import replace

import pytest
import torch

from diffusion.errors import DiffusionError, FamilyMismatch
from diffusion.gligen import Gligen, TextBox
from diffusion.grounding import boxed, grounded
from diffusion.values import Conditioning, Prompt
from tests import tiny

BOX = TextBox(2, 3, 1, 0, torch.ones(1, tiny.WIDTH))


@pytest.fixture
def one(library) -> Gligen:
    return library.gligen(tiny.GLIGEN)


@pytest.fixture
def network(checkpoint):
    return checkpoint.model.network


def prompts(count: int = 1) -> Conditioning:
    return Conditioning(tuple(Prompt(torch.zeros(1, 77, 8)) for _ in range(count)))


def test_a_box_s_corners_are_fractions_of_the_picture():
    assert TextBox(2, 3, 4, 1, BOX.text).corners(8, 4) == (0.25, 0.5, 1.0, 0.75)


def test_every_entry_gets_the_boxes_in_order(one):
    second = TextBox(1, 1, 0, 0, BOX.text)
    made = boxed(boxed(prompts(2), one, BOX), one, second)
    assert [entry.grounding.boxes for entry in made.entries] == [(BOX, second)] * 2


def test_the_last_networks_that_were_given_read_all_boxes(one):
    other = replace(one)
    made = boxed(boxed(prompts(), other, BOX), one, BOX).entries[0].grounding
    assert made.gligen is one and len(made.boxes) == 2


def test_more_than_thirty_boxes_are_refused(one):
    made = prompts()
    for _ in range(30):
        made = boxed(made, one, BOX)
    with pytest.raises(DiffusionError, match="has 30 boxes already, and GLIGEN reads no more than 30"):
        boxed(made, one, BOX)


def test_the_text_of_another_encoder_is_refused(one):
    with pytest.raises(
        FamilyMismatch, match="reads texts of 8 numbers, but this text encoder tells them in 16"
    ):
        boxed(prompts(), one, TextBox(1, 1, 0, 0, torch.ones(1, 16)))


def test_where_nothing_has_boxes_prompts_stay_as_they_are(network):
    wanted, unwanted = [prompts()], [prompts()]
    assert grounded(network, wanted, unwanted) == (wanted, unwanted)


def test_where_one_prompt_has_boxes_all_others_have_empty_ones(network, one):
    wanted, unwanted = grounded(
        network, [boxed(prompts(), one, BOX), prompts(2)], [boxed(prompts(), one, BOX)]
    )
    entries = [entry.grounding for each in (*wanted, *unwanted) for entry in each.entries]
    assert [len(each.boxes) for each in entries] == [1, 0, 0, 0]
    assert all(each.gligen is one and len(each.places) == 4 for each in entries)


def test_boxes_of_what_is_unwanted_alone_change_nothing_that_is_wanted(network, one):
    wanted, unwanted = grounded(network, [prompts()], [boxed(prompts(), one, BOX)])
    assert wanted[0].entries[0].grounding is None and unwanted[0].entries[0].grounding.boxes == ()
