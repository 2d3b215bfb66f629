"""A real S3 server on loopback that checks who asks, and users of it."""

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

BUCKET = "foxml"
_REGION = "us-east-1"


@dataclass(frozen=True)
class S3Server:
    """A server with one bucket, and what a process needs in its environment to be one of its users."""

    process: "subprocess.Popen[bytes]"
    address: str
    users: Mapping[str, Mapping[str, str]]

    @property
    def url(self) -> str:
        return f"s3://{BUCKET}"


@contextmanager
def s3_server(folder: Path, policies: Mapping[str, Sequence[object]]) -> Iterator[S3Server]:
    """A server whose users may do what the statements of their policies say, and nobody else anything."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    with (
        (folder / "s3.log").open("wb") as log,
        subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], stderr=log, stdout=log
        ) as process,
    ):
        try:
            _wait_for(address)
            users = {name: _user(address, name, policy) for name, policy in policies.items()}
            # Until then it does whatever anybody asks.
            _post(f"{address}/moto-api/reset-auth", b"0")
            yield S3Server(process, address, users)
        finally:
            process.kill()


def become(user: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Have this process ask as that user from now on."""
    from s3fs import S3FileSystem

    for name, value in user.items():
        monkeypatch.setenv(name, value)
    # A file system that was used before goes on as who it was.
    S3FileSystem.clear_instance_cache()


def allow(*actions: str, on: str = "*") -> dict[str, object]:
    """A statement of a policy."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": on}


def deny(*actions: str, on: str) -> dict[str, object]:
    """A statement that comes before all that allow."""
    return {"Effect": "Deny", "Action": list(actions), "Resource": on}


def credentials(address: str, key: str, secret: str) -> dict[str, str]:
    """The environment of a process that is the user of that key."""
    return {
        "AWS_ENDPOINT_URL": address,
        "AWS_DEFAULT_REGION": _REGION,
        "AWS_ACCESS_KEY_ID": key,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _user(address: str, name: str, policy: Sequence[object]) -> dict[str, str]:
    import boto3

    anybody = {"aws_access_key_id": "anybody", "aws_secret_access_key": "anybody"}
    iam, s3 = (
        boto3.client(what, endpoint_url=address, region_name=_REGION, **anybody) for what in ("iam", "s3")
    )
    # Again and again is as good as once.
    s3.create_bucket(Bucket=BUCKET)
    iam.create_user(UserName=name)
    document = json.dumps({"Version": "2012-10-17", "Statement": policy})
    iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document)
    made = iam.create_access_key(UserName=name)["AccessKey"]
    return credentials(address, made["AccessKeyId"], made["SecretAccessKey"])


def _wait_for(address: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(f"{address}/moto-api/", timeout=5):  # noqa: S310
                return
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def _post(url: str, data: bytes) -> None:
    request = urllib.request.Request(url, data, {"Content-Type": "text/plain"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=5):  # noqa: S310
        pass
