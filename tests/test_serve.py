"""The service: it answers as the commands do, refuses as they do, keeps nothing of a chart and lets nobody else in."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from command import chart, given_iv, run, two_of_equal_rank, units

from ivproof.chart.reading import Source, parse
from ivproof.claim.coding import Coder
from ivproof.law.policy import Policy
from ivproof.serve import answering
from ivproof.serve.answering import Service
from ivproof.serve.app import CHECK, DESCRIPTION, HEALTH, SCHEMAS, application
from ivproof.serve.asking import Asked, RefusedError
from ivproof.serve.guard import BODY, LARGE_BODY, Guard

pytest.importorskip("fastapi", reason="FastAPI is not installed (pip install -e '.[dev]')")
pytest.importorskip("httpx", reason="httpx is not installed (pip install -e '.[dev]')")
testclient = pytest.importorskip("starlette.testclient")

EXAMPLES = Path(__file__).parents[1] / "examples"
BILLED = chart("E-1", billed=[{"code": "96365", "units": 2}])
HOST = "http://localhost:8321"


@pytest.fixture(scope="module")
def service() -> Service:
    return Service(Policy.load("out001"))


@pytest.fixture(scope="module")
def faults() -> list[str]:
    return []


@pytest.fixture(scope="module")
def app(service: Service, faults: list[str]) -> Any:
    return application(service, faults.append)


def client_of(app: Any, **options: Any) -> Any:
    guard = Guard(app, large=(CHECK,), free=(HEALTH,), **options)
    return testclient.TestClient(guard, HOST, raise_server_exceptions=True)


@pytest.fixture(scope="module")
def client(app: Any, faults: list[str]) -> Any:
    return client_of(app, fault=faults.append)


def asked(client: Any, question: str, given: Any, **further: Any) -> Any:
    return client.post(f"/v1/{question}", json={"chart": given, **further})


def refusals(answer: Any) -> list[dict[str, Any]]:
    assert answer.status_code == 422, answer.text
    error = answer.json()["error"]
    assert error["kind"] == "refused"
    found: list[dict[str, Any]] = error["refusals"]
    return found


# --- the answers


@pytest.mark.parametrize(
    ("question", "command", "further"),
    [
        ("code", ("code", "--format", "json"), {}),
        ("audit", ("audit", "--format", "json"), {}),
        ("why", ("why", "CHART", "96365", "--format", "json"), {"code": "96365"}),
        (
            "why",
            ("why", "CHART", "96365", "--rather-than", "96374", "--format", "json"),
            {"code": "96365", "rather_than": "96374"},
        ),
        (
            "whynot",
            ("whynot", "CHART", "96366", "--for", "bag", "--format", "json"),
            {"code": "96366", "administration": "bag"},
        ),
        ("missing", ("missing", "--format", "json"), {}),
        ("margins", ("margins", "--within", "30", "--format", "json"), {"within": 30}),
        ("readings", ("readings", "--format", "json"), {}),
        ("prove", ("prove",), {}),
    ],
    ids=lambda it: it if isinstance(it, str) else "",
)
def test_a_question_is_answered_as_its_command_answers_it(
    client: Any, tmp_path: Path, question: str, command: tuple[str, ...], further: dict[str, Any]
) -> None:
    file = tmp_path / "chart.json"
    file.write_text(json.dumps(BILLED), "utf-8")
    words = [str(file) if it == "CHART" else it for it in command]
    told = run(*words) if "CHART" in command else run(*words, str(file))
    answer = asked(client, question, BILLED, **further)
    assert answer.status_code == 200, answer.text
    expected = json.loads(told.stdout)
    given = answer.json()["answer"]
    assert given == expected


def test_an_answer_says_by_what_it_was_given(client: Any) -> None:
    answer = asked(client, "code", two_of_equal_rank("E-2"), readings={"tie_break": "B"}).json()
    again = asked(client, "code", two_of_equal_rank("E-2"), readings={"A9": "first"}).json()
    other = asked(client, "code", two_of_equal_rank("E-2")).json()
    assert answer == again
    assert answer["decision"] != other["decision"]
    assert answer["policy"]["digest"] == Policy.load("out001").digest
    assert answer["readings"]["set"] == {"A9": "first"} and other["readings"]["set"] == {}
    assert answer["chart"] == other["chart"] and answer["chart"].startswith("sha256:")
    assert units(answer["answer"]["claim"]) != units(other["answer"]["claim"])


def test_a_proof_is_made_and_checked(client: Any) -> None:
    proof = asked(client, "prove", BILLED).json()["answer"]
    checks: list[tuple[str, dict[str, Any]]] = [
        ("accepted", {"chart": BILLED, "claim": {"96365": 1}, "published": True}),
        ("rejected", {"claim": {"96365": 2}}),
        ("rejected", {"chart": chart("E-9")}),
    ]
    for expected, further in checks:
        answer = client.post("/v1/check", json={"proof": proof, **further}).json()
        assert answer["answer"]["verdict"] == expected, answer["answer"]
    proof["outcome"]["status"] = "ambiguous"
    assert client.post("/v1/check", json={"proof": proof}).json()["answer"]["verdict"] == "rejected"


def test_a_chart_may_be_the_text_of_a_file(client: Any) -> None:
    text = EXAMPLES.joinpath("01-ed-dehydration.yaml").read_text("utf-8")
    claim = asked(client, "code", text).json()["answer"]["claim"]
    assert units(claim) == {"96374": 1, "96361": 2, "96375": 1, "96376": 1, "99284": 1}


def test_what_takes_too_much_work_is_undecided(app: Any) -> None:
    small = client_of(application(Service(Policy.load("out001"), limit=1000)))
    answer = asked(small, "code", BILLED)
    assert answer.status_code == 200 and answer.json()["answer"]["status"] == "undecided"
    other = asked(small, "why", BILLED, code="96365")
    assert other.status_code == 422 and other.json()["error"]["kind"] == "undecided"


# --- what is refused


def test_a_chart_is_refused_as_on_the_command_line(client: Any) -> None:
    broken = chart("E-3", given_iv("bag", "ceftriaxone", "9:00", "09:40", rout="IV"), place_of_service="xx")
    expected = parse(broken, Source("chart")).refusals
    found = refusals(asked(client, "code", broken))
    assert [(it["place"], it["found"], it["expected"], it["message"]) for it in found] == [
        (it.place, it.found, it.expected, it.message) for it in expected
    ]
    assert {it["in"] for it in found} == {"chart"} and len(found) > 2


def test_of_a_text_the_line_is_told(client: Any) -> None:
    text = EXAMPLES.joinpath("01-ed-dehydration.yaml").read_text("utf-8").replace('"10:20"', '"10.20"')
    [found] = refusals(asked(client, "code", text))
    assert found["line"] == text[: text.index("10.20")].count("\n") + 1
    assert found["place"] == "administrations[2].start"


@pytest.mark.parametrize(
    ("body", "where", "place", "found"),
    [
        (b"{", "request", "", "text that is not JSON"),
        (b"\xff", "request", "", "a byte that is not UTF-8"),
        (b"[]", "request", "", "a list"),
        (b"{}", "request", "chart", "nothing"),
        (b'{"chart": {}, "chart": {}}', "chart", "", "this field a second time"),
        (b'{"chart": {"id": "a", "id": "b"}}', "chart", "id", "this field a second time"),
        (b'{"chart": {}, "charts": 1}', "request", "charts", "a field that is not known"),
        (b'{"chart": {}, "readings": {"A9": 1}}', "request", "readings.A9", "1"),
        (b'{"chart": ""}', "chart", "", "an empty file"),
        (b'{"chart": "id: a\\n---\\nid: b"}', "chart", "", "2 charts"),
        (b'{"chart": "id: \\ud800"}', "chart", "", "a byte that is not UTF-8"),
        (b'{"chart": ' + b"[" * 50_000 + b"]" * 50_000 + b"}", "request", "", "too many levels"),
    ],
)  # fmt: skip
def test_a_body_is_read_strictly(client: Any, body: bytes, where: str, place: str, found: str) -> None:
    told = refusals(client.post("/v1/code", content=body))
    assert [(it["in"], it["place"]) for it in told][:1] == [(where, place)], told
    assert told[0]["found"].startswith(found)


@pytest.mark.parametrize(
    ("question", "further", "place"),
    [
        ("why", {"code": "00000"}, "code"),
        ("why", {"code": "96365", "rather_than": "96365"}, "code"),
        ("whynot", {"code": "96365", "administration": "nobody"}, "administration"),
        ("code", {"readings": {"A9": "Z"}}, "readings"),
        ("code", {"readings": {"A9": "A", "tie_break": "B"}}, "readings"),
        ("code", {"readings": {"A9999": "A"}}, "readings"),
        ("audit", {}, "billed"),
        ("audit", {"search": "everything"}, "search"),
        ("margins", {"within": 0}, "within"),
    ],
)
def test_a_question_that_is_none_is_refused(client: Any, question: str, further: dict[str, Any], place: str) -> None:
    found = refusals(asked(client, question, chart("E-1"), **further))
    assert place in {it["place"] for it in found}
    assert all(it["found"] and it["expected"] for it in found)


def test_a_body_that_is_too_large_is_not_read(client: Any) -> None:
    def streamed() -> Iterator[bytes]:
        yield b'{"chart": "'
        for _ in range(12):
            yield b"x" * (BODY // 10)

    assert client.post("/v1/code", content=b"x" * (BODY + 1)).status_code == 413
    assert client.post("/v1/code", content=streamed()).status_code == 413
    assert client.post("/v1/code", content=b"x", headers={"content-length": "many"}).status_code == 413
    # a proof may be larger
    assert BODY < LARGE_BODY
    assert client.post("/v1/check", content=b"x" * (BODY + 1)).status_code == 422


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"host": "127.0.0.1:9999"}, 200),
        ({"host": "[::1]:8321"}, 200),
        ({"host": "evil.example"}, 421),
        ({"host": "localhost.evil.example:8321"}, 421),
        ({"host": ""}, 421),
        ({"origin": HOST}, 200),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://localhost:9999"}, 403),
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"sec-fetch-site": "cross-site"}, 403),
    ],
)
def test_a_request_has_to_be_meant_for_this_service(client: Any, headers: dict[str, str], status: int) -> None:
    assert client.get(HEALTH, headers=headers).status_code == status


def test_with_a_token_nobody_is_answered_without_it(app: Any) -> None:
    token = "a-token-of-some-length"
    guarded = client_of(app, token=token)
    body = {"chart": chart("E-1")}
    for headers in ({}, {"authorization": f"Basic {token}"}, {"authorization": f"Bearer {token[:-1]}"}):
        answer = guarded.post("/v1/code", json=body, headers=headers)
        assert answer.status_code == 401 and answer.headers["www-authenticate"] == "Bearer"
    assert guarded.post("/v1/code", json=body, headers={"authorization": f"Bearer {token}"}).status_code == 200
    assert guarded.get(HEALTH).status_code == 200
    assert guarded.get(DESCRIPTION).status_code == 401


def test_every_answer_may_be_kept_by_nobody(client: Any) -> None:
    answers = [
        client.get(HEALTH),
        client.get("/nothing"),
        client.get("/v1/code"),
        client.get("/v1/schema/nothing"),
        client.get(HEALTH, headers={"host": "evil.example"}),
        asked(client, "code", BILLED),
        asked(client, "code", {}),
    ]
    assert [it.status_code for it in answers] == [200, 404, 405, 404, 421, 200, 422]
    for it in answers:
        assert it.headers["cache-control"] == "no-store"
        assert it.headers["content-security-policy"].startswith("default-src 'none'")
        assert it.headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in it.headers


# --- patients

CANARY = "Kanarienvogel-7391"
WITH_CANARY = chart(
    CANARY,
    given_iv(f"{CANARY}-a", "ceftriaxone", "09:00", None, source=CANARY, note=CANARY, discontinued=CANARY),
    given_iv(f"{CANARY}-b", CANARY, "10:00", "10:40", bag=CANARY, lumen=CANARY),
    payer=CANARY,
    note=CANARY,
    billed=[{"code": "96365", "units": 2}],
)


def test_nothing_of_a_chart_is_kept_logged_or_told_to_others(
    faults: list[str],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("IVPROOF_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    caplog.set_level(logging.DEBUG)
    logging.getLogger("httpx").setLevel(logging.CRITICAL)
    client = client_of(application(Service(Policy.load("out001"), {"A9": "first"}), faults.append))
    asking: list[tuple[str, dict[str, Any]]] = [
        ("code", {}),
        ("audit", {"search": "one"}),
        ("why", {"code": "96365"}),
        ("margins", {}),
        ("prove", {}),
    ]
    for question, further in asking:
        assert asked(client, question, WITH_CANARY, **further).status_code == 200
    # what is wrong is quoted to whoever sent it, and nothing else of the chart
    for broken in (
        {**WITH_CANARY, "date": "yesterday"},
        {**WITH_CANARY, "place_of_service": "2"},
        json.dumps(WITH_CANARY)[:-9],
    ):
        answer = asked(client, "code", broken)
        assert answer.status_code == 422 and CANARY not in answer.text
    # an error of this program may have the chart in its text

    def failing(*_: Any, **__: Any) -> Any:
        raise ValueError(f"cannot code {CANARY}")

    monkeypatch.setattr(Coder, "code", failing)
    answer = asked(client, "code", WITH_CANARY)
    assert answer.status_code == 500 and CANARY not in answer.text
    assert answer.json()["error"]["message"].startswith("internal error: ValueError in ")
    assert faults and CANARY not in str(faults)
    written = capfd.readouterr()
    assert CANARY not in caplog.text + written.out + written.err
    kept = [it for it in tmp_path.rglob("*") if it.is_file()]
    assert kept and not [it for it in kept if CANARY.encode() in it.read_bytes() or CANARY in it.name]


# --- many at once


def test_many_at_once_are_answered_as_one_by_one(client: Any) -> None:
    charts = [
        chart(f"E-{n}", given_iv("bag", drug, "09:00", f"{10 + n % 5}:{10 + n}"))
        for n, drug in enumerate(["ceftriaxone", "vancomycin", "normal saline"])
    ]
    asking = [(question, it) for it in charts for question in ("code", "why")]
    about: dict[str, dict[str, str]] = {"code": {}, "why": {"code": "96365"}}
    alone = [asked(client, *it, **about[it[0]]).json() for it in asking]
    with ThreadPoolExecutor(20) as threads:
        together = list(threads.map(lambda it: asked(client, *it, **about[it[0]]).json(), asking))
    assert together == alone
    assert len({json.dumps(it) for it in alone}) == len(asking)


def test_no_more_wait_than_are_let_in(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "WAITING", -1)
    answer = asked(client, "code", BILLED)
    monkeypatch.undo()
    assert answer.status_code == 503 and answer.headers["retry-after"]
    assert asked(client, "code", BILLED).status_code == 200


def test_no_more_settings_are_kept_ready_than_a_few(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "SETTINGS", 2)
    for n in range(3):
        service.code(Asked(chart=BILLED, readings={f"A{n + 1}": "open"}))
    assert len(service._others) == answering.SETTINGS
    with pytest.raises(RefusedError, match="expected one of"):
        service.code(Asked(chart=BILLED, readings={"A9": "none such"}))


# --- the description


def test_the_description_is_whole_and_true(client: Any) -> None:
    described = client.get(DESCRIPTION).json()
    assert described["openapi"].startswith("3.1")
    names = {path.rpartition("/")[2] for path in described["paths"] if path.startswith("/v1/") and "schema" not in path}
    assert names == {"code", "audit", "why", "whynot", "missing", "margins", "readings", "prove", "check"}

    def named(part: Any) -> Iterator[str]:
        if isinstance(part, dict):
            if isinstance(part.get("$ref"), str):
                yield part["$ref"]
            for it in part.values():
                yield from named(it)
        elif isinstance(part, list):
            for it in part:
                yield from named(it)

    references = set(named(described))
    assert len(references) > 20
    for it in references:
        found = described
        for step in it.removeprefix("#/").split("/"):
            found = found[step]

    def valid(what: Any, schema: dict[str, Any]) -> None:
        jsonschema.Draft202012Validator({**schema, "components": described["components"]}).validate(what)

    for question in ("code", "audit", "prove"):
        post = described["paths"][f"/v1/{question}"]["post"]
        body = post["requestBody"]["content"]["application/json"]["schema"]
        valid({"chart": BILLED}, body)
        with pytest.raises(jsonschema.ValidationError):
            valid({"chart": BILLED, "cods": ""}, body)
        form = post["responses"]["200"]["content"]["application/json"]["schema"]
        valid(asked(client, question, BILLED).json(), form)
    form = described["paths"]["/v1/code"]["post"]["responses"]["422"]["content"]["application/json"]["schema"]
    valid(asked(client, "code", {}).json(), form)


def test_schemas_and_health(client: Any) -> None:
    for name, schema in SCHEMAS.items():
        assert client.get(f"/v1/schema/{name}").json() == schema()
    assert client.get(HEALTH).json()["policy"] == Policy.load("out001").about


# --- the command


def test_it_serves_until_it_is_ended_and_writes_one_line() -> None:
    environment = {**os.environ, "IVPROOF_TOKEN": ""}
    command = [sys.executable, "-m", "ivproof", "serve", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stderr is not None
        first = process.stderr.readline()
        assert first.startswith("ivproof: listening on http://127.0.0.1:")
        port = int(first.partition("127.0.0.1:")[2].partition("/")[0])
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        for body, status in [({"chart": WITH_CANARY}, 200), ({"chart": {"id": CANARY}}, 422)]:
            connection.request("POST", "/v1/code", json.dumps(body))
            answer = connection.getresponse()
            answer.read()
            assert answer.status == status
        connection.close()
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        assert process.wait(30) == 130
    assert rest.strip() == ""


def test_what_has_no_chart_is_told_before_it_listens(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    missing, empty = tmp_path / "nobody.yaml", tmp_path / "empty"
    done = run("serve", missing, empty, "--port", "0", "--decision-log", tmp_path / "log")
    assert done.exit_code == 2 and "listening" not in done.stderr and not (tmp_path / "log").exists()
    first, second, last = done.stderr.splitlines()
    assert first.startswith(f"{missing}: found no such file, expected ")
    assert second.startswith(f"{empty}: found a folder without charts, expected ")
    assert last.startswith("ivproof: found no chart in what was named, expected one or more")


def test_it_listens_to_others_only_with_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IVPROOF_TOKEN", raising=False)
    refused = run("serve", "--host", "0.0.0.0", "--port", "0")
    assert refused.exit_code == 2 and "IVPROOF_TOKEN" in refused.stderr
    monkeypatch.setenv("IVPROOF_TOKEN", "short")
    refused = run("serve", "--host", "0.0.0.0", "--port", "0")
    assert refused.exit_code == 2 and "short" in refused.stderr and "expected 16 or more" in refused.stderr


# --- the document


def test_the_document_shows_what_is_answered(client: Any) -> None:
    document = Path(__file__).parents[1].joinpath("docs", "desk.md").read_text("utf-8")
    shown = re.findall(r"```http\nPOST (\S+)\n(.*?)```.*?```json\n(.*?)```", document, re.DOTALL)
    assert len(shown) == 2

    def holds(part: Any, whole: Any) -> bool:
        if isinstance(part, dict):
            return all(name in whole and holds(it, whole[name]) for name, it in part.items())
        if isinstance(part, list):
            return len(part) == len(whole) and all(map(holds, part, whole))
        return part in {whole, ""} and type(part) is type(whole)

    for address, body, answer in shown:
        given = client.post(address, content=body.encode()).json()
        assert holds(json.loads(answer), given), given
    named = set(re.findall(r"^\| `(/v1/\w+)`", document, re.MULTILINE))
    assert named == {path for path in client.get(DESCRIPTION).json()["paths"] if "schema" not in path} - {HEALTH}
