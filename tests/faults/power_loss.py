"""What a disk may hold after the power went: the recorded calls played back, without what was not synced.

On a file system with ordered metadata (a journal, as of ext4 or XFS) any sync makes all changes of names
durable that were made before, so a suffix of them is lost. POSIX promises less: a name is durable when its
own folder was synced, so any of the others may be lost. In both, the data of a file that was not synced is
there, or missing, or cut short.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path


@dataclass(frozen=True)
class Call:
    """One recorded call; paths are relative to the root, which is the empty path."""

    name: str
    path: str
    other: str
    offset: int
    data: bytes


class Data(Enum):
    """What becomes of data that was not synced."""

    KEPT = "kept"
    LOST = "lost"
    CUT = "cut"


@dataclass(eq=False)
class _Node:
    """A file or a folder."""

    is_folder: bool
    data: bytes = b""
    synced: bytes = b""


@dataclass
class _Change:
    """One change of names, as (folder, name, what stands there then); whole or not at all."""

    entries: tuple[tuple[_Node, str, _Node | None], ...]
    is_durable: bool = False


_Names = dict[tuple[_Node, str], _Node]
_Tree = dict[_Node, dict[str, _Node]]


@dataclass
class Disk:
    """What the program sees, and what of it is durable."""

    root: _Node = field(default_factory=lambda: _Node(is_folder=True))
    names: _Names = field(default_factory=dict)
    first: _Names = field(default_factory=dict)
    changes: list[_Change] = field(default_factory=list)
    journaled: int = 0

    @classmethod
    def load(cls, folder: Path) -> "Disk":
        """The content of `folder`, all of it durable."""
        disk = cls()
        for path in sorted(folder.rglob("*")):
            data = b"" if path.is_dir() else path.read_bytes()
            node = _Node(path.is_dir(), data, data)
            parent, name = disk._place(path.relative_to(folder).as_posix())
            disk.names[parent, name] = node
        disk.first = dict(disk.names)
        return disk

    def play(self, call: Call) -> None:
        """Let the program make `call`, which succeeded."""
        if call.name in ("create", "mkdir", "symlink"):
            self._rename({call.path: _Node(is_folder=call.name == "mkdir")})
        elif call.name in ("unlink", "rmdir"):
            self._rename({call.path: None})
        elif call.name == "rename":
            self._rename({call.path: None, call.other: self._node(call.path)})
        elif call.name == "exchange":
            self._rename({call.path: self._node(call.other), call.other: self._node(call.path)})
        elif call.name == "link":
            self._rename({call.other: self._node(call.path)})
        elif call.name == "fsync":
            self._sync(self._node(call.path))
        elif call.name == "truncate":
            node = self._node(call.path)
            node.data = node.data[: call.offset].ljust(call.offset, b"\0")
        elif call.name == "write":
            node = self._node(call.path)
            before = node.data[: call.offset].ljust(call.offset, b"\0")
            node.data = before + call.data + node.data[call.offset + len(call.data) :]

    def after_power_loss(self) -> Iterator[dict[str, bytes | None]]:
        """Each state that may be found: the content of every path, None for a folder."""
        for kept in self._surviving():
            names = dict(self.first)
            for change in kept:
                for folder, name, node in change.entries:
                    if node is None:
                        names.pop((folder, name), None)
                    else:
                        names[folder, name] = node
            tree: _Tree = {}
            for (folder, name), node in names.items():
                tree.setdefault(folder, {})[name] = node
            for data in Data:
                yield dict(self._walk(self.root, "", tree, data))

    def _surviving(self) -> Iterator[Sequence[_Change]]:
        for cut in range(self.journaled, len(self.changes) + 1):
            yield self.changes[:cut]
        open_ones = [change for change in self.changes if not change.is_durable]
        yield [change for change in self.changes if change.is_durable]
        for one in open_ones:
            yield [change for change in self.changes if change is not one]
            yield [change for change in self.changes if change.is_durable or change is one]

    def _walk(
        self, folder: _Node, prefix: str, tree: _Tree, data: Data
    ) -> Iterator[tuple[str, bytes | None]]:
        for name, node in tree.get(folder, {}).items():
            path = f"{prefix}{name}"
            if node.is_folder:
                yield path, None
                yield from self._walk(node, f"{path}/", tree, data)
            elif data is Data.CUT and node.data != node.synced:
                yield path, node.data[: len(node.data) // 2]
            else:
                yield path, node.data if data is Data.KEPT else node.synced

    def _sync(self, node: _Node) -> None:
        node.synced = node.data
        self.journaled = len(self.changes)
        for change in self.changes:
            folder, _, _ = change.entries[-1]
            change.is_durable |= folder is node

    def _rename(self, entries: dict[str, _Node | None]) -> None:
        changed = []
        for path, node in entries.items():
            place = self._place(path)
            if node is None:
                self.names.pop(place)
            else:
                self.names[place] = node
            changed.append((*place, node))
        self.changes.append(_Change(tuple(changed)))

    def _node(self, path: str) -> _Node:
        return self.names[self._place(path)] if path else self.root

    def _place(self, path: str) -> tuple[_Node, str]:
        folder, _, name = path.rpartition("/")
        return self._node(folder), name


def read_trace(log: Path, root: Path) -> list[Call]:
    """The calls that the shim recorded."""
    found, raw, at = [], log.read_bytes(), 0
    while at < len(raw):
        end = raw.index(b"\n", at)
        name, path, other, offset, size = raw[at:end].decode().split("\t")
        at = end + 1 + int(size)
        data = raw[end + 1 : at]
        found.append(Call(name, _relative(path, root), _relative(other, root), int(offset), data))
    return found


def possible_states(before: Path, calls: Sequence[Call]) -> Iterator[tuple[int, dict[str, bytes | None]]]:
    """Each state that differs from the others, and the number of calls after which it is possible first."""
    disk, seen = Disk.load(before), set()
    for number in range(len(calls) + 1):
        for state in disk.after_power_loss():
            key = hash(frozenset(state.items()))
            if key not in seen:
                seen.add(key)
                yield number, state
        if number < len(calls):
            disk.play(calls[number])


def restore(state: dict[str, bytes | None], root: Path) -> None:
    """Make `root`, which does not exist, hold `state`."""
    root.mkdir()
    for path, data in sorted(state.items()):
        target = root / path
        if data is None:
            target.mkdir()
        else:
            target.write_bytes(data)


def _relative(path: str, root: Path) -> str:
    # A deleted file that is written to has no name; what it holds is gone with it.
    return "" if path in ("", str(root)) else path.removeprefix(f"{root}/")
