"""The house in numbers: what a reader of a plan imports, how large rooms and files are, how much is routing.

    python benchmarks/structure.py

Exit code 1: a limit is passed. The limits on files and folders are held by tests/core/test_structure.py too.
"""

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
    print(f"modules of this package imported to read a plan: {modules} (at most {MOST_MODULES})")
    print(f"longest file: {length} lines, {longest.relative_to(ROOT)} (at most {MOST_LINES})")
    print(f"fullest folder: {fullest} files, {folder.relative_to(ROOT)} (at most {MOST_FILES})")
    return int(modules > MOST_MODULES or length > MOST_LINES or fullest > MOST_FILES)


if __name__ == "__main__":
    sys.exit(main())
