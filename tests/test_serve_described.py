"""The service keeps to its own description: requests made from its OpenAPI, and what is answered held against it."""

from __future__ import annotations

from typing import Any

import pytest
from command import chart
from hypothesis import HealthCheck, Phase, given, settings

from ivproof.law.policy import Policy
from ivproof.serve.answering import Service
from ivproof.serve.app import application

pytest.importorskip("fastapi", reason="FastAPI is not installed (pip install -e '.[dev]')")
schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed (pip install -e '.[dev]')")

VISIT = chart("E-1", billed=[{"code": "96365"}])
FEW = settings(
    max_examples=2,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)


def test_every_answer_is_one_that_the_description_has() -> None:
    faults: list[str] = []
    app = application(Service(Policy.load("out001"), limit=2_000_000), faults.append)
    described = schemathesis.openapi.from_asgi("/v1/openapi.json", app)
    # a chart can be refused for what no schema says: an id that is nobody's, a stop before its start
    refusing = [schemathesis.checks.CHECKS.get_one("positive_data_acceptance")]
    statuses: set[tuple[str, int]] = set()
    for found in described.get_all_operations():
        operation = found.ok()

        @FEW
        @given(case=operation.as_strategy())
        def holds(case: Any) -> None:
            with_chart = isinstance(case.body, dict) and "chart" in case.body
            for body in [case.body, *([{**case.body, "chart": VISIT, "readings": {}}] if with_chart else [])]:
                case.body = body
                answer = case.call()
                statuses.add((case.operation.path, answer.status_code))
                case.validate_response(answer, excluded_checks=refusing)

        holds()
    assert not faults
    paths = {path for path, _ in statuses}
    answered = {path for path, status in statuses if status == 200}
    assert len(paths) > 10 and paths - answered <= {"/v1/why", "/v1/whynot", "/v1/check"}  # made-up codes, proofs
