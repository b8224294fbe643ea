"""The service as an application: its addresses, the form of its answers, and its description (OpenAPI 3.1).

Addresses hold nothing of a chart: charts come in bodies only. Bodies are read by `serve.asking`, which says what is
wrong as the command line does; the description is made from the same models and from the published schemas.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, NamedTuple

from ivproof.audit.model import Audit
from ivproof.chart.bounds import TooManyWaysError
from ivproof.chart.encounter import schema as schema_of_encounter
from ivproof.claim.determination import Determination
from ivproof.engine.faults import bare_place_of
from ivproof.formats.extras import load
from ivproof.formats.output import schema
from ivproof.formats.plain import json_text
from ivproof.proof.schema import schema as schema_of_proof
from ivproof.serve.answering import WAITING, Answer, BusyError, Service
from ivproof.serve.asking import (
    AboutAbsence,
    AboutBill,
    AboutMargins,
    AboutPresence,
    AboutProof,
    Asked,
    RefusedError,
    as_dict,
    read,
)
from ivproof.serve.guard import problem

if TYPE_CHECKING:
    from pydantic import BaseModel

SCHEMAS: Mapping[str, Callable[[], dict[str, Any]]] = {
    "encounter": schema_of_encounter,
    "determination": lambda: schema(Determination),
    "audit": lambda: schema(Audit),
    "proof": schema_of_proof,
}
"""The published forms of what goes in and what comes out."""

DESCRIPTION = "/v1/openapi.json"
HEALTH = "/health"
CHECK = "/v1/check"


class ServedQuestion(NamedTuple):
    """A question that can be asked: its name, the form of its body, what answers it, and the form of the answer."""

    name: str
    form: type[BaseModel]
    answer: Callable[[Any], Answer]
    schema: str | None = None


def questions(service: Service) -> tuple[ServedQuestion, ...]:
    """Give every question that a service answers."""
    return (
        ServedQuestion("code", Asked, service.code, "determination"),
        ServedQuestion("audit", AboutBill, service.audit, "audit"),
        ServedQuestion("why", AboutPresence, service.why),
        ServedQuestion("whynot", AboutAbsence, service.whynot),
        ServedQuestion("missing", Asked, service.missing),
        ServedQuestion("margins", AboutMargins, service.margins),
        ServedQuestion("readings", Asked, service.readings),
        ServedQuestion("prove", Asked, service.prove, "proof"),
        ServedQuestion("check", AboutProof, service.check),
    )


def application(service: Service, fault: Callable[[str], None] = lambda _: None) -> Any:
    """Give the application; `fault` is told of errors of this program, by their kind and place.

    Raises MissingExtraError where FastAPI is not installed.
    """
    fastapi = load("fastapi", "the service")
    responses = load("starlette.responses", "the service")
    app = fastapi.FastAPI(
        title="ivproof",
        version=version("ivproof"),
        openapi_url=None,  # the pages that show it fetch their scripts from elsewhere
        docs_url=None,
        redoc_url=None,
    )

    def respond(content: bytes, status: int = 200, **headers: str) -> Any:
        return responses.Response(content, status, headers, "application/json")

    def answered(question: ServedQuestion, body: bytes) -> Any:
        try:
            return respond(_json(question.answer(read(body, question.form))))
        except RefusedError as error:
            return respond(problem("refused", str(error), refusals=[as_dict(it) for it in error.refusals]), 422)
        except TooManyWaysError as error:
            return respond(problem("undecided", str(error)), 422)
        except Exception as error:
            fault(bare_place_of(error))
            return respond(problem("fault", f"internal error: {bare_place_of(error)}"), 500)

    def endpoint(question: ServedQuestion) -> Callable[..., Any]:
        async def asked(request: Any) -> Any:
            body = await request.body()
            try:
                return await service.turns.take(answered, question, body)
            except BusyError:
                told = f"found {WAITING} questions waiting, expected fewer; ask again"
                return respond(problem("busy", told), 503, **{"retry-after": "2"})

        asked.__annotations__ = {"request": fastapi.Request}
        return asked

    for it in questions(service):
        app.add_api_route(
            f"/v1/{it.name}",
            endpoint(it),
            methods=["POST"],
            name=it.name,
            summary=(it.answer.__doc__ or "").strip(),
            response_class=responses.Response,
            openapi_extra=_described(it),
            responses=_ERRORS,
        )

    def of_schema(name: str) -> Callable[[], Any]:
        return lambda: respond(_json(SCHEMAS[name]()))

    def health() -> Any:
        return respond(_json({"status": "ok", "version": version("ivproof"), "policy": service.policy.about}))

    for name in SCHEMAS:
        app.add_api_route(f"/v1/schema/{name}", of_schema(name), name=name, summary="Give a published JSON Schema.")
    app.add_api_route(HEALTH, health, summary="Say that the service is there, and by which law it answers.")
    text = _json(description(app))
    app.add_api_route(DESCRIPTION, lambda: respond(text), include_in_schema=False)

    async def unknown(_request: Any, error: Any) -> Any:
        what = {404: "an address of the service", 405: "another method"}.get(error.status_code, "another request")
        return respond(
            problem("unknown", f"found no such question, expected {what}: see {DESCRIPTION}"), error.status_code
        )

    app.add_exception_handler(load("starlette.exceptions", "the service").HTTPException, unknown)
    return app


def _json(data: object) -> bytes:
    return json_text(json.dumps(data, ensure_ascii=False, separators=(",", ":"))).encode()


# --- the description


def description(app: Any) -> dict[str, Any]:
    """Give the OpenAPI document: the questions, and in its components every schema that they name."""
    found: dict[str, Any] = load("fastapi.openapi.utils", "the service").get_openapi(
        title=app.title, version=app.version, routes=app.routes, summary="Questions about charts of infusion visits."
    )
    components = found.setdefault("components", {}).setdefault("schemas", {})
    for name, made in SCHEMAS.items():
        components[name] = _below(made(), name)
    for form in (Asked, AboutBill, AboutPresence, AboutAbsence, AboutMargins, AboutProof):
        body = _below(form.model_json_schema(), form.__name__)
        chart = body["properties"]["chart"]
        chart["anyOf"] = [{"$ref": "#/components/schemas/encounter"}, {"type": "string"}]
        components[form.__name__] = body
    components["error"] = _ERROR
    return found


def _below(schema: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A schema as a component: what it refers to within itself is found below its name."""

    def moved(part: Any) -> Any:
        if isinstance(part, Mapping):
            return {
                key: value.replace("#/", f"#/components/schemas/{name}/", 1)
                if key == "$ref" and isinstance(value, str)
                else moved(value)
                for key, value in part.items()
            }
        return [moved(it) for it in part] if isinstance(part, list) else part

    found: dict[str, Any] = moved({key: value for key, value in schema.items() if key != "$schema"})
    return found


def _described(question: ServedQuestion) -> dict[str, Any]:
    """What the description says of a question: its body, and the form of its answer."""
    answer: dict[str, Any] = (
        {"type": "object", "description": f"As `ivproof {question.name} --format json` gives it."}
        if question.schema is None
        else {"$ref": f"#/components/schemas/{question.schema}"}
    )
    envelope = {
        "type": "object",
        "required": ["decision", "policy", "readings", "chart", "answer"],
        "properties": {
            "decision": {"type": "string", "description": "The same for the same question by the same law."},
            "policy": {
                "type": "object",
                "description": "The law: id, edition, digest.",
                "additionalProperties": {"type": "string"},
            },
            "readings": {
                "type": "object",
                "description": "Questions settled otherwise than the policy does (`set`), and those held `open`.",
            },
            "chart": {"type": ["string", "null"], "description": "Digest of the chart."},
            "answer": answer,
        },
    }
    body = {"$ref": f"#/components/schemas/{question.form.__name__}"}
    return {
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {"200": {"description": "The answer.", "content": {"application/json": {"schema": envelope}}}},
    }


_ERROR: dict[str, Any] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["kind", "message"],
            "properties": {
                "kind": {"type": "string"},
                "message": {"type": "string"},
                "refusals": {
                    "type": "array",
                    "description": "What is wrong, as the command line tells it.",
                    "items": {
                        "type": "object",
                        "required": ["in", "place", "line", "found", "expected", "message"],
                        "properties": {
                            "in": {"enum": ["chart", "request"]},
                            "place": {"type": "string"},
                            "line": {"type": ["integer", "null"]},
                            "found": {"type": "string"},
                            "expected": {"type": "string"},
                            "message": {"type": "string"},
                        },
                    },
                },
            },
        }
    },
}

_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"description": text, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/error"}}}}
    for status, text in (
        (401, "No token, or another one."),
        (403, "A page of somebody else asks."),
        (413, "The body is too large."),
        (421, "The request is meant for another host."),
        (422, "The chart or the question is refused, or takes more work than is allowed."),
        (500, "This program failed."),
        (503, "Too many questions wait."),
    )
}
