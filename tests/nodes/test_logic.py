"""The switch."""

import pytest

from graph.lazy import Lazy
from nodes.logic import switch


@pytest.mark.parametrize(("on", "passed"), [(True, "yes"), (False, "no")])
async def test_a_switch_passes_one_of_two_on(on: bool, passed: str):
    assert await switch(on, on_false=Lazy.of("no"), on_true=Lazy.of("yes")) == passed


async def test_a_switch_never_computes_the_other():
    async def explode() -> int:
        raise AssertionError("computed")

    assert await switch(True, on_false=Lazy(explode), on_true=Lazy.of(1)) == 1
