"""Which model families there are: the entry points of the group `foxml_assets.families`.

This package's own are entry points too (pyproject.toml), so that there is one way to bring a family, and no
list of them in the code. To ask for the names imports none of them.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from foxml_assets.errors import FamilyError, Problem

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "foxml_assets.families"


@cache
def family_entry_points() -> Mapping[str, "EntryPoint"]:
    """The entry point of each family, by name. Raises FamilyError for a name that is taken or no name."""
    from importlib.metadata import entry_points  # as slow to import as the whole plan reader

    found: dict[str, EntryPoint] = {}
    problems = []
    for point in sorted(entry_points(group=GROUP), key=lambda point: (point.name, point.value)):
        if not re.fullmatch(r"[a-z][a-z0-9_]*", point.name):
            problems.append(Problem(point.name, "must be lower-case letters, digits and _", point.value))
        elif point.name in found:
            problems.append(Problem(point.name, f"is already {found[point.name].value}", point.value))
        found.setdefault(point.name, point)
    if problems:
        raise FamilyError(
            f"entry points of the group {GROUP} are wrong",
            problems=problems,
            fix="name the family otherwise, or uninstall a package that brings it",
        )
    return found


def known_family(name: str) -> str:
    """`name`, if a family has it. Raises ValueError that lists the known ones."""
    if name not in family_entry_points():
        raise ValueError(unknown_family())
    return name


def unknown_family() -> str:
    """What is wrong with a name that no family has."""
    names = ", ".join(family_entry_points()) or "none, so foxml-assets is to be installed anew"
    return f"is no installed model family; known: {names}"
