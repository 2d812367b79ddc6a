import pytest

from tests.graph.toy import Bench, toys


@pytest.fixture
def bench():
    return Bench(toys())
