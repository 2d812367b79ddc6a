"""Log lines are for people, or one JSON object each."""

import json
import logging

from server.logs import Json


def test_a_line_is_one_json_object() -> None:
    record = logging.LogRecord("server.x", logging.INFO, "", 1, "run %s\nended", ("1",), None)
    line = Json().format(record)
    assert "\n" not in line
    assert json.loads(line)["message"] == "run 1\nended"


def test_the_trace_of_a_fault_is_part_of_its_line() -> None:
    try:
        raise ValueError("x")
    except ValueError as error:
        record = logging.LogRecord(
            "a", logging.ERROR, "", 1, "m", (), (ValueError, error, error.__traceback__)
        )
    assert "ValueError" in json.loads(Json().format(record))["trace"]
