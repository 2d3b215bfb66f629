"""Forged artifacts whose hashes fit: whoever can edit a file can compute them anew."""

import json
import random
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
from fuzz_mutations import mutated_bytes, mutated_table
from msgspec.structs import replace as with_fields

from foxml_assets.core.errors import FoxmlError
from foxml_assets.core.hashing import file_hash
from foxml_assets.planning.plan.encoding import encode_body, master_frame, plan_hash
from foxml_assets.planning.plan.master_plan import MasterPlan
from foxml_assets.planning.plan.specs import with_spec_hashes
from foxml_assets.planning.plan.structure import summarize
from foxml_assets.routing.plan.plan_json import parse_plan
from foxml_assets.routing.plan.plan_reading import (
    PAIRS_NAME,
    QUARANTINE_NAME,
    TARGETS_NAME,
    parquet_files,
    read_parquet,
)
from foxml_assets.routing.plan.routing_plan import RoutingPlan, routing_plan_hash

_TABLES = (PAIRS_NAME, TARGETS_NAME, QUARANTINE_NAME)


def rehashed_plan(rng: random.Random, document: Any) -> bytes | None:  # noqa: ANN401
    """The plan of a document with hashes, and mostly counts, made to fit; None if it is none."""
    try:
        plan = msgspec.convert(document, MasterPlan)
        jobs, summary = plan.jobs, plan.summary
        if rng.random() < 0.8:
            jobs = tuple(with_spec_hashes(jobs, plan.metadata.training_hashes))
        if rng.random() < 0.8:
            summary = summarize(jobs, summary.total_blocked, summary.symbols)
        metadata = with_fields(plan.metadata, total_jobs=len(jobs))
        metadata = with_fields(metadata, plan_hash=plan_hash(metadata, jobs, summary))
        head, tail = master_frame(metadata, summary)
        return head + encode_body(jobs) + tail
    except (msgspec.ValidationError, UnicodeEncodeError, RecursionError):
        return None


def rehashed_routing_plan(document: Any) -> bytes | None:  # noqa: ANN401
    """The routing plan of a document with its hash made to fit; None if it is none."""
    try:
        plan = parse_plan(json.dumps(document).encode())
        found = routing_plan_hash(plan.metadata, (plan.targets, plan.pairs, plan.quarantine))
    except (ValueError, TypeError, RecursionError):
        return None
    document["metadata"]["routing_plan_hash"] = found
    return json.dumps(document).encode()


def rehashed_tables(rng: random.Random, folder: Path) -> dict[str, bytes]:
    """The columnar files of a routing plan: one is damaged, or a table is forged and its hash made to fit."""
    name = rng.choice(_TABLES)
    if rng.random() < 0.2:
        return {name: mutated_bytes(rng, (folder / name).read_bytes())}
    plan, _ = read_parquet(folder)
    tables = {TARGETS_NAME: plan.targets, PAIRS_NAME: plan.pairs, QUARANTINE_NAME: plan.quarantine}
    tables[name] = mutated_table(rng, tables[name].astype(object))
    forged = RoutingPlan(plan.metadata, tables[TARGETS_NAME], tables[PAIRS_NAME], tables[QUARANTINE_NAME])
    digest = file_hash(folder / "routing_plan.json")
    try:
        files = dict(parquet_files(forged, digest))
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        # What no writer writes is damaged instead.
        return {name: mutated_bytes(rng, (folder / name).read_bytes())}
    with tempfile.TemporaryDirectory() as scratch:
        for file, raw in files.items():
            (Path(scratch) / file).write_bytes(raw)
        try:
            read, _ = read_parquet(Path(scratch))
        except FoxmlError:
            return files  # what is no routing plan has no hash
    found = routing_plan_hash(read.metadata, (read.targets, read.pairs, read.quarantine))
    metadata = with_fields(forged.metadata, routing_plan_hash=found)
    return dict(parquet_files(replace(forged, metadata=metadata), digest))
