"""The page of the desk without a browser: what a form holds, what the queue says, what is taken out and refused."""

from __future__ import annotations

import csv
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from command import chart, given_iv, two_of_equal_rank, write_lines

from ivproof.chart.files import read, scan
from ivproof.commands.charts import charts_of
from ivproof.law.policy import Policy
from ivproof.serve import desk as desks
from ivproof.serve import forms, pages
from ivproof.serve.answering import Service
from ivproof.serve.app import HEALTH, application
from ivproof.serve.desk import Desk
from ivproof.serve.guard import Guard

pytest.importorskip("fastapi", reason="FastAPI is not installed (pip install -e '.[dev]')")
pytest.importorskip("httpx", reason="httpx is not installed (pip install -e '.[dev]')")
testclient = pytest.importorskip("starlette.testclient")

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.yaml"))
HOST = "http://localhost:8321"
MARKUP = "</textarea><script>document.title='owned'</script>\"'&\x1b\u202e"


@pytest.fixture(scope="module")
def service() -> Service:
    return Service(Policy.load("out001"))


def desk_of(service: Service, tmp_path: Path, *charts: Any) -> Desk:
    file = tmp_path / "charts.jsonl"
    file.write_text("".join(f"{it if isinstance(it, str) else json.dumps(it)}\n" for it in charts), "utf-8")
    return Desk(service, scan([file]))


def client_of(desk: Desk, faults: list[str] | None = None, **options: Any) -> Any:
    app = application(desk.service)
    told = (faults if faults is not None else []).append
    pages.add_pages(app, desk, told, token=options.get("token"), session=options.get("session", ""))
    return testclient.TestClient(Guard(app, free=(HEALTH, *pages.FREE), **options), HOST, follow_redirects=False)


class Form(HTMLParser):
    """The fields of the form of a chart, as a browser would send them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.sent: dict[str, str] = {}
        self._select: tuple[str, list[tuple[str, bool]]] | None = None
        self._area: str | None = None
        self._template = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        of = {name: value or "" for name, value in attrs}
        self._template = self._template or tag == "template"
        if self._template:
            return
        if tag == "input" and "name" in of:
            self.sent[of["name"]] = of.get("value", "")
        elif tag == "select":
            self._select = (of["name"], [])
        elif tag == "option" and self._select:
            self._select[1].append((of.get("value", "\0"), "selected" in of))
        elif tag == "textarea":
            self._area, self.sent[of["name"]] = of["name"], ""

    def handle_data(self, data: str) -> None:
        if self._area:
            self.sent[self._area] += data
        elif self._select and self._select[1] and self._select[1][-1][0] == "\0":
            self._select[1][-1] = (data.strip(), self._select[1][-1][1])

    def handle_endtag(self, tag: str) -> None:
        if tag == "template":
            self._template = False
        elif tag == "select" and self._select:
            name, options = self._select
            self.sent[name] = next((it for it, chosen in options if chosen), options[0][0] if options else "")
            self._select = None
        elif tag == "textarea" and self._area:
            self.sent[self._area] = self.sent[self._area].removeprefix("\n")
            self._area = None


def sent(client: Any, number: int, tab: str = "form") -> dict[str, str]:
    """What the form of a chart holds as the page has it."""
    text = client.get(f"/chart/{number}").text if tab == "form" else None
    if text is None:
        before = sent(client, number)
        text = client.post(f"/chart/{number}/editor", data={**before, "to": "text"}).text
    return Form(text).sent


# --- a chart as a form


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda it: it.stem)
def test_a_form_that_nobody_touched_changes_nothing(service: Service, file: Path) -> None:
    desk = Desk(service, scan([file]))
    client = client_of(desk)
    [entry] = desk.entries
    charted = json.dumps(entry.charted)
    form = sent(client, 1)
    assert len([it for it in form if it.endswith(".drug")]) == len(entry.charted["administrations"])
    desk.take(entry, form)
    assert json.dumps(entry.data) == charted and not entry.changed
    desk.take(entry, sent(client, 1, "text"))
    assert entry.data == json.loads(charted) and not entry.refusals
    assert desk.chart(entry).encounter == next(read([file])).encounter


def test_what_a_form_does_not_show_is_kept_and_what_is_emptied_goes() -> None:
    pause = {"from": "09:10", "to": "09:15", "reason": "x"}
    base = chart(
        "E-1",
        given_iv("a", "ceftriaxone", "09:00", "09:40", volume_ml=50, pauses=[pause]),
        given_iv("b", "vancomycin", "10:00", None, note="kept"),
        services=[{"kind": "flush"}],
    )  # fmt: skip
    own = {"given.0.of": "0", "given.1.of": "1", "given.rows": "yes", "site.rows": "yes", "site.0.of": "0"}
    form = {**forms.fields(base), **own}
    assert forms.chart(base, form) == base
    form |= {
        "given.0.pauses": "09:10-09:20, 09:30 to 09:35",
        "given.1.stop": "11:31",
        "given.1.site": "",
        "visit.payer": "medicare",
    }
    form |= {"given.2.of": "", "given.2.drug": "Zofran", "given.2.route": "IV", "given.3.route": "IV", "given.3.of": ""}
    found = forms.chart(base, form)
    first, second, third = found["administrations"]
    assert first["volume_ml"] == 50 and first["pauses"] == [
        {"from": "09:10", "to": "09:20", "reason": "x"},
        {"from": "09:30", "to": "09:35"},
    ]
    assert second == {"id": "b", "drug": "vancomycin", "route": "IV", "start": "10:00", "stop": "11:31", "note": "kept"}
    assert third == {"drug": "Zofran", "route": "IV"}
    assert found["payer"] == "medicare" and found["services"] == [{"kind": "flush"}]
    del form["given.0.of"], form["given.0.drug"]
    without = {name: it for name, it in form.items() if not name.startswith("given.0.")}
    assert [it.get("id") for it in forms.chart(base, without)["administrations"]] == ["b", None]


@pytest.mark.parametrize("base", ["null", "[1]", "{", '{"administrations": 5}', '{"administrations": [7]}'])
def test_a_form_that_no_page_has_made_ends_in_words(service: Service, tmp_path: Path, base: str) -> None:
    faults: list[str] = []
    client = client_of(desk_of(service, tmp_path, chart("E-1")), faults)
    for further in ({}, {"given.0.of": "99", "given.0.drug": "x"}, {"given.9999.start": "y", "tab": "text"}):
        answer = client.post("/chart/1/now", data={"tab": "form", "base": base, **further})
        assert answer.status_code == 200 and "verdict" in answer.text
    assert not faults
    assert client.post("/chart/1/now", content=b"base=%ff&" * 9000).status_code == 200


# --- what is said while somebody types


def test_an_answer_changes_the_claim_and_both_are_shown(service: Service, tmp_path: Path) -> None:
    client = client_of(
        desk_of(service, tmp_path, chart("E-1", given_iv("a", "vancomycin", "09:00", None, method="infusion")))
    )
    form = sent(client, 1)
    before = client.post("/chart/1/now", data=form).text
    assert "As charted" not in before and "96365" not in before
    after = client.post("/chart/1/now", data={**form, "given.0.stop": "10:31"}).text
    assert "96365" in after and "96366" in after and "As charted" in after
    visit = client.post("/chart/1/visit").text
    assert 'class="line"' in visit and "91 minutes; 91 or more needed" in visit and 'data-key="a1"' in visit
    assert "ran 91 minutes: one less (stop 10:30) loses 96366" in client.post("/chart/1/margins").text
    # the same words as on the command line, and the claim of each value
    client.post("/chart/1/now", data=form)
    told = client.post("/chart/1/missing").text
    assert "stop of a" in told and "96365, 96366" in told


def test_what_is_wrong_is_told_with_its_place(service: Service, tmp_path: Path) -> None:
    client = client_of(desk_of(service, tmp_path, chart("E-1")))
    form = sent(client, 1)
    told = client.post("/chart/1/now", data={**form, "given.0.stop": "25:00"}).text
    assert 'data-place="administrations[0].stop"' in told and "refused" in told
    assert client.post("/chart/1/visit").text == ""
    text = sent(client, 1, "text")
    assert "stop: 25:00" in text["text"]
    told = client.post("/chart/1/now", data={**text, "text": "id: [\n"}).text
    assert "line" in told and "YAML" in told
    # what was typed is there when the page is opened again
    assert Form(client.get("/chart/1").text).sent["text"].startswith("id: [")
    assert client.post("/chart/1/back").status_code == 303
    assert sent(client, 1)["given.0.stop"] == "09:40"


def test_what_was_billed_is_typed_and_held_against_the_chart(service: Service, tmp_path: Path) -> None:
    denial = {"group": "CO", "reason": "97"}
    lines = [{"code": "96365", "units": 2, "denied": denial}, {"code": "96375", "modifiers": ["59"]}]
    desk = desk_of(service, tmp_path, chart("E-1", billed=lines), chart("E-2"))
    client = client_of(desk)
    form = sent(client, 1)
    assert form["visit.billed"] == "96365 ×2, 96375-59"
    client.post("/chart/1/now", data=form)
    assert not desk.entries[0].changed
    told = client.post("/chart/1/audit").text
    assert "overcoded" in told and "96375" in told and "<script" not in told
    client.post("/chart/1/now", data={**form, "visit.billed": "96365 x1, 96372-xs ×3"})
    assert desk.entries[0].data["billed"] == [
        {"code": "96365", "units": 1, "denied": denial},
        {"code": "96372", "units": 3, "modifiers": ["XS"]},
    ]
    wrong = client.post("/chart/1/now", data={**form, "visit.billed": "two pushes"}).text
    assert 'data-place="billed[0].code"' in wrong
    client.post("/chart/1/now", data={**form, "visit.billed": ""})
    assert "billed" not in desk.entries[0].data and client.post("/chart/1/audit").text == ""
    assert client.post("/chart/2/audit").text == ""


def test_readings_that_decide_are_told(service: Service, tmp_path: Path) -> None:
    client = client_of(desk_of(service, tmp_path, two_of_equal_rank("E-2")))
    told = client.post("/chart/1/readings").text
    assert ">A9</span>" in told and "held" in told


def test_an_open_reading_is_settled_for_a_chart_and_for_every_one(service: Service, tmp_path: Path) -> None:
    decided: list[Any] = []
    desk = desk_of(service, tmp_path, two_of_equal_rank("E-1"), two_of_equal_rank("E-2"))
    client = client_of(desk)

    def settle(number: int, option: str, **every: str) -> None:
        answer = client.post(f"/chart/{number}/settle", data={"question": "a9", "option": option, **every})
        assert (answer.status_code, answer.headers["hx-trigger"], answer.text) == (204, "settled", "")

    assert [it.option.letter for it in desk.settled(desk.entries[0])] == []
    before = desk.now(desk.entries[0])
    held = service.policy.question("A9").default
    other = next(it for it in service.policy.question("A9").options if it.name != held)
    settle(1, other.name)
    now = client.post("/chart/1/now", data=sent(client, 1)).text
    assert f"You settled: A9 is {other.letter}" in now and "As charted" in now
    assert desk.now(desk.entries[0]).lines != before.lines or other.name not in str(before.open)
    assert not desk.settled(desk.entries[1]) and "You settled" not in client.post("/chart/2/now", data={}).text
    panel = client.post("/chart/1/readings").text
    assert "Settled by you" in panel and "this chart" in panel and "Take back" in panel
    while not desk.rows():
        pass
    assert [("You settled: A9" in it.row.said) for it in desk.entries if it.row] == [True, False]
    service.decided = lambda _question, found: decided.append(found)
    try:
        desk.finish(desk.entries[0])
    finally:
        service.decided = lambda _question, _found: None
    assert decided[0]["readings"]["set"] == {"A9": other.name}
    rows = list(
        csv.DictReader(io.StringIO(client.post("/export", data={"what": "readings.csv"}).text.lstrip("\ufeff")))
    )
    assert [(it["encounter"], it["question"], it["option"], it["for"]) for it in rows] == [
        ("E-1", "A9", other.letter, "this chart")
    ]
    settle(2, other.name, every="yes")
    assert [it.every for entry in desk.entries for it in desk.settled(entry)] == [False, True]
    settle(1, "")
    assert [it.every for entry in desk.entries for it in desk.settled(entry)] == [True, True]
    settle(1, "")
    assert not any(map(desk.settled, desk.entries))
    assert desk.now(desk.entries[0]) == before
    assert client.post("/chart/1/settle", data={"question": "a9", "option": "nothing"}).status_code == 404
    assert client.post("/chart/1/settle", data={"question": MARKUP, "option": "b"}).status_code == 404


def test_a_limit_is_told_and_a_fault_has_no_word_of_the_chart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = desk_of(Service(Policy.load("out001"), limit=1000), tmp_path, chart("E-1"))
    faults: list[str] = []
    client = client_of(small, faults)
    assert "undecided" in client.post("/chart/1/now", data=sent(client, 1)).text
    while not small.rows():
        pass
    assert small.entries[0].row is not None and small.entries[0].row.status == "undecided"

    def failing(*_: Any) -> Any:
        raise ValueError("Kanarienvogel")

    monkeypatch.setattr(desks, "margins_of", failing)
    small.service.limit = 10**8
    told = client.post("/chart/1/margins").text
    assert "ValueError in" in told and "Kanarienvogel" not in told + str(faults) and faults


# --- the queue


@pytest.fixture(scope="module")
def queue(service: Service, tmp_path_factory: pytest.TempPathFactory) -> tuple[Desk, Any]:
    desk = desk_of(
        service,
        tmp_path_factory.mktemp("queue"),
        chart("E-1", billed=[{"code": "96365", "units": 2}]),
        chart("E-2", given_iv("a", "vancomycin", "09:00", None, method="infusion")),
        "{broken",
        chart("=E-4", place_of_service="xx"),
    )
    client = client_of(desk)
    for _ in range(20):
        if "hx-trigger" not in client.post("/queue", data={"filter": "all"}).text:
            break
    return desk, client


def names(text: str) -> list[str]:
    return re.findall(r'href="/chart/(\d+)"', text)


def test_the_queue_says_what_is_known_of_each_chart(queue: tuple[Desk, Any]) -> None:
    desk, client = queue
    rows = [it.row for it in desk.entries]
    assert [it and it.status for it in rows] == ["determined", "determined", "refused", "refused"]
    first, second = rows[:2]
    assert first is not None and second is not None
    assert (first.claim, first.billed, first.near) == ("96365", "overcoded", 25)
    assert second.ask == ("stop of a",) and not second.billed
    shown = {name: names(client.post("/queue", data={"filter": name}).text) for name in pages.FILTERS}
    assert shown == {
        "all": ["1", "2", "3", "4"],
        "open": ["1", "2", "3", "4"],
        "ask": ["2"],
        "unsettled": ["3", "4"],
        "close": [],
        "billed": ["1"],
    }


def test_what_is_done_leads_on_and_is_taken_out(queue: tuple[Desk, Any]) -> None:
    _, client = queue
    form = sent(client, 2)
    answer = client.post("/chart/2/done", data={**form, "given.0.stop": "10:31", "done": "yes"})
    assert answer.status_code == 303 and answer.headers["location"] == "/chart/3"
    assert client.post("/chart/4/done", data={**sent(client, 4), "done": "yes"}).headers["location"] == "/chart/1"
    out = client.post("/export", data={"what": "claims.csv", "done": "yes"})
    assert out.headers["content-disposition"] == 'attachment; filename="claims.csv"'
    rows = list(csv.DictReader(io.StringIO(out.text)))
    assert [(it["encounter"], it["code"], it["units"], it["status"]) for it in rows] == [
        ("E-2", "96365", "1", "determined"),
        ("E-2", "96366", "1", "determined"),
        ("'=E-4", "", "", "refused"),
    ]
    lines = client.post("/export", data={"what": "charts.jsonl"}).text.splitlines()
    assert [json.loads(it)["id"] for it in lines] == ["E-1", "E-2"]
    assert json.loads(lines[1])["administrations"][0]["stop"] == "10:31"
    asked = list(csv.DictReader(io.StringIO(client.post("/export", data={"what": "questions.csv"}).text)))
    assert not [it for it in asked if it["encounter"] == "E-2"]
    assert client.post("/chart/2/done", data={**sent(client, 2), "done": "no"}).headers["location"] == "/chart/2"
    assert client.post("/export", data={"what": "other"}).status_code == 404
    client.post("/chart/2/now", data={**sent(client, 2), "given.0.stop": ""})
    tasks = client.post("/export", data={"what": "questions.fhir.json"}).json()
    [task] = [it["resource"] for it in tasks["entry"]]
    assert task["resourceType"] == "Task" and "stop" in task["input"][0]["valueString"]


def test_a_chart_is_begun_on_the_page(service: Service) -> None:
    desk = Desk(service)
    client = client_of(desk)
    assert "No charts were given" in client.get("/").text
    assert client.post("/chart").headers["location"] == "/chart/1"
    form = sent(client, 1)
    assert form["visit.id"] == "NEW-1" and not [it for it in form if it.startswith("given.0")]
    form |= {"visit.date": "2020-10-05", "visit.place_of_service": "22", "site.0.id": "iv", "site.0.of": ""}
    form |= {"given.0.of": "", "given.0.drug": "Rocephin", "given.0.route": "IV", "given.0.site": "iv"}
    told = client.post("/chart/1/now", data={**form, "given.0.start": "09:00", "given.0.stop": "09:40"}).text
    assert "96365" in told and "determined" in told


def test_charts_may_come_as_tables(service: Service, tmp_path: Path) -> None:
    files = {
        "encounters.csv": "id,place_of_service,date\nT-1,22,2020-10-05\nT-2,22,never\n",
        "administrations.csv": "encounter,id,drug,route,start,stop\nT-1,a,ceftriaxone,IV,09:00,09:40\n",
    }
    for name, text in files.items():
        tmp_path.joinpath(name).write_text(text, "utf-8")
    desk = Desk(service, charts_of([str(tmp_path / it) for it in files]))
    client = client_of(desk)
    assert "96365" in client.post("/chart/1/now", data=sent(client, 1)).text
    assert not desk.entries[0].changed
    while not desk.rows():
        pass
    assert [it.row.status for it in desk.entries if it.row] == ["determined", "refused"]


def test_a_file_without_a_chart_stands_in_the_queue_under_its_name(service: Service, tmp_path: Path) -> None:
    refused = chart("E-1", date="Kanarienvogel")
    desk = Desk(service, scan([tmp_path / "nobody.yaml", write_lines(tmp_path / "two.jsonl", "{broken", refused)]))
    assert desk.has_charts() and [it.name for it in desk.entries] == [
        str(tmp_path / "nobody.yaml"),
        f"{tmp_path / 'two.jsonl'}:1",
        "E-1",
    ]
    told = [str(it) for it in desk.without_chart()]
    assert len(told) == 2 and "no such file" in told[0] and ":1: found text that is not JSON" in told[1]
    queue = client_of(desk).post("/queue", data={"filter": "all"}).text
    assert "nobody.yaml</a>" in queue and "found no such file" in queue
    assert not Desk(service, scan([tmp_path / "nobody.yaml"])).has_charts()


def test_no_row_of_a_table_is_quoted_where_nothing_is_typed(service: Service, tmp_path: Path) -> None:
    file = tmp_path / "encounters.csv"
    file.write_text("id,date,place_of_service\nE-1,Kanarienvogel,22\n", "utf-8")
    desk = Desk(service, charts_of([str(file)]))
    assert desk.entries and desk.entries[0].unreadable and "Kanarienvogel" not in str(desk.without_chart())


def test_no_more_charts_are_taken_than_a_queue_holds(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desks, "MOST", 2)
    desk = desk_of(service, tmp_path, *(chart(f"E-{n}") for n in range(5)))
    assert len(desk.entries) == 2 and desk.left_out == 3
    assert "3 left out" in client_of(desk).get("/").text


# --- what a browser may do, and who is let in


def test_a_page_names_nothing_elsewhere_and_nothing_of_a_chart_is_markup(service: Service, tmp_path: Path) -> None:
    hostile = chart(
        MARKUP, given_iv(MARKUP, MARKUP, "09:00", "09:40", site=MARKUP, **{"class": "therapeutic"}), payer=MARKUP
    )
    hostile["access_sites"] = [{"id": MARKUP}]
    desk = desk_of(service, tmp_path, hostile)
    client = client_of(desk)
    form = sent(client, 1)
    answers = [
        client.get("/"),
        client.post("/queue"),
        client.get("/chart/1"),
        client.post("/chart/1/editor", data={**form, "to": "text"}),
        client.post("/chart/1/now", data=form),
        client.post("/chart/1/now", data={**form, "given.0.start": MARKUP}),
        client.post("/chart/1/now", data=form),
        *(client.post(f"/chart/1/{it}") for it in ("visit", "margins", "missing", "readings")),
        client.get("/chart/99"),
    ]
    for it in answers:
        assert "<script>document" not in it.text and "onclick" not in it.text
        assert not re.findall(r'(?:src|href|action|hx-post)="(?!/|#|data:,")', it.text)
        assert "default-src 'none'" in it.headers["content-security-policy"]
        assert "unsafe" not in it.headers["content-security-policy"]
        assert it.headers["cache-control"] == "no-store"
        assert not re.findall(r"\sstyle=|javascript:", it.text)
    assert desk.entries[0].data["administrations"][0]["id"] == MARKUP
    assert form["given.0.drug"] == MARKUP.strip() and not desk.entries[0].changed


def test_what_a_page_asks_for_is_there_with_its_licence(service: Service) -> None:
    client = client_of(Desk(service))
    for name in re.findall(r'(?:src|href)="(/static/[\w.]+)"', client.get("/").text):
        assert client.get(name).status_code == 200
    assert "Zero-Clause BSD" in client.get("/static/htmx-LICENSE.txt").text
    assert client.get("/static/../pages.py").status_code == 404


def test_with_a_token_a_browser_gives_it_once(service: Service, tmp_path: Path) -> None:
    token, session = "a-token-of-some-length", "what-stands-for-it"
    client = client_of(desk_of(service, tmp_path, chart("E-1")), token=token, session=session)
    page = {"accept": "text/html"}
    asked = client.get("/", headers=page)
    assert asked.status_code == 303 and asked.headers["location"] == "/login"
    assert client.get("/chart/1").status_code == 401 and client.post("/chart/1/visit").status_code == 401
    assert client.get("/login").status_code == 200
    assert client.post("/login", data={"token": "another"}).status_code == 401
    entered = client.post("/login", data={"token": token})
    cookie = entered.headers["set-cookie"]
    assert entered.status_code == 303 and "HttpOnly" in cookie and "SameSite=strict" in cookie and token not in cookie
    assert client.get("/", headers=page).status_code == 200
    client.cookies.clear()
    assert client.get("/", headers={**page, "cookie": "ivproof=guessed"}).status_code == 303
    assert client.post("/login", data={"token": token}, headers={"origin": "http://evil.example"}).status_code == 403
