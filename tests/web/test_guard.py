"""The guard in front of the web UI, asked by raw requests to a real server."""

import base64
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from foxml_assets.commands.web.guard import Access, Guard

JSON = {"Content-Type": "application/json"}


async def _answer(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"reached by {request.method}")


async def _talk(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.close()


@contextmanager
def served(token: str | None = None) -> Iterator[int]:
    """A server behind the guard, on a free port of 127.0.0.1."""
    routes = [
        Route("/graphql", _answer, methods=["GET", "POST"]),
        Route("/page", _answer, methods=["GET", "POST", "DELETE"]),
        WebSocketRoute("/graphql", _talk),
    ]
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    port = int(listening.getsockname()[1])
    app = Guard(Starlette(routes=routes), Access("127.0.0.1", port, token))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    try:
        yield port
    finally:
        server.should_exit = True
        thread.join(timeout=20)
        listening.close()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with served() as at:
        yield at


def ask(port: int, line: str, headers: dict[str, str], *, host: str | None = "") -> tuple[int, str]:
    """Status and text of the answer to a request written byte by byte."""
    lines = [f"{line} HTTP/1.1", "Connection: close"]
    if host is not None:
        lines.append(f"Host: {host or f'127.0.0.1:{port}'}")
    lines += [f"{name}: {value}" for name, value in headers.items()]
    with socket.create_connection(("127.0.0.1", port), timeout=10) as stream:
        stream.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        answer = b""
        while part := stream.recv(65_536):
            answer += part
            if answer.startswith(b"HTTP/1.1 101"):
                break
    head, _, body = answer.decode(errors="replace").partition("\r\n\r\n")
    return int(head.split()[1]), head + body


def handshake(origin: str | None) -> dict[str, str]:
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    return headers if origin is None else {**headers, "Origin": origin}


def test_the_pages_own_requests_pass(port: int) -> None:
    own = {"Origin": f"http://127.0.0.1:{port}"}
    assert ask(port, "GET /page", {})[0] == 200
    assert ask(port, "GET /page", {}, host=f"localhost:{port}")[0] == 200
    assert ask(port, "GET /graphql", {"Accept": "text/html"})[0] == 200
    assert ask(port, "POST /graphql", {**JSON, **own})[0] == 200
    assert ask(port, "POST /graphql", {"Content-Type": "application/json; charset=utf-8"})[0] == 200
    assert ask(port, "GET /graphql", handshake(own["Origin"]))[0] == 101
    assert ask(port, "GET /graphql", handshake(None))[0] == 101


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "127.0.0.1.evil.example:{port}"]
)
def test_another_name_for_this_address_is_refused(port: int, host: str) -> None:
    status, text = ask(port, "GET /page", {}, host=host.format(port=port))
    assert status == 403
    assert "is not the address of this server" in text
    assert ask(port, "GET /graphql", handshake(None), host=host.format(port=port))[0] == 403


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1:{port}", ""]
)
def test_another_site_is_refused(port: int, origin: str) -> None:
    said = {"Origin": origin.format(port=port)}
    assert ask(port, "GET /page", said)[0] == 403
    assert ask(port, "POST /graphql", {**JSON, **said})[0] == 403
    assert ask(port, "GET /graphql", handshake(said["Origin"]))[0] == 403


def test_graphql_is_not_executed_by_get(port: int) -> None:
    assert ask(port, "GET /graphql?query=%7Bversion%7D", {})[0] == 403
    assert ask(port, "GET /graphql/?query=mutation", {"Accept": "text/html"})[0] == 403


@pytest.mark.parametrize(
    "content", ["text/plain", "application/x-www-form-urlencoded", "application/graphql", "", None]
)
def test_forms_change_nothing(port: int, content: str | None) -> None:
    headers = {} if content is None else {"Content-Type": content}
    for line in ("POST /graphql", "POST /graphql?query=mutation", "POST /page", "DELETE /page"):
        status, text = ask(port, line, headers)
        assert status == 403
        assert "only application/json changes anything" in text


def test_a_long_header_is_not_echoed_whole(port: int) -> None:
    status, text = ask(port, "GET /page", {}, host="x" * 5_000)
    assert status == 403
    assert len(text) < 600


def test_a_token_is_asked_for_in_every_request() -> None:
    def password(text: str) -> dict[str, str]:
        return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}

    with served("correct horse") as port:
        good = password("foxml:correct horse")
        assert ask(port, "GET /page", good, host="research.example:8443")[0] == 200
        assert ask(port, "GET /graphql", {**handshake(None), **good})[0] == 101
        for wrong in (
            {},
            password("foxml:wrong"),
            password("root:correct horse"),
            {"Authorization": "Basic *"},
        ):
            status, text = ask(port, "GET /page", wrong)
            assert status == 401
            assert 'WWW-Authenticate: Basic realm="foxml"'.lower() in text.lower()
            assert ask(port, "GET /graphql", {**handshake(None), **wrong})[0] == 403
        assert ask(port, "POST /graphql", {**JSON, **good, "Origin": "http://evil.example"})[0] == 403
        assert ask(port, "POST /graphql", {**good, "Content-Type": "text/plain"})[0] == 403
