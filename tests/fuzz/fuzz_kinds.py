"""Which files are made up, and through which public interfaces each of them is read.

A kind writes one input into the arena and names the calls that must answer it.
"""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

import pandas as pd
import yaml
from fuzz_arena import FOXML_RUN, Arena, Call
from fuzz_mutations import json_text, mutated_bytes, mutated_document, mutated_table, table_bytes, yaml_text
from fuzz_rehashed import rehashed_plan, rehashed_routing_plan, rehashed_tables

from foxml_assets.commands.explain import print_explanation
from foxml_assets.commands.options import Format
from foxml_assets.commands.plans import print_diff, print_preview, print_validation
from foxml_assets.commands.status import print_status
from foxml_assets.core.hashing import file_hash
from foxml_assets.core.stamp import RunStamp
from foxml_assets.defs.checking.check_findings import all_findings
from foxml_assets.families.registry import find_family
from foxml_assets.importing.foxml_run import import_foxml
from foxml_assets.importing.user_table import import_candidates
from foxml_assets.panel.panel_store import build_panel, load_panel_info, read_panel
from foxml_assets.planning.plan.consumer import get_jobs_for_symbol, load_master_training_plan
from foxml_assets.routing.candidates.candidates_file import read_candidates
from foxml_assets.routing.decide.fdr_history import read_history
from foxml_assets.routing.decide.router import route
from foxml_assets.routing.pages.plan_markdown import plan_markdown
from foxml_assets.routing.plan.plan_json import parse_plan, plan_json
from foxml_assets.routing.plan.plan_reading import PAIRS_NAME, read_routing_plan
from foxml_assets.storage.layout import Layout
from foxml_assets.training.models.fit_times import past_fit_seconds
from foxml_assets.training.models.inventory import take_inventory
from foxml_assets.training.models.manifest import MANIFEST_FILE, read_manifest
from foxml_assets.training.training_gate import authorise_training

_STAMP = RunStamp("2026-01-01T00:00:00Z", "20260101_000000", None)
Kind = Callable[[random.Random, Arena], Sequence[Call]]


def plans(rng: random.Random, arena: Arena) -> Sequence[Call]:
    """The master training plan."""
    path = arena.layout.master_plan
    raw = arena.original(path)
    document, forged = json.loads(raw), None
    known = document["metadata"]["plan_hash"]
    if rng.random() < 0.15:
        made = mutated_bytes(rng, raw)
    else:
        document = mutated_document(rng, document)
        forged = rehashed_plan(rng, document) if rng.random() < 0.6 else None
        made = forged or json_text(rng, document)
    arena.put(path, made)

    def load() -> None:
        plan = load_master_training_plan(path)
        assert forged or plan.metadata.plan_hash == known, "another plan passes for the one that was made"
        for symbol in islice(plan.positions_by_symbol, 20):
            get_jobs_for_symbol(plan, symbol)

    return [load, *_now_and_then(rng, _plan_readers(rng, arena))]


def _plan_readers(rng: random.Random, arena: Arena) -> Sequence[Call]:
    form = rng.choice(list(Format))
    return (
        partial(print_validation, *arena.places, form),
        partial(print_status, *arena.places),
        partial(print_diff, *arena.places, None, None, form),
        partial(print_preview, *arena.places, None, None, form),
        partial(_ask_the_gate, arena),
    )


def _ask_the_gate(arena: Arena) -> None:
    inputs = arena.workspace.read_inputs()
    authorise_training(inputs.training_context(), inputs.policy, _STAMP)


def routing_plans(rng: random.Random, arena: Arena) -> Sequence[Call]:
    """The routing plan, in JSON or in its columnar form."""
    path = arena.layout.routing_plan
    pairs = path.with_name(PAIRS_NAME)
    if rng.random() < 0.25:
        for name, raw in rehashed_tables(rng, path.parent).items():
            arena.put(path.parent / name, raw)
    else:
        arena.hide(pairs)
        raw = arena.original(path)
        if rng.random() < 0.15:
            arena.put(path, mutated_bytes(rng, raw))
        else:
            document = mutated_document(rng, json.loads(raw))
            again = rehashed_routing_plan(document) if rng.random() < 0.6 else None
            arena.put(path, again or json_text(rng, document))
    target, symbol = rng.choice(["y_up_5d", "fwd_ret_5d", "x"]), rng.choice([None, "AAA", "CCC"])
    explain = partial(print_explanation, *arena.places, target, symbol)
    readers = (explain, explain, *_plan_readers(rng, arena))
    return [partial(read_routing_plan, arena.layout), *_now_and_then(rng, readers)]


def manifests(rng: random.Random, arena: Arena) -> Sequence[Call]:
    """The manifest of a model."""
    path = rng.choice(sorted(arena.layout.models.rglob(MANIFEST_FILE)))
    raw = arena.original(path)
    document = mutated_document(rng, json.loads(raw))
    arena.put(path, mutated_bytes(rng, raw) if rng.random() < 0.15 else json_text(rng, document))
    jobs = load_master_training_plan(arena.layout.master_plan).jobs
    status = partial(print_status, *arena.places)
    return [
        partial(read_manifest, path),
        lambda: take_inventory(jobs, arena.workspace.read_inputs().model_context()),
        *_now_and_then(rng, (status,)),
    ]


def configs(rng: random.Random, arena: Arena) -> Sequence[Call]:
    """One of the three config files."""
    name = rng.choice(["data", "routing", "routing", "training"])
    path = arena.world.config_dir / f"{name}_config.yaml"
    raw = arena.original(path)
    source = (_SHIPPED / path.name).read_bytes() if rng.random() < 0.6 else raw
    document = yaml.load(source, Loader=yaml.CSafeLoader)
    arena.put(
        path,
        mutated_bytes(rng, raw) if rng.random() < 0.2 else yaml_text(rng, mutated_document(rng, document)),
    )
    return [arena.workspace.check_configs, *_now_and_then(rng, _plan_readers(rng, arena))]


# Columns of FoxML's own tables, whose cells spell values out.
_OF_FOXML = {
    "stability_metrics": "{'mean_overlap': 0.8, 'mean_tau': nan, 'n_snapshots': 3}",
    "failed_families": "['rf', 'xgboost']",
    "stability": "STABLE",
    "features": '{"mom":"SAFE"}',
    "mode": "SYMBOL",
}
_SHIPPED = Path(__file__).parents[2] / "config"


def records(rng: random.Random, arena: Arena) -> Sequence[Call]:
    """The history of false-discovery control, what a fit took, or a model of this project's own format."""
    layout = arena.layout
    path = rng.choice([layout.fdr_history, *sorted(layout.models.rglob("*/ridge/[mt]*[lg].json"))])
    raw = arena.original(path)
    document = mutated_document(rng, json.loads(raw))
    arena.put(path, mutated_bytes(rng, raw) if rng.random() < 0.15 else json_text(rng, document))
    model = partial(find_family("ridge").load, path, file_hash(path))
    if path.name == find_family("ridge").model_file:
        return [model]
    readers = (partial(read_history, layout), partial(past_fit_seconds, layout))
    preview = partial(print_preview, *arena.places, None, None, rng.choice(list(Format)))
    return [*readers, *_now_and_then(rng, (preview,))]


def foreign_runs(rng: random.Random, arena: Arena) -> Sequence[Call]:
    """A file of a FoxML run."""
    folder = arena.world.folder / "foxml"
    path = folder / rng.choice(sorted(FOXML_RUN))
    raw = arena.original(path)
    document = mutated_document(rng, json.loads(raw))
    arena.put(path, mutated_bytes(rng, raw) if rng.random() < 0.15 else json_text(rng, document))
    return [partial(import_foxml, folder)]


def candidates(rng: random.Random, arena: Arena) -> Sequence[Call]:
    """A user's table of metrics, or the candidates as they stand below the root."""
    suffix = rng.choice([".csv", ".parquet"])
    own = rng.random() < 0.6
    source = arena.world.candidates if own else arena.layout.routing_candidates
    table = pd.read_parquet(source).astype(object)
    if own and rng.random() < 0.5:
        table = table.assign(**_OF_FOXML)
    table = mutated_table(rng, table)
    path = (arena.world.folder / "candidates" if own else source).with_suffix(suffix)
    if not own and suffix == ".csv":
        arena.hide(source)
    arena.put(path, table_bytes(rng, table, suffix))
    policy, has_page = arena.workspace.routing_policy(), rng.random() < 0.25

    def routed() -> None:
        table = import_candidates(path).candidates if own else read_candidates(path)
        plan = route(table, policy, stamp=_STAMP)
        if has_page:
            plan_markdown(plan, policy.output, has_yaml=True)
            parse_plan(b"".join(plan_json(plan)))

    preview = partial(print_preview, *arena.places, None, path if own else None, rng.choice(list(Format)))
    return [routed, *([] if own else _now_and_then(rng, (preview, lambda: all_findings(arena.workspace))))]


def panels(rng: random.Random, arena: Arena) -> Sequence[Call]:
    """The source of the panel, or the panel and its description below the root."""
    if rng.random() < 0.3:
        path = rng.choice([arena.layout.panel_info, arena.layout.panel])
        raw = arena.original(path)
        is_text = path == arena.layout.panel_info and rng.random() < 0.8
        made = json_text(rng, mutated_document(rng, json.loads(raw))) if is_text else mutated_bytes(rng, raw)
        arena.put(path, made)

        def read() -> None:
            info = load_panel_info(arena.layout)
            read_panel(arena.layout, info, [*info.features, *(spec.name for spec in info.targets)])

        return [read, *_now_and_then(rng, _plan_readers(rng, arena))]
    path = arena.world.source
    table = pd.read_parquet(path).groupby("symbol").head(rng.choice([2, 60, 320]))
    arena.put(path, table_bytes(rng, mutated_table(rng, table.reset_index(drop=True)), ".parquet"))

    def build() -> None:
        layout = Layout(arena.world.folder / "built")
        info = build_panel(arena.workspace.data_config(), layout)
        read_panel(layout, load_panel_info(layout), info.features)

    return [build]


def _now_and_then(rng: random.Random, calls: Sequence[Call]) -> Sequence[Call]:
    """One of `calls` for one input in twelve: they take ten times as long as reading what was made up."""
    return [rng.choice(calls)] if rng.random() < 1 / 12 else []


# The share of each kind in a hundred inputs.
KINDS: Mapping[Kind, int] = {
    plans: 36,
    configs: 26,
    routing_plans: 8,
    manifests: 12,
    panels: 6,
    records: 4,
    candidates: 5,
    foreign_runs: 3,
}
