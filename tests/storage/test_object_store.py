"""Objects on file systems of three kinds, one of them an S3 server that checks who asks."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from s3_server import S3Server, allow, become, credentials, s3_server

from foxml_assets.core.config_files import parse_config
from foxml_assets.core.errors import ConfigError, StoreError
from foxml_assets.core.names import symbol_segment
from foxml_assets.storage.object_store import ObjectStore, check_store_url
from foxml_assets.training.training_config import TrainingConfig

USERS = {"writer": [allow("s3:*")], "reader": [allow("s3:GetObject", "s3:ListBucket")]}


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with s3_server(tmp_path_factory.mktemp("s3"), USERS) as server:
        yield server


@pytest.fixture(params=["s3", "file", "memory"])
def store(
    request: pytest.FixtureRequest, s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> ObjectStore:
    become(s3.users["writer"], monkeypatch)
    urls = {"s3": f"{s3.url}/{tmp_path.name}", "file": f"file://{tmp_path}", "memory": "memory://foxml"}
    return ObjectStore(urls[request.param])


def test_objects_are_written_replaced_read_and_removed(store: ObjectStore) -> None:
    assert store.get("a/model.txt") is None
    store.put("a/model.txt", b"one")
    store.put("a/model.txt", b"other")
    store.put("ab/model.txt", b"beside it")
    assert store.get("a/model.txt") == b"other"
    store.delete_folder("a")
    store.delete_folder("a")
    assert store.get("a/model.txt") is None
    assert store.get("ab/model.txt") == b"beside it"


def test_a_key_of_any_name_is_its_own(store: ObjectStore) -> None:
    names = [
        symbol_segment(name)
        for name in ("A*", "AB", "A?", "[AB]", "a/../b", "%41", "\N{GREEK SMALL LETTER PI}")
    ]
    for name in names:
        store.put(f"odd/{name}/model", name.encode())
    assert [store.get(f"odd/{name}/model") for name in names] == [name.encode() for name in names]
    store.delete_folder(f"odd/{names[0]}")
    assert [name for name in names if store.get(f"odd/{name}/model") is None] == names[:1]


@pytest.mark.parametrize("block_bytes", [0, 1_000])
def test_ranges_are_read(store: ObjectStore, block_bytes: int) -> None:
    store.put("ranges", bytes(range(256)) * 100)
    with store.opened("ranges", block_bytes=block_bytes) as stream:
        stream.seek(25_000)
        assert stream.read(2) == bytes([168, 169])
        stream.seek(7)
        assert stream.read(1) == b"\x07"


def test_a_refused_write_says_where_and_what_to_do_and_leaves_what_was_there(
    s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ObjectStore(f"{s3.url}/read-only")
    become(s3.users["writer"], monkeypatch)
    store.put("model", b"first")
    become(s3.users["reader"], monkeypatch)
    for change in (lambda: store.put("model", b"second"), lambda: store.delete_folder("model")):
        with pytest.raises(StoreError, match=r"(?s)s3://foxml/read-only/model could.*Fix: let the") as told:
            change()
        assert not any(value in str(told.value) for value in _secrets(s3))
    assert store.get("model") == b"first"


def test_wrong_credentials_are_told_from_no_object(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    key = s3.users["writer"]["AWS_ACCESS_KEY_ID"]
    become(credentials(s3.address, key, "a wrong secret"), monkeypatch)
    for call in (lambda: ObjectStore(s3.url).get("model"), lambda: ObjectStore(s3.url).put("model", b"")):
        with pytest.raises(StoreError, match="AWS_ACCESS_KEY_ID") as told:
            call()
        assert "a wrong secret" not in str(told.value)


def test_a_bucket_that_is_missing_is_named(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    become(s3.users["writer"], monkeypatch)
    with pytest.raises(StoreError, match=r"(?s)Fix: create the bucket or folder of s3://nobody"):
        ObjectStore("s3://nobody").put("model", b"")


def test_a_server_that_does_not_answer_is_an_error_with_its_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    become(credentials("http://127.0.0.1:9", "key", "a secret"), monkeypatch)
    with pytest.raises(StoreError, match=r"(?s)connect.*Fix: see that s3://foxml is right") as told:
        ObjectStore("s3://foxml").get("model")
    assert "a secret" not in str(told.value)


@pytest.mark.parametrize("protocol", ["nobody", "gs"])
def test_a_url_that_nothing_reads_says_what_to_install(protocol: str) -> None:
    with pytest.raises(StoreError, match=rf"(?s){protocol}:// URLs.*Fix: for s3:// pip install"):
        ObjectStore(f"{protocol}://foxml").put("model", b"")


@pytest.mark.parametrize(
    "url",
    [
        "output/models",
        "s3://",
        "file://models",
        "file:///",
        "s3://key:secret@bucket/models",
        "s3://bucket/models?versionId=1",
        "simplecache::s3://bucket",
        "s3://bucket/a b",
    ],
)
def test_what_is_no_plain_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="neither credentials nor options"):
        check_store_url(url)


def test_urls_are_kept_without_their_last_slash() -> None:
    for url in ("s3://bucket/models/", "gs://bucket", "file:///srv/foxml", "memory://foxml/models"):
        assert check_store_url(url) == url.rstrip("/")


@pytest.mark.parametrize("key", ["models", "modles"])
def test_no_error_shows_credentials_that_stand_in_a_config(key: str) -> None:
    secret = "wJalrXUtnFEMI/K7MDENG/" + 200 * "x"
    text = f"storage: {{{key}: 's3://AKIA:{secret}@bucket'}}"
    with pytest.raises(ConfigError, match=f"storage.{key}") as told:
        parse_config(text.encode(), TrainingConfig, file=Path("training_config.yaml"))
    assert "AKIA" not in str(told.value)
    assert "wJal" not in str(told.value)


def _secrets(s3: S3Server) -> list[str]:
    return [
        user[name] for user in s3.users.values() for name in ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID")
    ]
