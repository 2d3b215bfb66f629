"""The house in numbers: what a reader of a plan imports, how large rooms and files are, how much is routing.

    python benchmarks/structure.py

Of each room of routing, and of importing, it says where the lines are. The largest rooms decide a state and
say so in words (rules, methods), hold the plan as a value that is read back strictly from two formats (plan),
and test evidence that nobody vouches for (sides).

Exit code 1: a limit is passed. The limits on files and folders are held by tests/core/test_structure.py too.
"""

import ast
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "foxml_assets"
MOST_MODULES, MOST_LINES, MOST_FILES = 12, 350, 12
COUNT_MODULES = """
import sys, foxml_assets.planning.plan.consumer
own = [module for name, module in sys.modules.items() if name.startswith("foxml_assets.")]
print(len([module for module in own if not module.__file__.endswith("__init__.py")]))
"""


def filled_lines(path: Path) -> int:
    """Lines that hold something."""
    return sum(bool(line.strip()) for line in path.read_text(encoding="utf-8").splitlines())


def parts(path: Path) -> Counter[str]:
    """The lines that hold something: statements, imports, docstrings, comments."""
    source = path.read_text(encoding="utf-8")
    lines, tree = source.splitlines(), ast.parse(source)
    described = (ast.Module, ast.ClassDef, ast.FunctionDef)
    nodes = [node for node in ast.walk(tree) if isinstance(node, described) and ast.get_docstring(node)]
    # A docstring is the first statement of what it describes.
    texts = [line for node in nodes for line in lines[node.body[0].lineno - 1 : node.body[0].end_lineno]]
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    found = Counter(
        docstrings=sum(bool(line.strip()) for line in texts),
        imports=sum((node.end_lineno or node.lineno) - node.lineno + 1 for node in imports),
        comments=comment_lines(path),
    )
    return Counter(statements=filled_lines(path) - found.total()) + found


def report_rooms(files: list[Path]) -> None:
    """Where the lines of routing and importing are."""
    rooms: dict[str, Counter[str]] = {}
    for path in files:
        room, *rest = path.relative_to(PACKAGE).parts
        if room in ("routing", "importing"):
            name = "/".join((room, *rest[:-1]))
            rooms[name] = rooms.get(name, Counter()) + parts(path)
    for name, found in sorted(rooms.items()):
        listed = ", ".join(f"{count:,} {what}" for what, count in found.items())
        print(f"  {name:<20}{found.total():>7,} lines: {listed}")


def comment_lines(path: Path) -> int:
    """Lines that are nothing but a comment."""
    return sum(line.lstrip().startswith("#") for line in path.read_text(encoding="utf-8").splitlines())


def main() -> int:
    """Print the numbers; 1 if a limit is passed."""
    files = [path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"]
    command = [sys.executable, "-c", COUNT_MODULES]
    modules = int(subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout)
    longest = max(files, key=lambda path: len(path.read_text(encoding="utf-8").splitlines()))
    length = len(longest.read_text(encoding="utf-8").splitlines())
    folder, fullest = Counter(path.parent for path in files).most_common(1)[0]
    lines = {path: filled_lines(path) for path in files}
    rooms = Counter[str]()
    for path, count in lines.items():
        rooms[path.relative_to(PACKAGE).parts[0]] += count
    for room, count in sorted(rooms.items()):
        print(f"  {room:<20}{count:>7,} lines")
    total = sum(lines.values())
    comments = sum(map(comment_lines, files))
    print(f"all: {total:,} lines that hold something in {len(files)} files, {len(rooms)} rooms")
    print(f"comments: {100 * comments / total:.1f} in a hundred lines")
    print(f"routing and importing: {rooms['routing'] + rooms['importing']:,} lines")
    report_rooms(files)
    print(f"modules of this package imported to read a plan: {modules} (at most {MOST_MODULES})")
    print(f"longest file: {length} lines, {longest.relative_to(ROOT)} (at most {MOST_LINES})")
    print(f"fullest folder: {fullest} files, {folder.relative_to(ROOT)} (at most {MOST_FILES})")
    return int(modules > MOST_MODULES or length > MOST_LINES or fullest > MOST_FILES)


if __name__ == "__main__":
    sys.exit(main())
