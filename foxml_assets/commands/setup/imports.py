"""`foxml import-foxml` and `foxml import-candidates`: evidence from elsewhere."""

from pathlib import Path

from foxml_assets.commands.console import console
from foxml_assets.importing.foreign_words import Imported
from foxml_assets.importing.foxml_run import import_foxml
from foxml_assets.importing.user_table import import_candidates
from foxml_assets.routing.candidates.candidates_file import write_candidates
from foxml_assets.storage.files import remove_file
from foxml_assets.storage.tables import find_table
from foxml_assets.workspace import Workspace, current_workspace

_MAX_NOTES = 20


def import_run(root: Path | None, config_dir: Path | None, path: Path) -> int:
    """Import the folder of a FoxML run. Returns 0. Raises CandidatesError."""
    return _store(current_workspace(root, config_dir), import_foxml(path))


def import_table(root: Path | None, config_dir: Path | None, path: Path) -> int:
    """Import a Parquet or CSV file of metrics. Returns 0. Raises CandidatesError."""
    return _store(current_workspace(root, config_dir), import_candidates(path))


def drop_import(root: Path | None, config_dir: Path | None) -> int:
    """Forget imported candidates, so that the evidence counts again. Returns 0."""
    found = find_table(current_workspace(root, config_dir).layout.imported_candidates)
    if found is None:
        console.print("Nothing was imported")
    else:
        remove_file(found)
        console.print(f"Removed {found}; the evidence counts again", soft_wrap=True)
    return 0


def _store(workspace: Workspace, imported: Imported) -> int:
    path = write_candidates(imported.candidates, workspace.layout.imported_candidates)
    table = imported.candidates
    console.print(
        f"Imported {len(table)} rows on {table['target'].nunique()} targets to {path}", soft_wrap=True
    )
    for note in imported.notes[:_MAX_NOTES]:
        console.print(f"  {note}")
    if len(imported.notes) > _MAX_NOTES:
        console.print(f"  and {len(imported.notes) - _MAX_NOTES} more notes")
    console.print("They stand in for the evidence: foxml run --until plan")
    return 0
