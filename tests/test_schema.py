import copy
import json
from typing import Any

import jsonschema
import pytest
from report_samples import CALIBRATION, LINES, MODEL, POLICY, sample_report

from onrecord.labels import ATTRIBUTIONS, SOURCE_KINDS, SOURCE_TYPES, SPECULATIONS
from onrecord.report import BANDS, MAX_DRIVERS, SCHEMA_VERSION, Refusal, Report, Warning, build_report
from onrecord.schema import report_schema

SCHEMA = report_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def as_json(report: Report) -> dict[str, Any]:
    row: dict[str, Any] = json.loads(json.dumps(report.to_dict()))
    return row


def test_the_schema_itself_is_valid_and_versioned() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$id"].endswith(f":{SCHEMA_VERSION}")
    assert SCHEMA["properties"]["schema_version"]["const"] == SCHEMA_VERSION


def test_every_kind_of_report_satisfies_the_schema() -> None:
    warnings = [Warning("homoglyph", "3 look-alike letters")]
    refused = build_report(
        "Nothing here.", None, policy=POLICY, calibration=CALIBRATION, model=MODEL, warnings=warnings, refused=Refusal("too_short", "too short")
    )
    judged = sample_report()
    assert judged.sources
    assert judged.advice
    for report in (judged, sample_report(reason="no claims"), sample_report(LINES[:1]), refused):
        VALIDATOR.validate(as_json(report))


def test_the_schema_knows_the_same_words_as_the_code() -> None:
    sentence, source = SCHEMA["$defs"]["sentence"]["properties"], SCHEMA["$defs"]["source"]["properties"]
    assert sentence["attribution"]["enum"] == list(ATTRIBUTIONS)
    assert sentence["speculation"]["enum"] == list(SPECULATIONS)
    assert source["kind"]["enum"] == list(SOURCE_KINDS)
    assert source["type"]["enum"] == [*SOURCE_TYPES, None]
    assert SCHEMA["$defs"]["score"]["properties"]["band"]["enum"] == [*BANDS, None]
    assert SCHEMA["properties"]["drivers"]["maxItems"] == MAX_DRIVERS


def objects(schema: object) -> list[dict[str, Any]]:
    found = [schema] if isinstance(schema, dict) and schema.get("type") == "object" and "required" in schema else []
    children = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else []
    return found + [inner for child in children for inner in objects(child)]


def test_no_object_admits_unknown_or_lacks_known_keys() -> None:
    assert len(objects(SCHEMA)) == 12
    for schema in objects(SCHEMA):
        assert schema["additionalProperties"] is False
        assert sorted(schema["required"]) == sorted(schema["properties"])


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("risk", "value"), 1.2),
        (("risk", "value"), None),
        (("risk", "band"), "medium"),
        (("risk", "interval"), [0.1]),
        (("biases",), None),
        (("sentences", 0, "attribution"), "rumour"),
        (("sentences", 0, "start"), -1),
        (("sentences", 0, "note"), "unknown key"),
        (("sources", 0, "mentions"), []),
        (("schema_version",), "2.0"),
        (("reason",), "but it has scores"),
    ],
)
def test_the_schema_refuses_what_no_report_may_hold(path: tuple[Any, ...], value: object) -> None:
    report = copy.deepcopy(as_json(sample_report()))
    VALIDATOR.validate(report)
    target: Any = report
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    assert not VALIDATOR.is_valid(report)
