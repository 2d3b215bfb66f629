"""Who may drive the web UI: nobody but the pages that it serves itself.

Dagster's web server executes mutations by GET and by forms, and looks at neither Host nor Origin, so that any
page in the user's browser could launch runs and wipe assets.
"""

import base64
import binascii
import secrets
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_READING = frozenset({"GET", "HEAD", "OPTIONS"})
# The close code of a WebSocket that RFC 6455 has for this.
_POLICY_VIOLATION = 1008
USER = "foxml"


@dataclass(frozen=True)
class Access:
    """Where the server listens, and what it asks of a request.

    Without a `token` it is for one machine: the Host must be the address itself. With one, any name that
    leads here may stand in Host, and every request must bring the token as the password of USER.
    """

    host: str
    port: int
    token: str | None = None

    @property
    def own_hosts(self) -> frozenset[str]:
        """What a browser on this machine sends as Host."""
        names = {self.host, "localhost"} if self.host.startswith("127.") else {self.host}
        return frozenset(f"[{name}]:{self.port}" if ":" in name else f"{name}:{self.port}" for name in names)


@dataclass(frozen=True)
class Refusal:
    """Why a request is not passed on."""

    status: HTTPStatus
    reason: str
    headers: Mapping[str, str] | None = None


class Guard:
    """ASGI middleware that answers 403 to whatever does not come from the UI's own pages."""

    def __init__(self, app: App, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or refuse, one connection."""
        refusal = refusal_of(scope, self._access) if scope["type"] in ("http", "websocket") else None
        if refusal is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            # Before the upgrade: the server answers the handshake with 403.
            await receive()
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": refusal.reason})
        else:
            answer = PlainTextResponse(f"{refusal.reason}\n", refusal.status, refusal.headers)
            await answer(scope, receive, send)


def refusal_of(scope: Scope, access: Access) -> Refusal | None:
    """Why this connection is refused; None if it may pass."""
    headers = Headers(scope=scope)
    host = headers.get("host", "")
    if access.token is None and host not in access.own_hosts:
        return _forbidden(f"the Host {host[:100]!r} is not the address of this server")
    origins = headers.getlist("origin")
    # Behind a proxy that ends TLS the page's scheme is not ours.
    own = {f"http://{host}"} if access.token is None else {f"http://{host}", f"https://{host}"}
    if not own.issuperset(origins):
        return _forbidden(f"the Origin {origins[0][:100]!r} is another site")
    if access.token is not None and not _has_token(headers, access.token):
        challenge = {"WWW-Authenticate": 'Basic realm="foxml", charset="UTF-8"'}
        return Refusal(HTTPStatus.UNAUTHORIZED, f"the token is the password of the user {USER}", challenge)
    if scope["type"] == "websocket":
        return None
    return _refused_method(scope, headers)


def _refused_method(scope: Scope, headers: Headers) -> Refusal | None:
    if scope["method"] not in _READING:
        content = headers.get("content-type", "").partition(";")[0].strip().lower()
        # Pages of other sites cannot send this type without asking first, and are not answered.
        return None if content == "application/json" else _forbidden("only application/json changes anything")
    if scope["path"].rstrip("/").endswith("/graphql") and scope.get("query_string"):
        return _forbidden("GraphQL is executed by POST only")
    return None


def _has_token(headers: Headers, token: str) -> bool:
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        said = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        return False
    # In a time that does not tell how much of a guess was right.
    return secrets.compare_digest(said, f"{USER}:{token}".encode())


def _forbidden(reason: str) -> Refusal:
    return Refusal(HTTPStatus.FORBIDDEN, reason)
