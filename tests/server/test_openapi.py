"""The description of the API is complete and sound."""

from itertools import chain
from typing import Any

import jsonschema
import pytest

from server.app import TABLES
from server.http import Route, canonical
from server.openapi import describe

ROUTES: list[Route] = list(chain.from_iterable(table.ROUTES for table in TABLES))
DOCUMENT = describe(ROUTES, "1")


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [each for inner in value.values() for each in references(inner)]
    return [each for inner in value for each in references(inner)] if isinstance(value, list) else []


@pytest.mark.parametrize(
    "route",
    [route for route in ROUTES if route.path.startswith("/v1/")],
    ids=lambda route: f"{route.method} {route.path}",
)
def test_every_route_is_described(route: Route) -> None:
    described = DOCUMENT["paths"][canonical(route.path)][route.method.lower()]
    assert described["summary"].endswith((".", ":"))
    assert str(route.status) in described["responses"]
    assert (route.takes is not None) == ("requestBody" in described)


def test_every_reference_leads_to_a_schema() -> None:
    known = {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}
    assert set(references(DOCUMENT)) <= known


def test_every_schema_is_a_json_schema() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    rules = jsonschema.Draft202012Validator(jsonschema.Draft202012Validator.META_SCHEMA)
    assert [name for name, schema in schemas.items() if not rules.is_valid(schema)] == []


def test_operations_have_names_of_their_own() -> None:
    names = [each["operationId"] for path in DOCUMENT["paths"].values() for each in path.values()]
    assert len(set(names)) == len(names)


def test_every_parameter_of_a_path_is_declared() -> None:
    for path, operations in DOCUMENT["paths"].items():
        for each in operations.values():
            named = {p["name"] for p in each.get("parameters", ()) if p["in"] == "path"}
            assert named == {part[1:-1] for part in path.split("/") if part.startswith("{")}
