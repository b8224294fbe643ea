"""What can be asked of the service: the body of each question, read strictly, or every reason why it is refused.

A body is JSON in UTF-8. A part that stands twice, one that is not known and one of another kind are refused with their
place, as a chart is on the command line; the chart itself is an object of the format, or the text of a file that holds
one chart (YAML or JSON), so that what is wrong with it is told with its line.

>>> read(b'{"chart": {"id": "E"}, "code": 96365}', AboutCode)
Traceback (most recent call last):
ivproof.serve.asking.RefusedError: request: code: found 96365, expected text, in quotes
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from io import BytesIO
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ivproof.chart.encounter import Encounter
from ivproof.chart.files import STDIN, Sheet, scan
from ivproof.chart.refusal import Problem, Refusal, Source, UnreadableError, problem_of, refuse
from ivproof.chart.strict_json import read_line

REQUEST = Source("request")
CHART = Source("chart")


class RefusedError(ValueError):
    """A question that cannot be answered as it stands: every reason, with its place."""

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        # whoever asked has the id of the chart, and nobody else is to read it here
        self.refusals = tuple(replace(it, encounter=None) for it in refusals)
        super().__init__("; ".join(map(str, self.refusals)))


class Asked(BaseModel):
    """A question about one chart."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    chart: Annotated[Any, Field(description="The chart: an object, or the text of a file that holds one (YAML, JSON).")]
    readings: dict[str, str] = Field(
        default_factory=dict, description="Questions that are settled otherwise, by number or name: {A9: longest}."
    )


class AboutCode(Asked):
    """Why a code is on the claim."""

    code: str = Field(description="The code, as it stands on a claim.")
    detail: bool = Field(default=False, description="Every step, helpers of the law included.")


class AboutPresence(AboutCode):
    """Why a code is on the claim, or why it is and not another."""

    rather_than: str | None = Field(default=None, description="The other code: tell where the way to it ends.")
    administration: str | None = Field(
        default=None, description="With rather_than: for this administration only, by its id."
    )


class AboutAbsence(AboutCode):
    """Why a code is not on the claim."""

    administration: str | None = Field(default=None, description="For this administration only, by its id.")


class AboutBill(Asked):
    """What was billed, held against the chart, which has it as `billed`."""

    search: Literal["all", "two", "one", "none"] = Field(
        default="all", description="How much is gone through to find what would make a wrong claim right."
    )


class AboutMargins(Asked):
    """How far each time can move."""

    within: int | None = Field(default=None, ge=1, description="Only where the claim changes within so many minutes.")


class AboutProof(BaseModel):
    """Whether a proof is one, by the law that this service has."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    proof: dict[str, Any] = Field(description="The proof.")
    chart: Annotated[Any, Field(description="The chart that it has to be about, in either form.")] = None
    claim: dict[str, Annotated[int, Field(ge=1)]] | None = Field(
        default=None, description="The claim that has to be proved, and no other: each code with its units."
    )
    published: bool = Field(default=False, description="The law has to be the published edition, and no reading set.")


Body = TypeVar("Body", bound=BaseModel)


def read(raw: bytes, form: type[Body]) -> Body:
    """Read the body of a question. Raises RefusedError."""
    try:
        data, problems = read_line(raw)
    except UnreadableError as wrong:
        expected = wrong.problem.expected.replace("a chart in JSON", "a question in JSON")
        raise RefusedError([refuse(REQUEST, wrong.problem._replace(expected=expected), line=wrong.line)]) from None
    found = [_place(it) for it in problems]
    try:
        body = form.model_validate(data)
    except ValidationError as error:
        fields = [*form.model_fields]
        found += [refuse(REQUEST, problem_of(it, fields)) for it in error.errors(include_url=False)]
    else:
        if not found:
            return body
    raise RefusedError(sorted(found, key=lambda it: it.place))


def _place(problem: Problem) -> Refusal:
    """Say of a problem in the body whether it stands in the chart, whose places begin anew."""
    first, *rest = problem.path
    return refuse(CHART, problem._replace(path=tuple(rest))) if first == "chart" else refuse(REQUEST, problem)


def chart_of(given: Any) -> Encounter:
    """Read the chart of a question: an object, or text with one chart in it. Raises RefusedError."""
    if isinstance(given, str):
        stream = BytesIO(given.encode(errors="surrogatepass"))
        sheets = [it._replace(source=it.source._replace(file=CHART.file)) for it in scan([STDIN], stream)]
    else:
        sheets = [Sheet(CHART, given)]
    if len(sheets) > 1:
        raise RefusedError([refuse(CHART, Problem((), f"{len(sheets)} charts", "one chart"))])
    [chart] = (it.chart() for it in sheets)
    if chart.encounter is None:
        raise RefusedError(chart.refusals)
    return chart.encounter


def as_dict(refusal: Refusal) -> Mapping[str, Any]:
    """Give a refusal as plain data."""
    return {
        "in": refusal.file,
        "place": refusal.place,
        "line": refusal.line,
        "found": refusal.found,
        "expected": refusal.expected,
        "message": refusal.message,
    }
