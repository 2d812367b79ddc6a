"""The editor's types are those of server/api.py."""

from dataclasses import dataclass

import pytest

from tools.typescript import TARGET, interface, render, typescript


def test_the_committed_types_are_those_of_the_dataclasses() -> None:
    assert TARGET.read_text(encoding="utf-8") == render(), "Run: python -m tools.typescript"


def test_a_default_may_be_left_out_of_what_is_sent_but_is_always_in_an_answer() -> None:
    @dataclass
    class Shown:
        name: str
        size: int = 0

    assert "name: string" in interface(Shown, sparse=True)
    assert "size?: number" in interface(Shown, sparse=True)
    assert "size: number" in interface(Shown, sparse=False)


def test_nested_annotations_are_bracketed() -> None:
    assert typescript(tuple[str | None, ...]) == "readonly (string | null)[]"


def test_an_annotation_without_a_counterpart_is_refused() -> None:
    with pytest.raises(TypeError, match="teach tools/typescript.py"):
        typescript(set[str])
