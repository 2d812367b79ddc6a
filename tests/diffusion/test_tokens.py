import json
import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import CLIPTokenizer

from diffusion.tokens import END, START, ClipTokenizer, chunks, parse

TOKENIZER = ClipTokenizer()
SHINY = torch.ones(2, 8)


def rounded(text: str) -> list[tuple[str, float]]:
    """The segments of a prompt with weights as the specification writes them."""
    return [(segment.text, round(segment.weight, 6)) for segment in parse(text)]


def shiny(name: str) -> torch.Tensor | None:
    """A folder with one embedding of two vectors."""
    return SHINY if name == "shiny" else None


def ids(text: str) -> list[list[int]]:
    """The numbers of a prompt's chunks."""
    return [[token.id for token in chunk] for chunk in chunks(text, TOKENIZER, shiny)]


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        (
            "a (red:1.4) fox, (sitting) on a ((wooden)) chair",
            [
                ("a ", 1),
                ("red", 1.4),
                (" fox, ", 1),
                ("sitting", 1.1),
                (" on a ", 1),
                ("wooden", 1.21),
                (" chair", 1),
            ],
        ),
        (
            "((a red) fox (sitting:0.5) on (a (wooden:1.3) chair:0.9)) x",
            [
                ("a red", 1.21),
                (" fox ", 1.1),
                ("sitting", 0.5),
                (" on ", 1.1),
                ("a ", 0.9),
                ("wooden", 1.3),
                (" chair", 0.9),
                (" x", 1),
            ],
        ),
        ("(red:x)", [("red:x", 1.1)]),
        ("(a:b:1.5)", [("a:b", 1.5)]),
        ("(:1.2) x", [(":1.2", 1.1), (" x", 1)]),
        ("(sitting:1.2 )", [("sitting", 1.2)]),
        ("(chair:)", [("chair:", 1.1)]),
        ("()", []),
        ("", []),
        ("a red fox) sitting (on a chair", [("a red fox) sitting (on a chair", 1)]),
        ("(a:1.2", [("(a:1.2", 1)]),
        ("b ((a)", [("b ", 1), ("(a", 1.1)]),
        ("a) (b) (c (d)", [("a) (b) (c ", 1), ("d", 1.1)]),
        ("a) (b:1.3) c", [("a) (b:1.3) c", 1)]),
        ("a \\(b\\) (c\\))", [("a (b) ", 1), ("c)", 1.1)]),
        ("(a:nan)", [("a:nan", 1.1)]),
        ("[a] {b|c} AND BREAK", [("[a] {b|c} AND BREAK", 1)]),
    ],
)
def test_a_prompt_is_split_as_the_field_does(text, segments):
    assert rounded(text) == segments


@settings(deadline=None)
@given(st.text(alphabet="ab()1. "))
def test_splitting_loses_nothing_but_parentheses(text):
    letters = "".join(segment.text for segment in parse(text))
    assert re.sub("[()]", "", letters) == re.sub("[()]", "", text)


@settings(deadline=None)
@given(st.integers(0, 300), st.integers(0, 300))
def test_each_group_around_a_word_counts_once(opened, closed):
    segments = rounded("(" * opened + "a" + ")" * closed)
    depth = min(opened, closed)
    extra = "(" * (opened - depth), ")" * (closed - depth)
    assert "".join(text for text, _weight in segments) == f"{extra[0]}a{extra[1]}"
    assert ("a" in segments[0][0]) and segments[0][1] == pytest.approx(1.1**depth, rel=1e-6)


def test_a_prompt_may_hold_ten_thousand_groups_within_each_other():
    assert rounded("(" * 10_000 + "a:1.2" + ")" * 10_000) == [("a", 1.2)]
    assert len(parse("(a " * 10_000 + " b)" * 10_000)) == 19_999


@settings(deadline=None)
@given(st.text(alphabet="abc ,.[]{}|:"))
def test_a_text_without_parentheses_is_one_segment_of_weight_one(text):
    assert rounded(text) == ([(text, 1.0)] if text else [])


@settings(deadline=None)
@given(st.floats(-10, 10).map(lambda weight: round(weight, 3)))
def test_a_weight_is_exactly_the_one_that_was_written(weight):
    assert [segment.weight for segment in parse(f"(x:{weight})")] == [weight]


def test_words_have_clip_s_numbers():
    assert ids("a red fox")[0][:5] == [START, 320, 736, 3240, END]


def test_case_and_white_space_do_not_matter():
    assert TOKENIZER.ids("A  Red\n FOX") == TOKENIZER.ids("a red fox")


@pytest.mark.parametrize(
    "text",
    ["héllo wörld", "狐 が 好き", "it's 3am!?", "🦊 & <b>&amp;</b>", "don't stop 123", "a <|endoftext|> fox"],
)
def test_the_tokenizer_agrees_with_the_reference_library(text, reference):
    assert TOKENIZER.ids(text) == reference(text)


@pytest.fixture(scope="module")
def reference():
    """transformers' tokenizer over the same vocabulary."""
    words = TOKENIZER.tokenizer.get_vocab()
    tokenizer = CLIPTokenizer(vocab=words, merges=merges())
    return lambda text: tokenizer(text, add_special_tokens=False).input_ids


def merges() -> list[tuple[str, str]]:
    """The merges of our tokenizer."""
    return [tuple(pair) for pair in json.loads(TOKENIZER.tokenizer.to_str())["model"]["merges"]]


def test_an_empty_prompt_is_a_start_and_padding():
    assert ids("") == [[START] + [END] * 76]


def test_seventy_five_words_fit_one_chunk():
    assert len(ids("a " * 75)) == 1 and len(ids("a " * 76)) == 2


@settings(deadline=None)
@given(st.integers(0, 400))
def test_every_chunk_is_77_tokens_from_start_to_end(words):
    assert {(len(chunk), chunk[0], chunk[-1]) for chunk in ids("a " * words)} == {(77, START, END)}


@settings(deadline=None)
@given(st.integers(0, 400))
def test_no_word_is_lost_between_chunks(words):
    assert sum(chunk.count(320) for chunk in ids("a " * words)) == words


def test_a_short_group_moves_to_the_next_chunk_as_a_whole():
    first, second = ids("a " * 72 + "(red red red red:1.2)")
    assert (first.count(736), second.count(736)) == (0, 4)


def test_a_long_group_is_cut_at_the_end_of_the_chunk():
    first, second = ids("a " * 72 + "(red red red red red red red red:1.2)")
    assert (first.count(736), second.count(736)) == (3, 5)


def test_marks_and_padding_have_no_weight():
    chunk = chunks("(red:1.5)", TOKENIZER, shiny)[0]
    assert [token.weight for token in chunk if token.id != 736] == [1.0] * 76


def test_an_embedding_takes_a_place_for_each_of_its_vectors():
    chunk = chunks("a (embedding:shiny:1.2) fox", TOKENIZER, shiny)[0]
    assert [(token.vector is not None, token.weight) for token in chunk[1:5]] == [
        (False, 1.0),
        (True, 1.2),
        (True, 1.2),
        (False, 1.0),
    ]


def test_commas_after_an_embedding_are_text():
    chunk = chunks("embedding:shiny, fox", TOKENIZER, shiny)[0]
    assert [token.id for token in chunk[3:5]] == TOKENIZER.ids(", fox")


def test_a_missing_embedding_is_left_out_with_a_warning(caplog):
    assert ids("a embedding:dull fox") == ids("a fox")
    assert "dull" in caplog.text
