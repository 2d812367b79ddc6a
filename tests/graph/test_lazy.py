"""Values that are fetched when awaited."""

import gc
import warnings

from graph.lazy import Lazy


async def test_awaiting_fetches_the_value():
    assert await Lazy.of(3) == 3


async def test_a_lazy_value_can_be_awaited_twice():
    lazy = Lazy.of("a")
    assert [await lazy, await lazy] == ["a", "a"]


def test_a_lazy_value_that_nobody_awaits_does_not_warn():
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        Lazy.of(3)
        gc.collect()
    assert heard == []
