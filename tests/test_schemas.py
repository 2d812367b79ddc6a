"""The schemas that other programs read."""

import json

import pytest

from tools.schemas import published


@pytest.mark.parametrize(("path", "text"), list(published()), ids=lambda value: getattr(value, "name", ""))
def test_a_published_schema_is_up_to_date(path, text):
    assert path.read_text(encoding="utf-8") == text, "Run: python -m tools.schemas"
    assert json.loads(text)
