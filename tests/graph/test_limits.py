"""JSON that nobody should have to read."""

import json
import time

import pytest

from graph.errors import UnreadableWorkflow
from graph.limits import MAX_DEPTH, check_data, parse


def refusal(text: str | bytes) -> str:
    with pytest.raises(UnreadableWorkflow) as refused:
        check_data(parse(text))
    return refused.value.message


def test_the_allowed_depth_is_read():
    text = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    data = parse(text)
    check_data(data)
    assert json.dumps(data) == text


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 5_000, 500_000])
def test_more_depth_is_refused_at_once(depth: int):
    start = time.thread_time()
    assert "nested deeper than 64 levels" in refusal("[" * depth + "]" * depth)
    assert time.thread_time() - start < 0.05


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("1e400", "The number 1e400 is too large."),
        ("-1e400", "The number -1e400 is too large."),
        ("NaN", "NaN is not a number that a workflow can hold."),
        ("-Infinity", "-Infinity is not a number"),
        ("9" * 100_000, "A number has 100,000 digits; that is too many."),
        ('"\\ud800"', "A text holds half a character (U+D800)."),
        ('{"\\udc00": 1}', "A text holds half a character (U+DC00)."),
        ('{"a": {"b": 1, "b": 2}}', 'The key "b" stands twice in one object.'),
        ('"' + "a" * 1_000_001 + '"', "A text has 1,000,001 bytes; at most 1,000,000 are read."),
        ('"' + "é" * 500_001 + '"', "A text has 1,000,002 bytes"),
        (b"\xff\xfe", "The file is not text in UTF-8."),
    ],
)  # fmt: skip
def test_what_other_readers_would_not_understand_alike_is_refused(text: str, sentence: str):
    assert sentence in refusal(text)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**4097, "\ud800", {"\ud800": 1}])
def test_decoded_data_is_held_to_the_same(value: object):
    with pytest.raises(UnreadableWorkflow):
        check_data({"a": [value]})


def test_a_pair_of_surrogates_is_one_character():
    assert parse('"\\ud83d\\ude00"') == "😀"
