"""What packages bring to this one: entry points, by group and name.

What this package brings itself is looked up in the same way (pyproject.toml), so that there is one way to add
something. To ask for the names imports nothing of it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from foxml_assets.core.errors import DetectorError, FamilyError, FoxmlError, Problem

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

Kind = TypeVar("Kind")


@dataclass(frozen=True)
class Group:
    """A group of entry points; `noun` is what each of them is, `empty` is said where there are none."""

    name: str
    noun: str
    error: type[FoxmlError]
    empty: str = "none"

    def points(self) -> Mapping[str, "EntryPoint"]:
        """The entry point of each name. Raises `error` for a name that is taken, or that is no name."""
        return _points(self)

    def check(self, name: str) -> str:
        """`name`, if it is known. Raises ValueError that lists the known ones."""
        if name not in self.points():
            raise ValueError(self.unknown())
        return name

    def unknown(self) -> str:
        """What is wrong with a name that is not known."""
        return f"is no installed {self.noun}; known: {', '.join(self.points()) or self.empty}"

    def load(self, name: str, kind: type[Kind]) -> Kind:
        """What has that name; its module is imported now. Raises `error`."""
        point = self.points().get(name)
        if point is None:
            problem = Problem(self.noun, self.unknown(), name)
            fix = "install the package that brings it"
            raise self.error(f"a {self.noun} is not known", problems=[problem], fix=fix)
        try:
            found = point.load()
        except (ImportError, AttributeError) as error:
            problem = Problem(name, str(error), point.value)
            raise self.error(f"a {self.noun} cannot be imported", problems=[problem]) from error
        if not isinstance(found, kind) or getattr(found, "name", None) != name:
            problem = Problem(name, f"must be a {kind.__name__} of this name", point.value)
            raise self.error(f"an entry point is no {self.noun}", problems=[problem])
        return found


FAMILIES = Group(
    "foxml_assets.families", "model family", FamilyError, "none, so foxml-assets is to be installed anew"
)
DETECTORS = Group("foxml_assets.leakage_detectors", "leakage detector", DetectorError)


@cache
def _points(group: Group) -> Mapping[str, "EntryPoint"]:
    from importlib.metadata import entry_points  # as slow to import as the whole plan reader

    found: dict[str, EntryPoint] = {}
    problems = []
    for point in sorted(entry_points(group=group.name), key=lambda point: (point.name, point.value)):
        if not re.fullmatch(r"[a-z][a-z0-9_]*", point.name):
            problems.append(Problem(point.name, "must be lower-case letters, digits and _", point.value))
        elif point.name in found:
            problems.append(Problem(point.name, f"is already {found[point.name].value}", point.value))
        found.setdefault(point.name, point)
    if problems:
        raise group.error(
            f"entry points of the group {group.name} are wrong",
            problems=problems,
            fix="give it another name, or uninstall a package that brings it",
        )
    return found


def forget_entry_points() -> None:
    """Look the entry points up anew, after a package was installed in a process that lives on."""
    _points.cache_clear()
