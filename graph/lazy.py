"""An input that is computed only if the node asks for it."""

from collections.abc import Awaitable, Callable, Generator
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Lazy(Generic[T]):
    """A value to await, once or more often; if nobody does, nothing upstream runs.

    An object rather than a coroutine, because a coroutine that nobody awaits warns. In a test,
    `Lazy.of(3)` stands for an input that is known.
    """

    __slots__ = ("_fetch",)

    def __init__(self, fetch: Callable[[], Awaitable[T]]) -> None:
        self._fetch = fetch

    def __await__(self) -> Generator[Any, Any, T]:
        return self._fetch().__await__()

    @classmethod
    def of(cls, value: T) -> "Lazy[T]":
        """A lazy input whose value is known."""

        async def known() -> T:
            return value

        return cls(known)
