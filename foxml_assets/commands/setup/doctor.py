"""`foxml doctor`: what stands in the way of a run, each with what to do about it."""

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement

from foxml_assets.commands.console import console, make_table
from foxml_assets.core.entry_points import FAMILIES
from foxml_assets.core.errors import ConfigError, FoxmlError
from foxml_assets.defs.running.claims import find_claims
from foxml_assets.defs.running.instance import open_instance
from foxml_assets.families.registry import find_family
from foxml_assets.panel.panel_store import load_panel_info
from foxml_assets.panel.source import panel_source_hash
from foxml_assets.storage.files import refuse_links, remove_file, write_atomic
from foxml_assets.training.runner import engine_of
from foxml_assets.workspace import Workspace, current_workspace

_LOW_DISK_BYTES = 1 << 30


class Health(StrEnum):
    """How one thing is; only `BAD` stands in the way."""

    GOOD = "good"
    NOTE = "note"
    BAD = "bad"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `mend` is empty where nothing need be done."""

    what: str
    health: Health
    said: str
    mend: str = ""


def run_doctor(root: Path | None, config_dir: Path | None) -> int:
    """Print a finding for everything that a run needs. Returns 1 if something stands in the way, else 0."""
    findings = look_over(current_workspace(root, config_dir))
    table = make_table("", "", "found", "to mend it")
    for finding in findings:
        table.add_row(finding.health.value, finding.what, finding.said, finding.mend)
    console.print(table)
    return int(any(finding.health is Health.BAD for finding in findings))


def look_over(workspace: Workspace) -> tuple[Finding, ...]:
    """Everything that a run needs, one after the other."""
    return tuple(finding for look in _LOOKS for finding in look(workspace))


def _packages(_: Workspace) -> Iterator[Finding]:
    yield Finding("Python", Health.GOOD, sys.version.split()[0])
    wrong = []
    for text in requires("foxml-assets") or ():
        needed = Requirement(text)
        # Without an extra: what only `foxml-assets[...]` asks for need not be there.
        if needed.marker is not None and not needed.marker.evaluate({"extra": ""}):
            continue
        found = _installed(needed.name)
        if found is None or not needed.specifier.contains(found, prereleases=True):
            wrong.append(f"{needed.name} {found or 'is not installed'} (wanted {needed.specifier or 'any'})")
    if wrong:
        yield Finding("packages", Health.BAD, "; ".join(wrong), "make setup, or pip install -e .")
    else:
        yield Finding("packages", Health.GOOD, f"foxml-assets {version('foxml-assets')}, all it needs")


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _families(_: Workspace) -> Iterator[Finding]:
    for name in FAMILIES.points():
        try:
            find_family(name)
        except FoxmlError as error:
            yield _of_error(f"family {name}", error, Health.NOTE)


def _disk(workspace: Workspace) -> Iterator[Finding]:
    root = workspace.root
    probe = root / ".doctor"
    try:
        write_atomic(probe, b"")
        remove_file(probe)
    except OSError as error:
        yield Finding("root", Health.BAD, str(error), "make the folder writable, or name another with --root")
        return
    except FoxmlError as error:
        yield _of_error("root", error)
        return
    free = shutil.disk_usage(root).free
    said = f"{root}: writable, {free / 1e9:.1f} GB free"
    if free < _LOW_DISK_BYTES:
        yield Finding("root", Health.NOTE, said, "free some space: models and the event log grow")
    else:
        yield Finding("root", Health.GOOD, said)
    for folder in (workspace.layout.metrics, workspace.layout.models, workspace.layout.panel_dir):
        try:
            refuse_links(folder)
        except FoxmlError as error:
            yield _of_error(folder.name, error)


def _at_work(workspace: Workspace) -> Iterator[Finding]:
    for claim in find_claims(workspace.root).values():
        if claim.is_held:
            yield Finding("at work", Health.NOTE, f"{claim.role.value}: {claim}")


def _instance(workspace: Workspace) -> Iterator[Finding]:
    try:
        with open_instance(workspace.dagster_home) as instance:
            storage = type(instance.run_storage).__name__
            yield Finding("Dagster", Health.GOOD, f"{workspace.dagster_home} ({storage})")
    except FoxmlError as error:
        yield _of_error("Dagster", error)


def _configs(workspace: Workspace) -> Iterator[Finding]:
    looks = {
        "data config": workspace.data_config,
        "routing policy": workspace.routing_policy,
        "training config": workspace.training_config,
    }
    is_good = True
    for what, load in looks.items():
        try:
            load()
        except FoxmlError as error:
            is_good = False
            yield _of_error(what, error)
    if is_good:
        try:
            workspace.check_configs()
            yield Finding("configs", Health.GOOD, str(workspace.config_dir))
        except FoxmlError as error:
            yield _of_error("configs", error)


def _panel(workspace: Workspace) -> Iterator[Finding]:
    try:
        panel_source_hash(workspace.data_config())
    except FoxmlError as error:
        yield _of_error("panel's source", error)
        return
    yield Finding("panel's source", Health.GOOD, "its files can be read")
    if not workspace.layout.panel_info.is_file():
        build = workspace.command("run --until panel")
        yield Finding("panel", Health.NOTE, "is not built yet", f"{build} checks its values")
        return
    try:
        info = load_panel_info(workspace.layout)
    except FoxmlError as error:
        yield _of_error("panel", error)
        return
    said = f"{info.n_rows:,} rows, {len(info.symbols):,} symbols, {len(info.targets)} targets"
    yield Finding("panel", Health.GOOD, said)


def _engine(workspace: Workspace) -> Iterator[Finding]:
    try:
        yield Finding("engine", Health.GOOD, engine_of(workspace.training_config()).describe())
    except ConfigError:
        # Said of the configs.
        return
    except FoxmlError as error:
        yield _of_error("engine", error)


def _stores(workspace: Workspace) -> Iterator[Finding]:
    try:
        storage = workspace.training_config().storage
    except ConfigError:
        # Said of the configs.
        return
    for key, store in (("storage.panel", storage.panel_store), ("storage.models", storage.model_store)):
        if store is None:
            continue
        try:
            store.probe()
            yield Finding(key, Health.GOOD, f"{store.url}: can be written and read")
        except FoxmlError as error:
            yield _of_error(key, error)


def _of_error(what: str, error: FoxmlError, health: Health = Health.BAD) -> Finding:
    problems = [error.summary, *map(str, error.problems[:3])]
    said = f"{error.file.name}: " if error.file is not None else ""
    return Finding(what, health, said + "; ".join(problems), error.fix)


_LOOKS: tuple[Callable[[Workspace], Iterator[Finding]], ...] = (
    _packages,
    _families,
    _disk,
    _at_work,
    _instance,
    _configs,
    _engine,
    _stores,
    _panel,
)
