"""Whatever a plan file is turned into, it is read as what it says or refused with a typed error."""

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from plan_makers import example_plan, master_bytes

from foxml_assets.core.errors import PlanError
from foxml_assets.planning.plan.consumer import load_master_training_plan
from foxml_assets.planning.plan.master_plan import MasterPlan

RAW = master_bytes(example_plan())
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["lightgbm", "ROUTE_BOTH", "STRONG", "classification", "f" * 64, "90"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def load(raw: bytes) -> MasterPlan | PlanError:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "master_training_plan.json"
        path.write_bytes(raw)
        try:
            return load_master_training_plan(path)
        except PlanError as error:
            refusal = error
    assert refusal.problems
    assert str(path) in str(refusal)
    return refusal


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:  # noqa: ANN401
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inner for place in places(item, (*path, key)))]


PLACES = [place for place in places(json.loads(RAW)) if place]


@st.composite
def mutated_documents(draw: st.DrawFn) -> Any:  # noqa: ANN401
    """The example plan with one to three values replaced, removed, renamed or repeated."""
    document = json.loads(RAW)
    for _ in range(draw(st.integers(1, 3))):
        *above, last = draw(st.sampled_from(PLACES))
        parent = document
        try:
            for key in above:
                parent = parent[key]
            old = parent[last]
        except (KeyError, IndexError, TypeError):
            continue
        change = draw(st.sampled_from(["replace", "remove", "rename", "repeat"]))
        if change == "replace":
            parent[last] = draw(JSON_VALUES)
        elif change == "remove":
            del parent[last]
        elif isinstance(parent, dict):
            parent[draw(st.text(max_size=6))] = old
        else:
            parent.append(old)
    return document


@settings(max_examples=300, deadline=None)
@given(mutated_documents())
def test_a_mutated_document_is_the_same_plan_or_refused(document: Any) -> None:  # noqa: ANN401
    result = load(json.dumps(document).encode())
    if isinstance(result, MasterPlan):
        assert result.metadata.plan_hash == example_plan().metadata.plan_hash
        assert json.loads(master_bytes(result)) == document


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_mutated_bytes_are_the_same_plan_or_refused(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(RAW)))
    end = data.draw(st.integers(start, min(len(RAW), start + 40)))
    inserted = data.draw(st.binary(max_size=20) | st.sampled_from([b'"', b"}", b"{}", b"NaN", b",", RAW]))
    result = load(RAW[:start] + inserted + RAW[end:])
    if isinstance(result, MasterPlan):
        assert result.metadata.plan_hash == example_plan().metadata.plan_hash


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_refused(raw: bytes) -> None:
    assert isinstance(load(raw), PlanError)
