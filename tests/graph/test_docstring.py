"""Tooltips read from docstrings."""

from graph.docstring import Docs, parse

FULL = """Join two pictures,
    side by side.

    More than a tooltip wants to say.

    Args:
        left: The first.
        *rest (Image): The others,
            in order: left to right.

    Returns:
        The joined picture.

    Raises WorkflowError if the heights differ.
    """


def test_the_first_paragraph_describes_the_node():
    assert parse(FULL).summary == "Join two pictures, side by side."


def test_lines_under_args_describe_the_inputs():
    assert parse(FULL).inputs == {"left": "The first.", "rest": "The others, in order: left to right."}


def test_lines_under_returns_describe_the_output():
    assert parse(FULL).returns.startswith("The joined picture.")


def test_no_docstring_says_nothing():
    assert parse(None) == Docs()
