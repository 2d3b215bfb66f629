"""When, in which run and at which commit an artifact was made: the three fields outside every hash."""

import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True)
class RunStamp:
    """`generated_at` is ISO 8601 in UTC; `git_commit` is None outside a git checkout."""

    generated_at: str
    run_id: str
    git_commit: str | None


def current_stamp(run_id: str | None = None) -> RunStamp:
    """The stamp of this moment. Without a `run_id` it is the time, as `20251211_184500`."""
    now = datetime.now(UTC)
    return RunStamp(
        generated_at=now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        run_id=run_id or now.strftime("%Y%m%d_%H%M%S"),
        git_commit=_git_commit(),
    )


def _git_commit() -> str | None:
    git = shutil.which("git")
    if git is None:
        return None
    package = Path(__file__).parent
    answer = subprocess.run(  # noqa: S603
        [git, "rev-parse", "--short", "HEAD"], cwd=package, capture_output=True, text=True, check=False
    )
    return answer.stdout.strip() or None if answer.returncode == 0 else None
