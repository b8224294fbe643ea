"""The pages of the desk: the queue and a chart beside its claim, and what they ask for while somebody types.

A page names nothing outside this service, and lets no script run but those of this package. Addresses hold the number
of a chart in the queue, and nothing that stands in it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qsl

from markupsafe import Markup, escape

from ivproof.chart.bounds import TooManyWaysError
from ivproof.chart.encounter import AccessSite, Administration, Encounter
from ivproof.chart.yaml12 import text_of
from ivproof.engine.claims import difference, in_words
from ivproof.engine.faults import bare_place_of
from ivproof.formats.extras import MissingExtraError, load, need
from ivproof.law.policy import PolicyError
from ivproof.render.html import file, template, visit
from ivproof.render.margins import sentence
from ivproof.render.missing import matter, question
from ivproof.serve import forms
from ivproof.serve.answering import BusyError
from ivproof.serve.desk import Desk, Entry
from ivproof.serve.guard import LOGIN, SESSION, same_secret

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
"""What a page may do: run and look as this service says, and ask nobody else."""

STATIC: Mapping[str, tuple[str, Callable[[], str]]] = {
    "desk.css": ("text/css", lambda: file("report.css") + file("desk.css")),
    "desk.js": ("text/javascript", lambda: file("visit.js") + file("desk.js")),
    "htmx.js": ("text/javascript", lambda: files("ivproof.serve").joinpath("static", "htmx.min.js").read_text("utf-8")),
    "htmx-LICENSE.txt": (
        "text/plain",
        lambda: files("ivproof.serve").joinpath("static", "htmx-LICENSE.txt").read_text("utf-8"),
    ),
}
"""Files that a page asks for."""

FREE = (LOGIN, *(f"/static/{name}" for name in STATIC))
"""What a browser needs before it has given a token; nothing of a chart is there."""

SHOWN = 200
"""So many rows of the queue are shown."""

CLOCK = len("09:00:00")
"""So long is a time of day without its date."""

FIELDS = 8000
"""A form may have so many fields."""

EXPORTS = {
    "claims.csv": ("text/csv", Desk.claims),
    "questions.csv": ("text/csv", Desk.questions),
    "questions.fhir.json": ("application/fhir+json", Desk.tasks),
    "readings.csv": ("text/csv", Desk.settlements),
    "charts.jsonl": ("application/x-ndjson", Desk.charts),
}
"""What can be taken out of the queue, by the name of the file."""

FILTERS: Mapping[str, tuple[str, Callable[[Entry], bool]]] = {
    "all": ("All", lambda _: True),
    "open": ("Not done", lambda it: not it.done),
    "ask": ("Something to ask", lambda it: it.row is not None and bool(it.row.ask)),
    "unsettled": ("Not determined", lambda it: it.row is not None and it.row.status != "determined"),
    "close": ("Within 5 minutes of another claim", lambda it: it.row is not None and (it.row.near or 99) <= 5),
    "billed": (
        "Billed otherwise",
        lambda it: it.row is not None and it.row.billed not in {"", "correct"},
    ),
}
"""Which charts of the queue are shown."""


def options_of(part: Any, name: str) -> list[str]:
    """Give the values that a field of a chart may have, where these are a list."""
    plain = part.model_json_schema()["properties"][name]
    for it in (plain, *plain.get("anyOf", ())):
        if "enum" in it:
            return [str(value) for value in it["enum"]]
    return []


OPTIONS = {
    "claim_type": options_of(Encounter, "claim_type"),
    "kind": options_of(AccessSite, "kind"),
    "necessity": options_of(AccessSite, "necessity"),
    "route": options_of(Administration, "route"),
    "method": options_of(Administration, "method"),
}

LABELS = {
    "id": "Id",
    "date": "Date of service",
    "place_of_service": "Place of service",
    "claim_type": "Claim of",
    "payer": "Payer",
    "primary_reason": "Main reason (ids)",
    "diagnoses": "Diagnoses",
    "billed": "Billed",
    "kind": "Kind",
    "necessity": "Why a further one",
    "drug": "Drug or fluid",
    "route": "Route",
    "method": "How",
    "site": "Site",
    "start": "Start",
    "stop": "Stop",
    "pauses": "Pauses",
}


def add_pages(
    app: Any, desk: Desk, fault: Callable[[str], None] = lambda _: None, *, token: str | None = None, session: str = ""
) -> None:
    """Add the pages of a desk to the application; `fault` is told of errors of this program, by kind and place.

    Where there is a token, a browser that has given it once is given `session` in its stead.
    """
    _Pages(desk, fault, token, session).add_to(app)


class _Pages:
    """What is answered at each address: without a chart, or with the one that the address has the number of."""

    def __init__(self, desk: Desk, fault: Callable[[str], None], token: str | None, session: str) -> None:
        self.desk = desk
        self.token, self.session = token, session
        self.fault = fault
        self.fastapi = load("fastapi", "the page")
        self.responses = load("starlette.responses", "the page")

    def add_to(self, app: Any) -> None:
        """Add every address."""
        self._add(app, "/", "GET", self.queue)
        self._add(app, "/queue", "POST", self.rows)
        self._add(app, "/chart", "POST", self.begin)
        self._add(app, "/export", "POST", self.export)
        self._add(app, "/chart/{number:int}", "GET", self.opened)
        if self.token is not None:
            self._add(app, LOGIN, "GET", self.login)
            self._add(app, LOGIN, "POST", self.logged_in)
        for work in (
            self.editor, self.now, self.visit, self.audit, self.missing, self.margins, self.readings, self.settle,
            self.done, self.back,
        ):  # fmt: skip
            self._add(app, f"/chart/{{number:int}}/{work.__name__}", "POST", work)
        app.add_api_route("/static/{name}", self.static, include_in_schema=False, response_model=None)

    def _add(self, app: Any, path: str, method: str, work: Callable[..., Any]) -> None:
        """Add an address; `work` is given what was sent, and the chart of that number where the path has one."""

        async def asked(request: Any) -> Any:
            entry = None
            if "number" in request.path_params:
                entry = self.desk.entry(request.path_params["number"])
                if entry is None:
                    return self._lost()
            try:
                sent = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True, max_num_fields=FIELDS))
            except ValueError:
                return self._page(_told("refused", "Found a form that cannot be read, expected one of this page."))
            try:
                return await self.desk.service.turns.take(self._answered, work, entry, sent)
            except BusyError:
                return self._page(_told("busy", "Too many questions are waiting. Change something to ask again."))

        asked.__annotations__ = {"request": self.fastapi.Request}
        app.add_api_route(path, asked, methods=[method], include_in_schema=False)

    def _answered(self, work: Callable[..., Any], entry: Entry | None, sent: dict[str, str]) -> Any:
        try:
            return work(sent) if entry is None else work(entry, sent)
        except TooManyWaysError as error:
            return self._page(_told("undecided", str(error)))
        except Exception as error:  # whatever it is: its text may repeat what stands in a chart, its place does not
            place = bare_place_of(error)
            self.fault(place)
            return self._page(_told("failed", f"Internal error: {place}"))

    def _page(self, text: str, status: int = 200) -> Any:
        return self.responses.HTMLResponse(text, status, {"content-security-policy": POLICY})

    def _away(self, address: str) -> Any:
        return self.responses.RedirectResponse(address, 303)

    def _lost(self) -> Any:
        return self._page(template("desk_lost.html.j2").render(), 404)

    # --- who asks

    def login(self, _: dict[str, str]) -> Any:
        """Ask for the token."""
        return self._page(template("desk_login.html.j2").render(wrong=False))

    def logged_in(self, sent: dict[str, str]) -> Any:
        """Take the token, and give the browser what stands for it until the service ends."""
        if not same_secret(sent.get("token", ""), self.token or ""):
            return self._page(template("desk_login.html.j2").render(wrong=True), 401)
        answer = self._away("/")
        answer.set_cookie(SESSION, self.session, httponly=True, samesite="strict")
        return answer

    # --- the queue

    def queue(self, sent: dict[str, str]) -> Any:
        """Give the page of the queue."""
        rows = _queue(self.desk, sent, whole=all(it.row is not None for it in self.desk.entries))
        return self._page(template("desk.html.j2").render(queue=rows, filters=FILTERS, fhir=installed("fhir")))

    def rows(self, sent: dict[str, str]) -> Any:
        """Give the rows that are wanted, with those that were worked out meanwhile."""
        return self._page(_queue(self.desk, sent, whole=self.desk.rows()))

    def begin(self, _: dict[str, str]) -> Any:
        """Begin a chart."""
        return self._away(f"/chart/{self.desk.begin().number}")

    def export(self, sent: dict[str, str]) -> Any:
        """Give a file of all charts, or of those that are done."""
        name = sent.get("what", "")
        if name not in EXPORTS:
            return self._lost()
        kind, make = EXPORTS[name]
        if make is Desk.tasks and not installed("fhir"):
            return self._lost()
        wanted = [it for it in self.desk.entries if it.done or "done" not in sent]
        headers = {"content-disposition": f'attachment; filename="{name}"'}
        return self.responses.Response(make(self.desk, wanted), 200, headers, kind)

    # --- a chart

    def opened(self, entry: Entry, _: dict[str, str]) -> Any:
        """Give the page of a chart."""
        following = self.desk.after(entry)
        text = template("desk_chart.html.j2").render(
            entry=entry,
            count=len(self.desk.entries),
            next=following,
            editor=_editor(entry, "text" if _only_text(entry) else "form"),
            drugs=sorted({it.name for it in self.desk.service.drugs}),
        )
        return self._page(text)

    def editor(self, entry: Entry, sent: dict[str, str]) -> Any:
        """Give the chart as it stands in the other form."""
        self.desk.take(entry, sent)
        wanted = sent.get("to", "form")
        return self._page(_editor(entry, "text" if wanted == "text" or _only_text(entry) else "form"))

    def now(self, entry: Entry, sent: dict[str, str]) -> Any:
        """Take what was typed, and give the claim."""
        self.desk.take(entry, sent)
        return self._page(template("desk_now.html.j2").render(entry=entry, now=self.desk.now(entry)))

    def visit(self, entry: Entry, _: dict[str, str]) -> Any:
        """Give the timeline, the claims with their proofs, and what else is said of a visit."""
        found = self.desk.visit(entry)
        if found is None:
            return self._page("")
        billed = self.desk.is_billed(entry)
        return self._page(template("desk_visit.html.j2").render(entry=entry, billed=billed, visit=visit(found)))

    def audit(self, entry: Entry, _: dict[str, str]) -> Any:
        """Give what was billed held against the chart, line by line."""
        found = self.desk.audit(entry)
        return self._page("" if found is None else template("desk_audit.html.j2").render(audit=found))

    def missing(self, entry: Entry, _: dict[str, str]) -> Any:
        """Give what each value of what is missing leads to."""
        found = self.desk.missing(entry)
        if found is None:
            return self._page("")
        report, encounter = found
        facts = [(it, question(it, encounter), matter(it)) for it in report.facts]
        return self._page(template("desk_missing.html.j2").render(report=report, facts=facts))

    def margins(self, entry: Entry, _: dict[str, str]) -> Any:
        """Give the closest calls."""
        close = [(it, sentence(it)) for it in self.desk.margins(entry) or ()]
        return self._page(template("desk_margins.html.j2").render(close=close))

    def readings(self, entry: Entry, _: dict[str, str]) -> Any:
        """Give the readings that decide."""
        found = self.desk.readings(entry)
        if found is None:
            return self._page("")
        text = template("desk_readings.html.j2").render(
            entry=entry, found=found, settled=self.desk.settled(entry), in_words=in_words, difference=difference
        )
        return self._page(text)

    def settle(self, entry: Entry, sent: dict[str, str]) -> Any:
        """Settle a question of the policy as the coder reads it, or take that back; the page then asks anew."""
        try:
            self.desk.settle(entry, sent.get("question", ""), sent.get("option") or None, every=bool(sent.get("every")))
        except PolicyError:
            return self._lost()
        return self.responses.Response(status_code=204, headers={"hx-trigger": "settled"})

    def done(self, entry: Entry, sent: dict[str, str]) -> Any:
        """Take the chart as done, and go on to the next; or as not done after all."""
        self.desk.take(entry, sent)
        if sent.get("done", "yes") == "yes":
            self.desk.finish(entry)
        else:
            entry.done = False
        following = self.desk.after(entry) if entry.done else entry
        return self._away("/" if following is None else f"/chart/{following.number}")

    def back(self, entry: Entry, _: dict[str, str]) -> Any:
        """Make the chart again what its file has."""
        self.desk.put_back(entry)
        return self._away(f"/chart/{entry.number}")

    def static(self, name: str) -> Any:
        """Give a file that a page asks for."""
        if name not in STATIC:
            return self._lost()
        kind, text = STATIC[name]
        return self.responses.Response(text().encode(), 200, {}, f"{kind}; charset=utf-8")


def installed(package: str) -> bool:
    """Whether a package of an extra is there."""
    try:
        need(package, "this")
    except MissingExtraError:
        return False
    return True


def _told(status: str, message: str) -> str:
    return template("desk_told.html.j2").render(status=status, message=message)


def _queue(desk: Desk, sent: Mapping[str, str], *, whole: bool) -> Markup:
    """The rows of the queue that are wanted, and how many there are of each kind."""
    wanted = sent.get("filter", "all")
    _, keep = FILTERS.get(wanted, FILTERS["all"])
    kept = [it for it in desk.entries if keep(it)]
    counts: dict[str, int] = {}
    for it in desk.entries:
        name = "being worked out" if it.row is None else it.row.status
        counts[name] = counts.get(name, 0) + 1
    return Markup(
        template("desk_queue.html.j2").render(
            entries=kept[:SHOWN],
            kept=len(kept),
            total=len(desk.entries),
            left_out=desk.left_out,
            done=sum(it.done for it in desk.entries),
            counts=counts,
            whole=whole,
        )
    )


def _only_text(entry: Entry) -> bool:
    """Whether a chart cannot be shown as a form: it is no chart at all, or was typed and cannot be read."""
    return not isinstance(entry.data, dict) or entry.text is not None


def _editor(entry: Entry, tab: str) -> Markup:
    """The chart as a form, or as text."""
    data = entry.data if isinstance(entry.data, dict) else {}
    text = entry.text if entry.text is not None else text_of(data) if data else ""
    times = [
        shown for row in forms.rows(data, "administrations") for name in ("start", "stop") if (shown := row.get(name))
    ]
    rows = {
        kind: [
            (str(row.get("id") or ""), {name: escape(forms.shown(name, row.get(name))) for name in names})
            for row in forms.rows(data, part)
        ]
        for kind, (part, names) in forms.PARTS.items()
    }
    further = [name for name in data if name not in {*forms.VISIT, *(part for part, _ in forms.PARTS.values())}]
    return Markup(
        template("desk_editor.html.j2").render(
            entry=entry,
            tab=tab,
            text=escape(text),  # what is typed is not written out: it would come back as something else
            long=any(len(str(it)) > CLOCK for it in times),
            base=json.dumps(data, ensure_ascii=True),
            visit={name: escape(forms.shown(name, data.get(name))) for name in forms.VISIT},
            rows=rows,
            sites=[escape(name) for name, _ in rows["site"] if name],
            further=further,
            options=OPTIONS,
            labels=LABELS,
            names={"site": forms.SITE, "given": forms.GIVEN},
        )
    )
