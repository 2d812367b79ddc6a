"""A person reads a sentence about a node that failed, whatever it raised."""

import pytest

from graph.errors import NodeFailed, WorkflowError
from graph.failure import is_foreseen, problem_of, told


class OutOfMemoryError(RuntimeError):
    """As the library that computes calls it."""


class Unsayable(Exception):
    """An error that cannot even be told."""

    def __str__(self) -> str:
        raise ValueError


@pytest.mark.parametrize(
    "cause",
    [
        MemoryError(),
        OutOfMemoryError("CUDA"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 7 bytes."),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("std::bad_alloc"),
        OSError(12, "Cannot allocate memory"),
    ],
)
def test_too_little_memory_is_told_with_three_ways_out(cause: BaseException) -> None:
    problem = problem_of(NodeFailed("sampler", cause))
    assert (problem.code, problem.node, is_foreseen(cause)) == ("out_of_memory", "sampler", True)
    assert all(words in problem.hint for words in ("smaller", "batch", "float16"))


def test_a_full_disk_is_told_as_such() -> None:
    assert problem_of(NodeFailed("save", OSError(28, "No space left"))).code == "disk_full"


def test_a_file_that_may_not_be_written_is_named() -> None:
    problem = problem_of(NodeFailed("save", OSError(30, "Read-only file system", "/out/a.png")))
    assert problem.message == "/out/a.png may not be used: read-only file system."


def test_an_error_with_a_message_says_it_itself() -> None:
    problem = problem_of(NodeFailed("a", WorkflowError("Too odd.", "Choose an even one.", input="value")))
    assert (problem.message, problem.hint, problem.input) == ("Too odd.", "Choose an even one.", "value")


@pytest.mark.parametrize("cause", [SystemExit(3), KeyboardInterrupt()])
def test_a_node_that_ends_the_program_is_told_as_such(cause: BaseException) -> None:
    assert problem_of(NodeFailed("a", cause)).message == "The node tried to end the program."


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (Unsayable(), "Unsayable"),
        (RuntimeError("bad \udcff text"), "RuntimeError: bad ? text"),
        (AssertionError(), "AssertionError"),
        (ValueError("x" * 10_000), "ValueError: " + "x" * 500),
    ],
)
def test_any_error_can_be_told(cause: BaseException, words: str) -> None:
    assert told(cause) == words
    assert not is_foreseen(cause)
