"""`foxml prune`: the only thing that deletes a model that left the plan."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.text import Text

from foxml_assets.commands.console import console
from foxml_assets.core.errors import ConfigError, Problem
from foxml_assets.storage.files import storage_errors
from foxml_assets.training.models.retired import prune
from foxml_assets.workspace import current_workspace

_AGE = re.compile(r"(\d{1,4})([hdw])")
_HOURS = {"h": 1, "d": 24, "w": 168}


def run_prune(root: Path | None, config_dir: Path | None, older_than: str, *, is_rehearsal: bool) -> int:
    """Delete the models that were retired longer ago than that, and print them; a rehearsal only prints.

    Returns 0. Raises ConfigError, also for an age that cannot be read, StorageError and LinkError.
    """
    workspace = current_workspace(root, config_dir)
    layout, store = workspace.layout, workspace.training_config().storage.model_store
    before = datetime.now(UTC) - _age(older_than)
    number = 0
    with storage_errors(layout.retired_models):
        for model in prune(layout, store, before=before, is_rehearsal=is_rehearsal):
            console.print(Text(model.described), soft_wrap=True)
            number += 1
    done = "would be deleted" if is_rehearsal else "were deleted"
    console.print(f"{number:,} retired models {done}")
    return 0


def _age(text: str) -> timedelta:
    found = _AGE.fullmatch(text.strip().lower())
    if found is None:
        raise ConfigError(
            "the age cannot be read",
            problems=[Problem("--older-than", "is not a number of hours, days or weeks", text)],
            fix="write it as 12h, 30d or 8w",
        )
    return timedelta(hours=int(found[1]) * _HOURS[found[2]])
