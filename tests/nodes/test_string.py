"""Texts joined, cut, compared, searched and replaced."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.define import spec_of
from graph.errors import WorkflowError
from nodes import string
from nodes.string import (
    compare,
    concatenate,
    contains,
    convert_case,
    extract,
    length,
    matches,
    replace,
    replace_pattern,
    substring,
    trim,
)

COLOURS = "red=1 Green=22\nblue=333"


def test_two_texts_are_joined():
    assert concatenate("a", "b", ", ") == "a, b"


@given(st.text(), st.text())
def test_a_joined_text_is_as_long_as_both(first, second):
    assert length(concatenate(first, second)) == length(first) + length(second)


@pytest.mark.parametrize(
    ("start", "end", "piece"), [(0, 3, "dif"), (3, 99, "fusion"), (-3, 9, "ion"), (5, 2, "")]
)
def test_a_piece_is_cut_out(start, end, piece):
    assert substring("diffusion", start, end) == piece


@pytest.mark.parametrize(
    ("mode", "written"),
    [
        ("UPPERCASE", "A RED CAT"),
        ("lowercase", "a red cat"),
        ("Capitalize", "A red cat"),
        ("Title Case", "A Red Cat"),
    ],
)
def test_a_text_changes_its_case(mode, written):
    assert convert_case("a rEd cat", mode) == written


@pytest.mark.parametrize(("mode", "left"), [("Both", "a b"), ("Left", "a b\n"), ("Right", " \ta b")])
def test_a_text_is_trimmed(mode, left):
    assert trim(" \ta b\n", mode) == left


def test_a_text_is_replaced_wherever_it_occurs():
    assert replace("a cat, a dog", "a ", "one ") == "one cat, one dog"


def test_a_text_is_found_in_another_whatever_its_case_if_wanted():
    assert not contains("A Cat", "cat")
    assert contains("A Cat", "cat", case_sensitive=False)


@pytest.mark.parametrize(
    ("mode", "second"), [("Starts With", "a re"), ("Ends With", "cat"), ("Equal", "a red cat")]
)
def test_texts_are_compared(mode, second):
    assert compare("a red cat", second, mode)
    assert not compare("a red cat", second.upper(), mode)
    assert compare("a red cat", second.upper(), mode, case_sensitive=False)
    assert not compare("a red cat", "dog", mode)


def test_a_pattern_is_found_in_a_text():
    assert matches(COLOURS, r"GREEN=\d") and not matches(COLOURS, r"GREEN=\d", case_insensitive=False)
    assert matches(COLOURS, "^blue", multiline=True) and not matches(COLOURS, "^blue")
    assert matches(COLOURS, "22.blue", dotall=True) and not matches(COLOURS, "22.blue")


@pytest.mark.parametrize(
    ("pattern", "mode", "group", "found"),
    [
        (r"\w+=\d+", "First Match", 1, "red=1"),
        (r"\w+=\d+", "All Matches", 1, "red=1\nGreen=22\nblue=333"),
        (r"(\w+)=(\d+)", "All Matches", 2, "red\nGreen\nblue"),
        (r"(\w+)=(\d+)", "First Group", 2, "1"),
        (r"(\w+)=(\d+)", "All Groups", 2, "1\n22\n333"),
        (r"(\w+)=(\d+)", "All Groups", 3, ""),
        (r"(x)?blue", "First Group", 1, ""),
        ("purple", "First Match", 1, ""),
    ],
)
def test_what_a_pattern_finds_is_taken_out(pattern, mode, group, found):
    assert extract(COLOURS, pattern, mode, group_index=group) == found


def test_what_a_pattern_finds_is_replaced_so_many_times():
    assert replace_pattern(COLOURS, r"(\w+)=", r"\1: ") == "red: 1 Green: 22\nblue: 333"
    assert replace_pattern(COLOURS, r"\d+", "", count=2) == "red= Green=\nblue=333"


@pytest.mark.parametrize("run", [matches, extract, replace_pattern])
def test_a_pattern_with_a_mistake_is_told_in_a_sentence(run):
    with pytest.raises(WorkflowError, match="The pattern has a mistake") as failed:
        run("text", "(open")
    assert failed.value.input == "regex_pattern"


def test_a_replacement_for_a_group_that_is_not_there_is_told():
    with pytest.raises(WorkflowError, match="The replacement cannot be used") as failed:
        replace_pattern("text", "t", r"\7")
    assert failed.value.input == "replace"


@given(st.text(), st.text(min_size=1))
def test_an_escaped_text_is_found_where_the_text_is(string, wanted):
    assert matches(string, re.escape(wanted), case_insensitive=False) == contains(string, wanted)


def test_the_nodes_are_called_as_in_the_field():
    found = [spec_of(each).type for each in vars(string).values() if hasattr(each, "__photogram_node__")]
    assert found == [
        "StringConcatenate",
        "StringSubstring",
        "StringLength",
        "CaseConverter",
        "StringTrim",
        "StringReplace",
        "StringContains",
        "StringCompare",
        "RegexMatch",
        "RegexExtract",
        "RegexReplace",
    ]
