"""The pack that newcomers copy: it loads as packs do, and does what its page says."""

from pathlib import Path

import pytest
import torch

import nodes.custom.example as example
from graph.errors import WorkflowError
from graph.packs import Pack, find, load
from nodes import Image, spec_of

FOLDER = Path(example.__file__).parent
GREY = Image(torch.full((1, 8, 12, 3), 0.5))


def test_the_example_loads_as_a_pack():
    [found] = [each for each in find([FOLDER.parent]) if each.name == "example"]
    pack = load(found)
    assert isinstance(pack, Pack)
    assert [each.spec.type for each in pack.implementations] == ["example.film_look", "example.contact_sheet"]


def test_its_page_shows_the_code_as_it_is():
    page, code = (FOLDER / "README.md").read_text(), (FOLDER / "__init__.py").read_text()
    for shown in ('@node(category="image/film", title="Film Look")', "grain: Share = 0.15", "seed: Seed = 0"):
        assert shown in page and shown in code


def test_no_grain_and_no_vignette_leave_the_picture():
    assert torch.equal(example.film_look(GREY, grain=0, vignette=0), GREY)


def test_a_vignette_darkens_the_corners_most():
    made = example.film_look(GREY, grain=0, vignette=1)
    assert made[0, 0, 0, 0] == 0 and made[0, 4, 6, 0] > 0.45


def test_grain_comes_from_the_seed():
    first, again, other = (example.film_look(GREY, seed=seed) for seed in (2**64 - 1, 2**64 - 1, 1))
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_values_stay_between_0_and_1():
    made = example.film_look(Image(torch.rand(2, 8, 8, 3)), grain=1.0)
    assert made.min() >= 0 and made.max() <= 1


def test_a_contact_sheet_stands_side_by_side():
    made = example.contact_sheet(4, GREY, GREY, GREY)
    assert made.shape == (1, 8, 3 * 12 + 2 * 4, 3)
    assert made[0, 0, 12, 0] == 0 and made[0, 0, 16, 0] == 0.5


def test_pictures_of_other_heights_are_refused_in_a_sentence():
    with pytest.raises(WorkflowError, match=r"have the heights \[4, 8\]"):
        example.contact_sheet(0, GREY, Image(torch.zeros(1, 4, 4, 3)))


def test_the_row_takes_at_least_two_pictures():
    assert spec_of(example.contact_sheet).inputs[1].grows.least == 2
