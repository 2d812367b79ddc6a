import subprocess
import sys
from pathlib import Path

import pytest

from diffusion import heap

ROOT = Path(__file__).resolve().parent.parent.parent
BLOCK = 50_000_000
PROGRAM = """
import resource
from diffusion import heap

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

{first}
large = b"1" * {size}
del large
before, free = faults(), heap.free_bytes()
large = b"2" * {size}
print(faults() - before, free)
del large
heap.give_back()
before = faults()
large = b"3" * {size}
print(faults() - before)
"""

pytestmark = pytest.mark.skipif(heap.library() is None, reason="needs glibc")


def told(first=""):
    """What a process is told when it takes a large block again, and once more after it has given back."""
    program = PROGRAM.format(first=first, size=BLOCK)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [int(number) for number in done.stdout.split()]


def test_a_large_block_is_fetched_from_the_system_each_time():
    again, free, _ = told()
    assert again > BLOCK / 4096 / 2
    assert free < BLOCK


def test_a_large_block_that_is_kept_is_there_until_it_is_given_back():
    again, free, after = told("heap.keep()")
    assert again < 100
    assert free >= BLOCK
    assert after > BLOCK / 4096 / 2
