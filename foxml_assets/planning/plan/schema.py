"""The JSON Schema of the master plan file, generated from the model and shipped beside it.

`python -m foxml_assets.planning.plan.schema` writes it anew.
"""

from importlib.resources import files
from pathlib import Path

import msgspec

from foxml_assets.planning.plan.master_plan import MasterPlan
from foxml_assets.storage.files import write_if_changed

SCHEMA_FILE = "master_training_plan.schema.json"


def schema_bytes() -> bytes:
    """The schema (draft 2020-12) of the current model, indented."""
    schema = msgspec.json.schema(MasterPlan)
    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    return msgspec.json.format(msgspec.json.encode(document, order="sorted"), indent=2) + b"\n"


def shipped_schema() -> bytes:
    """The schema that is part of the package."""
    return files("foxml_assets.planning.plan").joinpath(SCHEMA_FILE).read_bytes()


if __name__ == "__main__":
    write_if_changed(Path(__file__).with_name(SCHEMA_FILE), schema_bytes())
