"""The JSON Schema that is shipped is the one of the model, and accepts what the planner writes."""

import json

import jsonschema
import pytest
from plan_makers import example_plan, master_bytes, plan

from foxml_assets.planning.plan.schema import schema_bytes, shipped_schema


def test_the_shipped_schema_is_current() -> None:
    assert shipped_schema() == schema_bytes(), "run: python -m foxml_assets.planning.plan.schema"


def test_the_schema_accepts_plans_and_refuses_what_the_loader_refuses() -> None:
    schema = json.loads(shipped_schema())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for master in (example_plan(), plan([])):
        validator.validate(json.loads(master_bytes(master)))
    document = json.loads(master_bytes(example_plan()))
    document["jobs"][0]["surprise"] = 1
    with pytest.raises(jsonschema.ValidationError, match="surprise"):
        validator.validate(document)
