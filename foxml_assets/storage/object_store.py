"""Objects below a URL that fsspec reaches, as `s3://`, `gs://` or `file://`; each is written as a whole."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, cast

from foxml_assets.core.errors import FoxmlError, Problem, StoreError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

# No name, password or option in it: those come from the environment, and a URL is shown to people.
_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^\s@?#:]+(:\d+)?(/[^\s@?#:]*)?")
# Of local files fsspec makes the folders when it is asked to; elsewhere a key needs none.
_OPTIONS = {"file": {"auto_mkdir": True}, "local": {"auto_mkdir": True}}
_PROBE = ".doctor"
_ENVIRONMENT = "they come from the environment of this process, for s3:// AWS_ACCESS_KEY_ID and the like"


def check_store_url(url: str) -> str:
    """`url` without a slash at its end. Raises ValueError for what is none, or holds a name or a password."""
    plain = url.rstrip("/")
    is_relative = plain.startswith(("file://", "local://")) and ":///" not in plain
    if _URL.fullmatch(plain) is None or is_relative:
        raise ValueError(
            "should be a URL as s3://bucket/folder or file:///srv/foxml, with neither credentials nor options"
        )
    return plain


@dataclass(frozen=True)
class ObjectStore:
    """The objects below `url`. Credentials are those that the file system's package finds by itself.

    Everything here raises StoreError where the store cannot be reached, or refuses.
    """

    url: str

    def address(self, key: str) -> str:
        """The URL of an object."""
        return f"{self.url}/{key}"

    def put(self, key: str, content: bytes) -> None:
        """Write an object, or write it anew: a reader sees the old one or the new one."""
        with self._errors("could not be written", key):
            self._files().pipe_file(self.address(key), content)

    def get(self, key: str) -> bytes | None:
        """What an object holds; None if there is none."""
        with self._errors("could not be read", key):
            try:
                return cast(bytes, self._files().cat_file(self.address(key)))
            except FileNotFoundError:
                return None

    def delete_folder(self, key: str) -> None:
        """Remove all objects below `key`, if there are any."""
        with self._errors("could not be deleted", key):
            files = self._files()
            for path in sorted(files.find(self.address(key))):
                # Another process may do the same.
                with suppress(FileNotFoundError):
                    files.rm_file(path)

    def probe(self) -> None:
        """Write an object, read it, and remove it."""
        self.put(f"{_PROBE}/probe", b"")
        self.get(f"{_PROBE}/probe")
        self.delete_folder(_PROBE)

    @contextmanager
    def opened(self, key: str, *, block_bytes: int = 0) -> Iterator[BinaryIO]:
        """An object of which only some ranges are read: these, or the blocks of that size that hold them.

        Errors of the block of code count as the store's.
        """
        caching = (
            {"cache_type": "blockcache", "block_size": block_bytes} if block_bytes else {"cache_type": "none"}
        )
        with (
            self._errors("could not be read", key),
            self._files().open(self.address(key), "rb", **caching) as stream,
        ):
            yield stream

    def _files(self) -> "AbstractFileSystem":
        import fsspec

        protocol = self.url.partition("://")[0]
        try:
            # Other processes write here too, so no listing is remembered.
            return fsspec.filesystem(protocol, use_listings_cache=False, **_OPTIONS.get(protocol, {}))
        except (ImportError, ValueError) as error:
            raise StoreError(
                f"nothing that is installed reads {protocol}:// URLs",
                problems=[Problem("", str(error), self.url)],
                fix="for s3:// pip install 'foxml-assets[s3]', for others the package that fsspec names",
            ) from error

    @contextmanager
    def _errors(self, what: str, key: str) -> Iterator[None]:
        """Turn whatever the file system's package raises into a StoreError."""
        try:
            yield
        except FoxmlError:
            raise
        except Exception as error:
            problem = Problem("", f"{type(error).__name__}: {error}")
            raise StoreError(
                f"{self.address(key)} {what}", problems=[problem], fix=_advice(error, self.url)
            ) from error


def _advice(error: Exception, url: str) -> str:
    if isinstance(error, PermissionError):
        return f"let the credentials read and write below {url}; {_ENVIRONMENT}"
    if isinstance(error, FileNotFoundError):
        return f"create the bucket or folder of {url}, or name another in training_config.yaml"
    return f"see that {url} is right and can be reached from here with credentials; {_ENVIRONMENT}"
