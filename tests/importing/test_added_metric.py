"""A score metric is added in two places; in a copy of the package, since an enum is closed."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import foxml_assets

EDITS = {
    "core/metrics.py": {
        '    R2 = "r2"\n': '    MCC = "mcc"\n',
        "_FACTS: Mapping[ScoreMetric, MetricFacts] = {\n": (
            "    ScoreMetric.MCC: MetricFacts(\n"
            '        TaskType.CLASSIFICATION, -1.0, 1.0, 0.0, 1.0, ("matthews_correlation",)\n'
            "    ),\n"
        ),
    },
    "routing/policy/score_thresholds.py": {
        "    r2: Signed | None = None\n": "    mcc: Signed | None = None\n",
    },
}
TABLE = """target,symbol,score_metric,score,sample_size,leakage_status,mean_overlap,mean_tau,n_snapshots
y,,Matthews_Correlation,.12,100000,SAFE,.9,.8,5
y,A,mcc,.31,5000,SAFE,.9,.8,5
y,B,mcc,1.5,5000,SAFE,.9,.8,5
"""
POLICY = """method: thresholds
cross_sectional: {mcc: {min_score: .1, strong_score: .2}}
symbol: {mcc: {min_score: .15, strong_score: .3}}
"""
ROUTE = """
import json, sys
from pathlib import Path
from foxml_assets.core.config_files import load_config
from foxml_assets.core.stamp import RunStamp
from foxml_assets.importing.user_table import import_candidates
from foxml_assets.routing.decide.router import route
from foxml_assets.routing.pages.explanation import explain, explanation_lines
from foxml_assets.routing.policy.routing_config import RoutingPolicy

table, settings = map(Path, sys.argv[1:])
stamp = RunStamp("2026-01-02T03:04:05Z", "20260102_030405", None)
plan = route(import_candidates(table).candidates, load_config(settings, RoutingPolicy), stamp=stamp)
states = ["symbol", "cs_state", "local_state", "reason"]
lines = explanation_lines(explain(plan, "y", "A"))
print(json.dumps([plan.pairs[states].to_dict("records"), "\\n".join(lines)]))
"""


def test_a_score_metric_is_added_in_two_places_and_routes_by_its_own_range_and_thresholds(
    tmp_path: Path,
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(
        Path(foxml_assets.__file__).parent,
        copy / "foxml_assets",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    for name, edits in EDITS.items():
        path = copy / "foxml_assets" / name
        text = path.read_text(encoding="utf-8")
        for line, added in edits.items():
            assert text.count(line) == 1
            text = text.replace(line, line + added)
        path.write_text(text, encoding="utf-8")
    table, settings = tmp_path / "candidates.csv", tmp_path / "routing.yaml"
    table.write_text(TABLE, encoding="utf-8")
    settings.write_text(POLICY, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", ROUTE, table, settings],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    pairs, explanation = json.loads(done.stdout)
    found = {pair.pop("symbol"): pair for pair in pairs}
    assert (found["A"]["cs_state"], found["A"]["local_state"]) == ("WEAK_BUT_OK", "STRONG")
    assert found["B"]["reason"] == "CS weak but usable, local row quarantined"
    assert "score: 0.3100 reaches symbol.mcc.strong_score 0.3000" in explanation
