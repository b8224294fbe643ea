"""``ivproof serve``: questions about charts over HTTP, on this machine."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from secrets import token_urlsafe
from typing import Annotated, Any

import typer

from ivproof.commands.charts import CHARTS_HELP, charts_of
from ivproof.commands.common import (
    INTERRUPTED,
    LIMIT,
    LimitOption,
    PolicyOption,
    ReadingOption,
    UncheckedOption,
    profiles_for,
    require,
    say,
    wrong,
)

TOKEN = "IVPROOF_TOKEN"
"""The variable of the environment with the token: a command line can be read by others on the machine."""

CONNECTIONS = 100
"""So many connections are open at a time."""


def serve(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[CHARTS]...",
            help=f"The queue of the page. {CHARTS_HELP} None of these files is changed.",
            show_default=False,
        ),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes one that is free.")] = 8321,
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help=f"The address to listen on. Any but this machine's own needs a token in the variable {TOKEN}.",
        ),
    ] = "127.0.0.1",
    name: Annotated[
        list[str] | None,
        typer.Option(
            "--name",
            metavar="HOST",
            help="A name under which the service may be asked for, beside localhost and the address. Can be repeated.",
            show_default=False,
        ),
    ] = None,
    decision_log: Annotated[
        Path | None,
        typer.Option(
            "--decision-log",
            metavar="FILE",
            help="Write a line for each answer and each chart that is done: when, by which law and readings, the "
            "digest of the chart, its claim. [bold]ivproof log verify[/] checks that none was changed.",
            show_default=False,
        ),
    ] = None,
    policy: PolicyOption = "out001",
    unchecked: UncheckedOption = False,
    reading: ReadingOption = None,
    limit: LimitOption = None,
) -> None:
    """Open the desk: a page with a queue of charts, each beside its claim; and the questions of the commands over HTTP.

    The page is at the address that is told. Questions are asked by POST under /v1/, with the chart in the body, and
    described by /v1/openapi.json. The service listens on this machine alone, writes nothing down of what it is asked,
    and asks nothing of any network.

    Exit status: 2 when the command line is wrong, no chart is in the files or the address is taken, 130 when
    it was interrupted.
    """
    for package in ("fastapi", "uvicorn"):
        require(package, "the service")
    profiles = profiles_for(policy, reading)
    by, readings, _ = profiles.base
    from ivproof.commands.log import opened
    from ivproof.serve.guard import LOOPBACK
    from ivproof.serve.guard import TOKEN as LEAST

    token = os.environ.get(TOKEN) or None
    if token is not None and (len(token) < LEAST or not (token.isascii() and token.isprintable()) or " " in token):
        wrong(f"{TOKEN}: found a token that is short or has other characters, expected {LEAST} or more of ASCII")
    if host not in LOOPBACK and token is None:
        wrong(f"--host {host}: found no token, expected one in the variable {TOKEN}: others could ask there")
    from ivproof.serve.answering import Service
    from ivproof.serve.app import CHECK, HEALTH, application
    from ivproof.serve.desk import Desk
    from ivproof.serve.guard import Guard
    from ivproof.serve.log import outcome
    from ivproof.serve.pages import FREE, add_pages

    def fault(place: str) -> None:
        say(f"ivproof: internal error: {place}")

    service = Service(by, readings, LIMIT.work, profiles)
    desk = Desk(service, charts_of(files or []))
    for refusal in desk.without_chart():
        say(str(refusal))
    if files and not desk.has_charts():
        wrong("found no chart in what was named, expected one or more; without files the queue is empty")
    log = None if decision_log is None else opened(decision_log)
    if log is not None:
        service.decided = lambda question, decided: log.add(outcome(question, decided))
    listening = _listen(host, port)
    inside = application(service, fault)
    session = token_urlsafe()
    add_pages(inside, desk, fault, token=token, session=session)
    hosts = (*LOOPBACK, host, *(name or ()))
    free = (HEALTH, *FREE)
    app = Guard(inside, hosts=hosts, token=token, session=session, large=(CHECK,), free=free, fault=fault)
    address = f"[{host}]" if ":" in host else host
    say(f"ivproof: listening on http://{address}:{listening.getsockname()[1]}/ (Ctrl-C ends it)")
    _run(app, listening)


def _listen(host: str, port: int) -> socket.socket:
    """Open the address; end the command where that cannot be done."""
    found = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
        found.listen(CONNECTIONS)
    except OSError as error:
        found.close()
        wrong(f"cannot listen on {host}, port {port}: {error.strerror or error}")
    return found


def _run(app: Any, listening: socket.socket) -> None:
    """Serve until it is ended."""
    from ivproof.formats.extras import load

    uvicorn = load("uvicorn", "the service")

    config = uvicorn.Config(
        app,
        access_log=False,  # addresses hold nothing of a chart, and still nobody needs a list of them
        log_level="critical",  # what goes wrong is told by this program, by its place alone
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        ws="none",
        limit_concurrency=CONNECTIONS,
    )
    try:
        uvicorn.Server(config).run([listening])
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
