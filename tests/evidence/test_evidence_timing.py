"""What evidence cost stands beside it and is in no hash."""

from pathlib import Path

import pytest

from foxml_assets.core.errors import EvidenceError
from foxml_assets.evidence.timing import (
    EvidenceTiming,
    read_timing,
    stopwatch,
    timing_path,
    write_timing,
)
from foxml_assets.routing.candidates.candidates_file import candidates_source_hash
from foxml_assets.storage.layout import Layout

TARGET = "y_up_5d"


def test_a_timing_is_read_as_it_was_written(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    assert read_timing(layout, TARGET) is None
    write_timing(layout, TARGET, EvidenceTiming(1.5, 2.25))
    assert read_timing(layout, TARGET) == EvidenceTiming(1.5, 2.25)
    timing_path(layout, TARGET).write_text("[]")
    with pytest.raises(EvidenceError, match="the timing cannot be read"):
        read_timing(layout, TARGET)


def test_a_stopwatch_counts_the_time_of_the_process(tmp_path: Path) -> None:
    passed = stopwatch()
    sum(number * number for number in range(400_000))
    timing = passed()
    assert timing.cpu_seconds > 0
    assert passed().seconds >= timing.seconds > 0


def test_a_timing_changes_no_hash(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    evidence = layout.feature_selection(TARGET) / "evidence.json"
    evidence.parent.mkdir(parents=True)
    evidence.write_text("{}")
    before = candidates_source_hash(layout, [TARGET])
    write_timing(layout, TARGET, EvidenceTiming(1.5, 2.25))
    assert candidates_source_hash(layout, [TARGET]) == before
