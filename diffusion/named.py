"""What has a name in a table, such as a sampler."""

import logging
from collections.abc import Mapping
from typing import TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")


def named(name: str, known: Mapping[str, T]) -> T:
    """What is called so; the first of the table for a name that is not there, which a link may bring."""
    if name in known:
        return known[name]
    first = next(iter(known))
    log.warning("nobody knows %r: %s is used instead", name, first)
    return known[first]
