"""`foxml init`: the three config files for a panel that has none, from a look at it."""

import os
from pathlib import Path

import yaml

from foxml_assets.commands.console import console
from foxml_assets.core.config_files import ConfigModel, parse_config
from foxml_assets.core.errors import ConfigError, Problem
from foxml_assets.core.printable import printable
from foxml_assets.panel.data_config import DataConfig
from foxml_assets.panel.guess import PanelGuess, Wish, guess_panel
from foxml_assets.routing.policy.routing_config import RoutingPolicy
from foxml_assets.routing.policy.routing_words import Profile, Side
from foxml_assets.storage.files import write_atomic
from foxml_assets.training.training_config import TrainingConfig
from foxml_assets.workspace import Workspace, current_workspace

_DATA = "What the panel is. Every other key has its default: docs/configuration.md."
_ROUTING = "How pairs are routed. Every other key has its default: docs/policy.md."
_TRAINING = "How jobs become models. Every other key has its default: docs/configuration.md."
_MOST_SHOWN = 12
# Of a panel's rows, about those that get an out-of-fold prediction: not the hold-out, nor the first fold.
_PREDICTED = 0.7


def write_configs(root: Path | None, config_dir: Path | None, panel: str, wish: Wish) -> int:
    """Write data_config.yaml, routing_config.yaml and training_config.yaml for `panel`. Returns 0.

    Raises PanelError for a panel that cannot be described, and ConfigError where one of the files is there.
    """
    workspace = current_workspace(root, config_dir)
    _refuse_to_replace(workspace)
    guess = guess_panel(panel, wish)
    profile = _profile(guess)
    fewest_rows = _fewest_rows(profile)
    # The training config takes no more than 256.
    training: dict[str, object] = {"threads": min(os.cpu_count() or 1, 256)}
    if fewest_rows is not None:
        training["min_train_rows"] = fewest_rows
    written = {
        workspace.data_config_file: _text(_DATA, DataConfig, {"panel": _panel_section(guess)}),
        workspace.routing_config_file: _text(_ROUTING, RoutingPolicy, {"profile": profile.value}),
        workspace.training_config_file: _text(_TRAINING, TrainingConfig, training),
    }
    for file, content in written.items():
        write_atomic(file, content)
    _tell(guess, profile, fewest_rows, workspace)
    return 0


def _text(about: str, model: type[ConfigModel], document: dict[str, object]) -> bytes:
    """A config file of these settings, which are read as `model` once before they are written."""
    text = f"# {about}\n{yaml.safe_dump(document, sort_keys=False, allow_unicode=True)}".encode()
    parse_config(text, model, file=Path(about))
    return text


def _refuse_to_replace(workspace: Workspace) -> None:
    files = (workspace.data_config_file, workspace.routing_config_file, workspace.training_config_file)
    there = [Problem(file.name, "is there already") for file in files if file.exists()]
    if there:
        raise ConfigError(
            "config files are not replaced",
            file=workspace.config_dir,
            problems=there,
            fix="name another folder with --config-dir",
        )


def _panel_section(guess: PanelGuess) -> dict[str, object]:
    section: dict[str, object] = {
        "source": guess.kind,
        "path": guess.path,
        "time_column": guess.time_column,
        "symbol_column": guess.symbol_column,
        "targets": list(guess.targets),
    }
    if guess.time_unit is not None:
        section["time_unit"] = guess.time_unit
    if left_out := (*guess.levels, *guess.later):
        section["exclude_features"] = list(left_out)
    return section


def _profile(guess: PanelGuess) -> Profile:
    """Production, if symbols have on average the rows that it asks for."""
    least = RoutingPolicy().min_sample_size.symbol
    rows = _PREDICTED * guess.n_rows / max(guess.n_symbols, 1)
    return Profile.PRODUCTION if rows >= least else Profile.DEVELOPMENT


def _fewest_rows(profile: Profile) -> int | None:
    """How many rows a symbol needs under `profile`, where training would ask for more by itself.

    Rows with an out-of-fold prediction are training rows too: of a symbol with just as many as the profile
    asks for, a job is planned, and must not fail for ever.
    """
    fewest = RoutingPolicy(profile=profile).sample_minimum(Side.SYMBOL)
    return fewest if fewest < TrainingConfig().min_train_rows else None


def _tell(guess: PanelGuess, profile: Profile, fewest_rows: int | None, workspace: Workspace) -> None:
    lines = [
        f"Wrote {workspace.data_config_file}, {workspace.routing_config_file.name} and"
        f" {workspace.training_config_file.name} for {guess.n_rows:,} rows of {guess.n_symbols:,} symbols:",
        f"  time       {guess.time_column}" + (f" (in {guess.time_unit})" if guess.time_unit else ""),
        f"  symbol     {guess.symbol_column}",
        f"  targets    {_named(guess.targets)}",
        f"  features   {_named(guess.features)}",
    ]
    if guess.levels:
        lines.append(f"  left out   {_named(guess.levels)}: levels of price and volume (exclude_features)")
    if guess.later:
        # All of them: one that is a feature after all is missed, and one that is none would be a leak.
        names = ", ".join(guess.later)
        lines.append(f"  left out   {names}: their names say that they tell of what comes (exclude_features)")
    if guess.not_numeric:
        lines.append(f"  left out   {guess.not_numeric}: not numeric")
    few = " (too few rows a symbol for production)" if profile is Profile.DEVELOPMENT else ""
    lines.append(f"  profile    {profile}{few}: routing_config.yaml")
    if fewest_rows is not None:
        lines.append(
            f"  training   from {fewest_rows} labelled rows on, as few as the profile asks for"
            " (min_train_rows): training_config.yaml"
        )
    if guess.without_horizon:
        names = ", ".join(guess.without_horizon)
        lines.append(f"Say under panel.horizons how far each of these looks ahead, as `5 bars`: {names}")
    lines += [
        f"Say under panel.task_types: {name}: regression, or make a label of 0 and 1 of each class"
        for name in guess.like_classes
    ]
    for line in lines:
        console.print(printable(line), soft_wrap=True)
    is_ready = not (guess.without_horizon or guess.like_classes)
    console.print(
        f"{'Next' if is_ready else 'Then'}: {workspace.command('run --until panel')}", soft_wrap=True
    )


def _named(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:_MOST_SHOWN])
    return shown + (f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else "") or "none"
