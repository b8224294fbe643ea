"""The form of a proof: what the document must look like before anything that it says is looked at.

>>> expect_form({"atom": "p", "place": 7}, FACT, "a fact")
Traceback (most recent call last):
ivproof.recheck.document.RejectionError: a fact, place: found 7, expected text
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from .budget import LimitError

LARGEST = 200_000_000
"""Bytes of a document that is read at all."""

PARTS = 20_000_000
"""Lists, objects and commas of one: each takes many times the memory of the byte that it is written as."""

Form: TypeAlias = Any
"""`str` or `int`; `[form]` a list of these; `{"part": form}` an object with these parts, `part?` where one may be
missing; `{str: form}` an object with any parts; `dict` any object."""

FACT = {"atom": str, "place": str}
STEP = {
    "atom": str,
    "rule": str,
    "clause": int,
    "with": {str: str},
    "uses?": [str],
    "absent?": [str],
    "compares?": [[str]],
    "counts?": [{"compares": [str], "counted": [{"terms": [str], "uses": [str], "absent": [str]}]}],
    "candidates?": [str],
}
TRIED = {"rule": str, "clause": int, "fails": int, "condition": str, "tried": [{str: str}]}
ANSWER = {
    "claim": [str],
    "lines": [str],
    "chosen": [str],
    "steps": [STEP],
    "absent": [{"atom": str, "clauses": [TRIED]}],
}
PROOF = {
    "format": str,
    "version": int,
    "made_with": {"clingo": str, "ivproof": str},
    "policy": {"id": str, "edition": str, "digest": str, "law": [{"file": str, "text": str}]},
    "chart": {"encounter": str, "digest": str, "content": dict},
    "facts": [FACT],
    "drug_list": [str],
    "settings": [{"question": str, "source": str, "option?": str}],
    "outcome": {"status": str, "claims": [[str]]},
    "answers": [ANSWER],
    "seal": str,
}


class RejectionError(ValueError):
    """Something in a proof that is not so; `step` says where."""

    def __init__(self, reason: str, step: str = "") -> None:
        super().__init__(reason)
        self.step = step


def read(data: bytes) -> Any:
    """The document as plain data. Raises RejectionError where it is no JSON, or has a part twice."""
    if len(data) > LARGEST:
        raise LimitError(f"the document has more than {LARGEST} bytes")
    if sum(map(data.count, (b"[", b"{", b","))) > PARTS:
        raise LimitError(f"the document has more than {PARTS} parts")

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise RejectionError("a part of the document is there twice")
        return found

    def constant(name: str) -> Any:
        raise RejectionError(f"{name} is not JSON")

    try:
        return json.loads(data.decode(), object_pairs_hook=once, parse_constant=constant)
    except RejectionError:
        raise
    except RecursionError:
        raise RejectionError("the document has too many levels inside each other") from None
    except ValueError as error:  # no UTF-8, no JSON, a number of many thousand digits
        raise RejectionError(f"the document is not JSON: {error}") from None


def expect_form(value: object, form: Form, what: str) -> None:
    """Raises RejectionError where a part of the document has another form."""
    if isinstance(form, list):
        if not isinstance(value, list):
            raise RejectionError(f"{what}: found {short(value)}, expected a list")
        for n, item in enumerate(value, 1):
            expect_form(item, form[0], f"{what} {n}")
    elif form is dict or isinstance(form, dict):
        if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
            raise RejectionError(f"{what} is no object")
        if not isinstance(form, dict):
            return
        if str in form:
            expect_form(list(value), [str], what)
            expect_form(list(value.values()), [form[str]], what)
        else:
            _expect_parts(value, form, what)
    elif type(value) is not form:
        raise RejectionError(f"{what}: found {short(value)}, expected {'text' if form is str else 'a number'}")
    elif isinstance(value, str) and not (value.isascii() or _written(value)):
        raise RejectionError(f"{what}: found half a character")


def _expect_parts(value: Mapping[str, Any], form: Mapping[str, Form], what: str) -> None:
    known = {name.removesuffix("?") for name in form}
    lacking, unknown = sorted({name for name in form if name[-1:] != "?"} - set(value)), sorted(set(value) - known)
    if lacking or unknown:
        said = [f"it lacks {', '.join(lacking)}"] * bool(lacking)
        said += [f"it has {', '.join(map(short, unknown))}"] * bool(unknown)
        raise RejectionError(f"{what} has the wrong parts: {' and '.join(said)}")
    for name, part in form.items():
        if name.removesuffix("?") in value:
            bare = name.removesuffix("?")
            expect_form(value[bare], part, f"{what}, {short(bare)}" if what else bare)


def _written(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def short(value: object) -> str:
    """A value as it is shown in a reason."""
    if isinstance(value, str) and value.isidentifier() and len(value) <= 40:
        return value
    if isinstance(value, Mapping | Sequence) and not isinstance(value, str) and len(value) > 1000:
        return f"{len(value)} items"
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, default=repr)
    text = text.encode(errors="backslashreplace").decode()
    return text if len(text) <= 200 else f"{text[:200]}…"
