"""Describe the API as an OpenAPI 3.1 document, from the table of routes and the dataclasses they name."""

import inspect
import re
from collections.abc import Iterable, Mapping
from dataclasses import is_dataclass
from typing import Any, TypeGuard

import msgspec

from server.api import Problems
from server.http import Route, canonical

REFERENCE = "#/components/schemas/{name}"
REFUSALS: Mapping[str, tuple[int, ...]] = {
    "none": (403, 413, 421),
    "json": (400, 403, 413, 415, 421, 422, 507),
    "bytes": (400, 403, 413, 421, 422),
    "multipart": (400, 403, 413, 415, 421, 422, 507),
}
"""How a route may refuse, by the kind of its body; what else it says is in `Route.refuses`."""


def describe(routes: Iterable[Route], version: str) -> dict[str, Any]:
    """The document; routes outside /v1 are pages and stay out of it."""
    described = [route for route in routes if route.path.startswith("/v1/")]
    kinds = {kind for route in described for kind in (route.takes, route.gives) if _is_named(kind)}
    ordered = sorted(kinds, key=lambda kind: kind.__name__)
    _, schemas = msgspec.json.schema_components((*ordered, Problems), ref_template=REFERENCE)
    paths: dict[str, dict[str, Any]] = {}
    for route in described:
        paths.setdefault(canonical(route.path), {})[route.method.lower()] = operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Photogram", "version": version},
        "paths": paths,
        "components": {"schemas": schemas},
    }


def operation(route: Route) -> dict[str, Any]:
    """One route: its parameters, its body, its answers."""
    text = inspect.cleandoc(route.handler.__doc__ or "")
    described: dict[str, Any] = {
        "operationId": f"{route.handler.__module__.rpartition('.')[2]}_{route.handler.__name__}",
        "summary": text.split("\n")[0],
        "tags": [canonical(route.path).split("/")[2]],
        "responses": {str(route.status): _answer(route)} | _refusals(route),
    }
    if parameters := [*_in_path(route.path), *_in_query(route.query)]:
        described["parameters"] = parameters
    if route.takes is not None:
        described["requestBody"] = {"required": True, "content": _body(route)}
    return described


def _in_path(path: str) -> list[dict[str, Any]]:
    names = re.findall(r"\{(\w+)\}", canonical(path))
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def _in_query(query: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "query", "description": about, "schema": {"type": "string"}}
        for name, about in query.items()
    ]


def _body(route: Route) -> dict[str, Any]:
    if route.body.kind == "multipart":
        file = {"type": "string", "format": "binary"}
        properties = {"file": file, "folder": {"type": "string", "enum": ["input"]}}
        return {
            "multipart/form-data": {
                "schema": {"type": "object", "properties": properties, "required": ["file"]}
            }
        }
    if route.body.kind == "bytes":
        return {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    return {"application/json": {"schema": _schema(route.takes)}}


def _answer(route: Route) -> dict[str, Any]:
    if route.status in (101, 204):
        return {"description": "Switching to WebSocket." if route.status == 101 else "Done; no body."}
    if route.gives is None:
        return {"description": "The file.", "content": {route.mime: {}}}
    return {"description": "Done.", "content": {route.mime: {"schema": _schema(route.gives)}}}


def _refusals(route: Route) -> dict[str, Any]:
    content = {"application/json": {"schema": _schema(Problems)}}
    absent = (404,) if "{" in route.path else ()
    return {
        str(status): {"description": "Refused; the problems say why.", "content": content}
        for status in sorted({*REFUSALS[route.body.kind], *absent, *route.refuses})
    }


def _schema(kind: Any) -> dict[str, Any]:
    return {"$ref": REFERENCE.format(name=kind.__name__)} if _is_named(kind) else {"type": "object"}


def _is_named(kind: Any) -> TypeGuard[type]:
    """Whether a type stands among the schemas by its name."""
    return isinstance(kind, type) and is_dataclass(kind)
