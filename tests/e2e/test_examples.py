"""The examples run as they are written down, in an environment of their own, on predictions of the demo."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from worlds import REPOSITORY, World

EXAMPLES = REPOSITORY / "examples"
TOLD = {
    "alphalens_factor": "Mean information coefficient",
    "skfolio_portfolio": "by prediction: annualized Sharpe ratio",
}


def command_of(example: Path) -> list[str]:
    """The arguments of the command in the example's docstring, from its file on."""
    (line,) = re.findall(r"^    python (examples/.*)$", example.read_text(encoding="utf-8"), re.MULTILINE)
    return shlex.split(line)


def most_predicted(file: Path) -> str:
    """The target of numbers that the most symbols have predictions of."""
    pairs = pd.read_parquet(file)[["target", "symbol"]].drop_duplicates().astype(str)
    numbers = pairs[pairs["target"].str.startswith("fwd_")]
    return str(numbers["target"].value_counts().index[0])


def test_every_example_is_run() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == set(TOLD)


@pytest.mark.slow
def test_the_examples_run_on_the_predictions_of_the_demo(trained: World, tmp_path: Path) -> None:
    predicted = trained.foxml("predict", "--holdout", "--out", str(tmp_path / "holdout.parquet"))
    assert predicted.returncode == 0, predicted.stderr
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    requirements = ["-m", "pip", "install", "--quiet", "-r", EXAMPLES / "requirements.txt"]
    subprocess.run([python, *requirements], check=True)
    target = most_predicted(tmp_path / "holdout.parquet")
    for example in sorted(EXAMPLES.glob("*.py")):
        file, data, _, *more = command_of(example)
        result = subprocess.run(
            [python, REPOSITORY / file, data, target, *more],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        assert TOLD[example.stem] in result.stdout
