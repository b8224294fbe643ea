"""What every request passes before it is answered, and every answer before it goes out.

A request has to be meant for this machine: its Host is one of ours (a page elsewhere may have its name lead here), and
a browser that sends it for a page has to have that page from here. Where a token is set, it has to come with it. A body
is no larger than is allowed. Nothing of a request is written down.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from ivproof.engine.faults import bare_place_of
from ivproof.formats.plain import json_text

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LOOPBACK = ("localhost", "127.0.0.1", "::1")
"""Names of this machine that no other machine can reach it by."""

BODY = 1_000_000
"""So many bytes may the body of a question have."""

LARGE_BODY = 20_000_000
"""So many where it is a proof."""

LOGIN = "/login"
"""Where a browser is asked for the token."""

SESSION = "ivproof"
"""The name of what stands for the token in a browser."""

TOKEN = 16
"""A token has at least so many characters."""

POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""What an answer that is no page may do in a browser: nothing."""

HEADERS = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",  # with none, a browser does not say either that a form is from here
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


class Guard:
    """Lets through what is meant for this service, and gives every answer its headers."""

    def __init__(
        self,
        app: App,
        *,
        hosts: Iterable[str] = LOOPBACK,
        token: str | None = None,
        session: str = "",
        large: Iterable[str] = (),
        free: Iterable[str] = (),
        fault: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Stand before an app.

        `hosts` are the names under which it may be asked for, `token` what has to come with each request but those for
        the paths of `free`, or in its stead `session` in the cookie of that name, `large` the paths whose bodies may be
        large. `fault` is told of errors of this program, by their kind and place.
        """
        self._app = app
        self._hosts = frozenset(it.casefold() for it in hosts)
        self._token = token
        self._session = session
        self._large = frozenset(large)
        self._free = frozenset(free)
        self._fault = fault

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":  # nothing else is served here
            return
        begun = False

        async def answer(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                given = {name.decode("latin-1").lower() for name, _ in message.get("headers", ())}
                own = {"content-security-policy": POLICY, **HEADERS}
                further = [(name.encode(), value.encode()) for name, value in own.items() if name not in given]
                message = {**message, "headers": [*message.get("headers", ()), *further]}
            await send(message)

        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self._refusal(scope["path"], headers)
        if refusal is not None:
            if refusal[0] == 401 and "text/html" in headers.get("accept", "") and scope["method"] == "GET":
                away = [(b"location", LOGIN.encode()), (b"content-length", b"0")]
                await answer({"type": "http.response.start", "status": 303, "headers": away})
                await answer({"type": "http.response.body", "body": b""})
            else:
                await _tell(answer, *refusal)
            return
        most = LARGE_BODY if scope["path"] in self._large else BODY
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > most:
            await _tell(answer, 413, "too large", f"found a body of {length} bytes, expected no more than {most}")
            return
        body = await _body(receive, most)
        if body is None:
            await _tell(answer, 413, "too large", f"found a larger body, expected no more than {most} bytes")
            return
        try:
            await self._app(scope, body, answer)
        except Exception as error:  # whatever it is: its text may repeat what stands in a chart, its place does not
            self._fault(bare_place_of(error))
            if not begun:
                await _tell(answer, 500, "fault", f"internal error: {bare_place_of(error)}")

    def _knows(self, cookies: str) -> bool:
        """Whether a browser has given the token before."""
        given = dict(it.strip().partition("=")[::2] for it in cookies.split(";"))
        return bool(self._session) and same_secret(given.get(SESSION, ""), self._session)

    def _refusal(self, path: str, headers: MutableMapping[str, str]) -> tuple[int, str, str] | None:
        """Why a request is not let in: status, kind and message."""
        if _name(headers.get("host", "")) not in self._hosts:
            return 421, "host", "found another host in the request, expected one of this service"
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2] != headers["host"]:
            return 403, "origin", "found a request of another page, expected one of this service's own"
        if headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}:
            return 403, "origin", "found a request of another page, expected one of this service's own"
        if self._token is not None and path not in self._free:
            kind, _, given = headers.get("authorization", "").partition(" ")
            bears = kind.casefold() == "bearer" and same_secret(given.strip(), self._token)
            if not bears and not self._knows(headers.get("cookie", "")):
                return 401, "token", "found no token or another one, expected: Authorization: Bearer TOKEN"
        return None


def same_secret(given: str, right: str) -> bool:
    """Compare in a time that does not tell how much is right."""
    return hmac.compare_digest(given.encode(errors="replace"), right.encode())


def _name(host: str) -> str:
    """The name in a Host header, without its port: ``[::1]:80`` is ``::1``."""
    if host.startswith("["):
        return host[1:].partition("]")[0].casefold()
    return host.partition(":")[0].casefold()


async def _body(receive: Receive, most: int) -> Receive | None:
    """Receive a whole body, which may not say how long it is, and hand it on; None where it is too long."""
    parts: list[bytes] = []
    length, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        parts.append(message.get("body", b""))
        length += len(parts[-1])
        if length > most:
            return None
        more = message.get("more_body", False)
    waiting = [{"type": "http.request", "body": b"".join(parts), "more_body": False}]

    async def handed_on() -> Message:
        return waiting.pop() if waiting else await receive()

    return handed_on


def problem(kind: str, message: str, **further: object) -> bytes:
    """Give an error as JSON: its kind, one sentence, and what else is said."""
    return json_text(json.dumps({"error": {"kind": kind, "message": message, **further}}, ensure_ascii=False)).encode()


async def _tell(send: Send, status: int, kind: str, message: str) -> None:
    body = problem(kind, message)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
