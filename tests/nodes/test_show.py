"""Values shown as text."""

import pytest

from graph.define import spec_of
from nodes.show import LONGEST, preview_any


class Shown:
    """Outputs that only remember."""

    def __init__(self):
        self.texts = []

    def show_text(self, text):
        self.texts.append(text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a cat", "a cat"),
        (20, "20"),
        (True, "True"),
        (None, "None"),
        ([1, "é"], '[\n    1,\n    "é"\n]'),
        ({"a": {1, 2}}, "{'a': {1, 2}}"),
    ],
)
def test_any_value_is_shown_as_a_person_reads_it(value, text):
    shown = Shown()
    preview_any(value, outputs=shown)
    assert shown.texts == [text]


def test_a_text_without_end_is_cut():
    shown = Shown()
    preview_any("a" * 10 * LONGEST, outputs=shown)
    assert len(shown.texts[0]) == LONGEST


def test_a_run_may_be_for_it_alone():
    assert spec_of(preview_any).terminal
