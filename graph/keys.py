"""Cache keys: a Merkle chain over what a result is made from. Values are never hashed, and ids do not matter.

A *base* key covers a node alone: type, version, literals, fingerprint. A *result* key adds the keys of the
outputs it reads. Built from the links alone it is the *origin*, known before anything runs; built from
the keys of the values that arrived it is the *actual* key. Keys are the same in every process.
"""

import json
import secrets
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256

from graph.node import NodeSpec
from graph.plan import Sources
from graph.workflow import Json

_FRESH = "~"
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


def base_key(spec: NodeSpec, node: str, literals: Mapping[str, Json], fingerprint: Json = None) -> str:
    """The key of a node without its links. Fresh if it is never to be reused, as with a NaN."""
    if not spec.cache:
        return fresh()
    try:
        text = _CANONICAL.encode(
            [spec.type, spec.version, literals, fingerprint, node if spec.keyed_by_id else None]
        )
    except (ValueError, TypeError, RecursionError):
        return fresh()
    return _digest(text)


def result_key(base: str, links: Mapping[str, str | None]) -> str:
    """The key of a result: a base key, and for each wired input the key that feeds it (None if unused)."""
    if not links:
        return base
    key = _digest(repr((base, sorted(links.items()))))
    is_new = is_fresh(base) or any(link is not None and is_fresh(link) for link in links.values())
    return _FRESH + key if is_new else key


def output_key(result: str, output: str) -> str:
    """The key of one output of a result."""
    return f"{result}/{output}"


def fresh() -> str:
    """A key that no result has had."""
    return _FRESH + secrets.token_hex(16)


def is_fresh(key: str) -> bool:
    """Whether the key will never come again, so that keeping its result is of no use."""
    return key.startswith(_FRESH)


def origin_keys(
    order: Iterable[str],
    sources: Mapping[str, Sources],
    bases: Mapping[str, str],
    elsewhere: Callable[[str, str], str] = output_key,
) -> dict[str, str]:
    """The origin of each node in `order`, which lists every node after those it reads.

    `elsewhere(node, output)` gives the key of an output of a node that is not in `order`.
    """
    origins: dict[str, str] = {}
    for node in order:
        links: dict[str, str | None] = {
            name: output_key(origins[source], output) if source in origins else elsewhere(source, output)
            for name, (source, output) in sources[node].items()
        }
        origins[node] = result_key(bases[node], links)
    return origins


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
