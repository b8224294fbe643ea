"""What is given out is said once: data and schema follow from the fields, of which each published one is described."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from ivproof.audit.model import Audit, Kind
from ivproof.claim.determination import Determination
from ivproof.formats.output import OPTIONAL, After, Amount, Called, Count, Described, Inside, schema
from ivproof.packet.model import Packet


@dataclass(frozen=True, slots=True)
class Inner(Described):
    """An inner part."""

    kind: Annotated[Kind | None, "Its kind."] = None
    pairs: Annotated[tuple[tuple[Annotated[str, "A."], Annotated[int, "B."]], ...], "Pairs."] = ()


@dataclass(frozen=True, slots=True)
class Outer(Described):
    """An outer part.

    Not said in the schema.
    """

    first: Annotated[str, "First."]
    amount: Annotated[Amount | None, "An amount.", Called("number"), OPTIONAL] = None
    inner: Annotated[Inner | None, "One part."] = None
    many: Annotated[Mapping[str, tuple[Inner, ...]], "Parts by name.", OPTIONAL, After("first")] = field(
        default_factory=dict
    )
    kept: Inside[int] = 3

    @property
    def size(self) -> Annotated[Count, "How many.", After("many")]:
        return len(self.many)

    @property
    def unsaid(self) -> int:
        return 4


FULL = Outer("x", 0, Inner(Kind.SUPPORTED, (("a", 1),)), {"one": (Inner(),)})


def test_the_order_is_that_of_the_fields_but_where_they_say_otherwise() -> None:
    assert list(FULL.as_dict()) == ["first", "many", "size", "number", "inner"]


def test_what_is_empty_is_left_out_where_it_may_be_and_nought_is_not_empty() -> None:
    assert Outer("x").as_dict() == {"first": "x", "size": 0, "inner": None}
    assert FULL.as_dict()["number"] == 0


def test_parts_are_plain_data() -> None:
    assert FULL.as_dict()["inner"] == {"kind": "supported", "pairs": [["a", 1]]}
    assert FULL.as_dict()["many"] == {"one": [{"kind": None, "pairs": []}]}


def test_data_keep_to_the_schema_and_other_data_do_not() -> None:
    validator = jsonschema.Draft202012Validator(schema(Outer))
    for it in (FULL, Outer("x")):
        validator.validate(it.as_dict())
    wrongs: list[dict[str, Any]] = [
        {"first": 1},
        {"number": -1},
        {"inner": {"kind": "other", "pairs": []}},
        {"many": {"one": [{}]}},
    ]
    for wrong in wrongs:
        assert not validator.is_valid({**FULL.as_dict(), **wrong})
    assert not validator.is_valid({"first": "x", "inner": None})
    assert schema(Outer)["description"] == "An outer part."


def bare(found: Any, path: str = "") -> Iterator[str]:
    """The places of a schema that nothing is said of."""
    for name, it in found.get("properties", {}).items():
        if not {"description", "$ref", "const"} & {*it}:
            yield f"{path}.{name}"
        yield from bare(it, f"{path}.{name}")
    for name, it in found.get("$defs", {}).items():
        assert it["description"], name
        yield from bare(it, name)


@pytest.mark.parametrize("kind", [Determination, Audit, Packet])
def test_every_field_of_a_published_form_is_described(kind: type[Described]) -> None:
    assert not [*bare(schema(kind))]
