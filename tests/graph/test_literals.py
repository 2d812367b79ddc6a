import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.literals import cut_short, fault
from graph.node import Input, Widget
from graph.suggest import did_you_mean

PICKER = Input("image", "COMBO", Widget("file", folder="input", upload=True))
FILES = {"input": ["a.png"], "output": ["b.png"]}


def code(item, value):
    found = fault(item, value, lambda folder: FILES.get(folder, []), did_you_mean)
    return found and found.code


@given(st.integers())
def test_a_number_passes_exactly_within_its_limits(value):
    item = Input("n", "INT", Widget("number", low=-7, high=50))
    assert (code(item, value) is None) == (-7 <= value <= 50)


@given(st.integers(0, 10_000))
def test_a_number_of_which_only_a_multiple_is_used_is_told_with_what_is_used(value):
    told = cut_short(Input("width", "INT", Widget("number", cut_to=8)), value)
    assert (told is None) == (value % 8 == 0)
    if told:
        assert f"so {value - value % 8} is used" in told.message


@given(st.floats())
def test_a_float_passes_exactly_if_it_is_finite_and_within_its_limits(value):
    item = Input("n", "FLOAT", Widget("number", low=0.5, high=2))
    assert (code(item, value) is None) == (0.5 <= value <= 2)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a.png", None),
        ("b.png", "missing_file"),
        ("b.png [output]", None),
        ("a.png [input]", None),
        ("a.png [temp]", "missing_file"),
        ("", "missing_file"),
        (5, "wrong_kind"),
    ],
)
def test_a_file_is_looked_for_in_its_folder_or_the_one_it_names(value, expected):
    assert code(PICKER, value) == expected


def test_where_nothing_was_captured_it_is_said_to_capture_a_picture():
    item = Input("image", "WEBCAM", Widget("webcam", folder="input"))
    found = fault(item, "", lambda folder: FILES[folder], did_you_mean)
    assert "nothing has been captured" in found.message
    assert "capture a picture" in found.hint
    assert code(item, "a.png") is None


def test_a_folder_in_a_name_counts_only_for_pickers_of_given_files():
    item = Input("lora", "COMBO", Widget("file", folder="loras"))
    assert code(item, "b.png [output]") == "missing_file"


def test_a_video_is_looked_for_beside_the_pictures():
    item = Input("file", "COMBO", Widget("file", folder="videos"))
    found = fault(item, "c.mp4", lambda folder: {"videos": ["a.mp4"]}[folder], did_you_mean)
    assert (found.code, found.message) == ("missing_file", "file: there is no 'c.mp4' in the folder input.")
    assert code(item, "a.mp4 [output]") is None


@pytest.mark.parametrize(
    ("wire", "value", "expected"),
    [
        ("INT", 5, None),
        ("INT", 5.5, "wrong_kind"),
        ("INT,FLOAT", 5.5, None),
        ("STRING", "x", None),
        ("BOOLEAN", 1, "wrong_kind"),
        ("INT", True, "wrong_kind"),
        ("*", [1], None),
        ("IMAGE", "x", "wrong_kind"),
        ("FLOAT", float("inf"), "value_out_of_range"),
    ],
)
def test_a_literal_without_a_widget_suits_by_its_kind(wire, value, expected):
    assert code(Input("x", wire), value) == expected


def test_each_item_of_a_list_is_looked_at():
    item = Input("n", "INT", Widget("number", high=5), takes_list=True)
    assert (code(item, [1, 2]), code(item, [1, 9])) == (None, "value_out_of_range")


def test_a_choice_tells_true_from_one():
    item = Input("n", "COMBO", Widget("choice", options=(1, 2)))
    assert (code(item, 1), code(item, True)) == (None, "not_an_option")
