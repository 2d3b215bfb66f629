"""The reference pages name every key, column and word, and their examples work."""

import json
import re
from pathlib import Path

import pytest
from candidate_rows import STAMP, policy
from pydantic import BaseModel
from rule_pages import own_rules, with_rules

from foxml_assets.importing.foreign_words import LEAKAGE_WORDS
from foxml_assets.importing.foxml_run import import_foxml
from foxml_assets.importing.user_table import import_candidates
from foxml_assets.routing.candidates.candidates import CANDIDATE_COLUMNS
from foxml_assets.routing.decide.router import route
from foxml_assets.routing.plan.routing_plan import PAIR_COLUMNS, QUARANTINE_COLUMNS, TARGET_COLUMNS
from foxml_assets.routing.policy.method_registry import find_method
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.routing.rules.rules import ADMISSION
from foxml_assets.routing.sides.quarantine import Fault

DOCS = Path(__file__).parents[2] / "docs"
POLICY, FORMATS = (DOCS / "policy.md").read_text(), (DOCS / "formats.md").read_text()


def _keys(model: BaseModel, parent: str = "") -> set[str]:
    names = set()
    for name in type(model).model_fields:
        value = getattr(model, name)
        names |= _keys(value, f"{parent}{name}.") if isinstance(value, BaseModel) else {parent + name}
    return names


def _documented_keys() -> set[str]:
    """What stands in the first column of the tables of keys."""
    tables = re.findall(r"\| key \| default \| meaning \|\n(.*?)(?:\n\n|\Z)", POLICY, re.DOTALL)
    cells = [line.split("|")[1] for table in tables for line in table.splitlines()]
    return {key for cell in cells for key in re.findall(r"`([\w.]+)`", cell)}


def _with_sections(key: str) -> set[str]:
    parts = key.split(".")
    return {".".join(parts[:n]) for n in range(1, len(parts) + 1)}


def test_every_policy_key_is_documented_by_its_path_or_its_section_and_no_other() -> None:
    keys, documented = _keys(RoutingPolicy()), _documented_keys()
    assert {key for key in keys if not _with_sections(key) & documented} == set()
    assert documented - set().union(*map(_with_sections, keys)) == set()


def test_the_page_has_the_rules_of_every_ladder_as_they_are() -> None:
    assert with_rules(POLICY) == POLICY
    assert re.findall("<!-- rules of (.*) -->", POLICY) == ["every method", "thresholds", "shrinkage"]
    for method in ("thresholds", "shrinkage"):
        assert {rule.name for rule in find_method(method).ladder} == {
            rule.name for rule in (*ADMISSION, *own_rules(method))
        }


@pytest.mark.parametrize("columns", [CANDIDATE_COLUMNS, TARGET_COLUMNS, PAIR_COLUMNS, QUARANTINE_COLUMNS])
def test_every_column_is_documented_in_its_words(columns: tuple[object, ...]) -> None:
    missing = [c.name for c in columns if f"| `{c.name}` |" not in FORMATS or c.meaning not in FORMATS]  # type: ignore[attr-defined]
    assert missing == []


def test_every_leakage_word_and_fault_is_documented() -> None:
    assert [word for word in LEAKAGE_WORDS if f"`{word}`" not in FORMATS] == []
    assert [fault for fault in Fault if fault not in FORMATS] == []


def test_the_example_table_can_be_imported_and_routed(tmp_path: Path) -> None:
    example = re.search(r"```csv\n(.*?)```", FORMATS, re.DOTALL)
    assert example is not None
    (tmp_path / "mine.csv").write_text(example[1])
    plan = route(import_candidates(tmp_path / "mine.csv").candidates, policy(), stamp=STAMP)
    assert (len(plan.pairs), plan.metadata.n_quarantined) == (3, 0)
    assert "ROUTE_CROSS_SECTIONAL" in set(plan.pairs["route"])


def test_the_example_files_of_a_foxml_run_can_be_imported(tmp_path: Path) -> None:
    models, metrics = re.findall(r"```json\n(.*?)```", FORMATS.partition("## A FoxML run")[2], re.DOTALL)
    target = next(iter(json.loads(models))).split(":")[0]
    for path, text in (
        (f"feature_selections/{target}/model_metadata.json", models),
        (f"targets/{target}/reproducibility/CROSS_SECTIONAL/cohort=cs/metrics.json", metrics),
    ):
        file = tmp_path / path
        file.parent.mkdir(parents=True)
        file.write_text(text)
    found = import_foxml(tmp_path).candidates
    assert list(found["symbol"].astype(object).fillna("")) == ["", "AAPL", "MSFT"]
    assert list(found["score"]) == [pytest.approx(0.586), 0.61, 0.57]
    assert list(found["leakage_status"]) == ["SAFE", "UNKNOWN", "UNKNOWN"]
