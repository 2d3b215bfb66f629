"""The reference pages name every key, column and word, and their examples work."""

import json
import re
from pathlib import Path

import pytest
from candidate_rows import STAMP, policy
from pydantic import BaseModel

from foxml_assets.routing.candidates import CANDIDATE_COLUMNS
from foxml_assets.routing.importing.foxml_run import import_foxml
from foxml_assets.routing.importing.user_table import import_candidates
from foxml_assets.routing.importing.words import LEAKAGE_WORDS
from foxml_assets.routing.plan import PAIR_COLUMNS, QUARANTINE_COLUMNS, TARGET_COLUMNS
from foxml_assets.routing.policy import RoutingPolicy
from foxml_assets.routing.quarantine import FAULT_TEXT
from foxml_assets.routing.router import route
from foxml_assets.routing.words import RouteRule, StateRule

DOCS = Path(__file__).parents[2] / "docs"
POLICY, FORMATS = (DOCS / "policy.md").read_text(), (DOCS / "formats.md").read_text()


def _keys(model: BaseModel) -> set[str]:
    names = set()
    for name in type(model).model_fields:
        names.add(name)
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            names |= _keys(value)
    return names


def test_every_policy_key_is_documented() -> None:
    documented = set(re.findall(r"\w+", POLICY))
    assert _keys(RoutingPolicy()) - documented == set()


def test_every_state_rule_is_documented() -> None:
    ladder = {rule.value for rule in StateRule} - {StateRule.DISCOVERED.value}
    assert {rule for rule in ladder if f"`{rule}`" not in POLICY} == set()
    assert RouteRule.SYMBOL_LEAKAGE.value == "symbol_leakage"


@pytest.mark.parametrize("columns", [CANDIDATE_COLUMNS, TARGET_COLUMNS, PAIR_COLUMNS, QUARANTINE_COLUMNS])
def test_every_column_is_documented_in_its_words(columns: tuple[object, ...]) -> None:
    missing = [c.name for c in columns if f"| `{c.name}` |" not in FORMATS or c.meaning not in FORMATS]  # type: ignore[attr-defined]
    assert missing == []


def test_every_leakage_word_and_fault_is_documented() -> None:
    assert [word for word in LEAKAGE_WORDS if f"`{word}`" not in FORMATS] == []
    assert [text for text in FAULT_TEXT.values() if text not in FORMATS] == []


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
