"""Codes infusion visits from the chart by the written policy, and proves every code and every absence.

The public names are these; each is loaded when it is first asked for, so that a command loads only what it needs.

>>> from ivproof import Coder, Policy, Source, parse
>>> chart = parse({"id": "E", "place_of_service": "22", "date": "2021-03-01", "access_sites": [{"id": "iv"}],
...     "administrations": [{"id": "x", "drug": "vancomycin", "route": "IV", "site": "iv",
...                          "start": "09:00", "stop": "10:31"}]}, Source("visit.json"))
>>> [determination] = Coder(Policy.load("out001")).code([chart.encounter])
>>> [(line.code, line.units) for line in determination.claim]
[('96365', 1), ('96366', 1)]
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ivproof.audit.auditor import Auditor as Auditor
    from ivproof.audit.model import Audit as Audit
    from ivproof.chart.encounter import Encounter as Encounter
    from ivproof.chart.encounter import dumps as dumps
    from ivproof.chart.files import read as read
    from ivproof.chart.reading import Refusal as Refusal
    from ivproof.chart.reading import Source as Source
    from ivproof.chart.reading import parse as parse
    from ivproof.claim.coding import Coder as Coder
    from ivproof.claim.determination import Determination as Determination
    from ivproof.drugs.listing import DrugList as DrugList
    from ivproof.engine.engine import Engine as Engine
    from ivproof.frames.coding import Frames as Frames
    from ivproof.frames.coding import Unanswered as Unanswered
    from ivproof.frames.coding import code as code
    from ivproof.frames.coding import code_frame as code_frame
    from ivproof.importers.tables import TableError as TableError
    from ivproof.law.policy import Policy as Policy
    from ivproof.law.policy import PolicyError as PolicyError
    from ivproof.packet.maker import PacketMaker as PacketMaker
    from ivproof.packet.model import Packet as Packet
    from ivproof.proof.maker import prove as prove
    from ivproof.recheck.checker import check as check
    from ivproof.render.notebook import show as show
    from ivproof.whatif.margins import MarginReport as MarginReport
    from ivproof.whatif.margins import margins_of as margins_of
    from ivproof.whatif.missing import MissingReport as MissingReport
    from ivproof.whatif.missing import missing_facts as missing_facts

_HOME = {
    "Audit": "ivproof.audit.model",
    "Auditor": "ivproof.audit.auditor",
    "Coder": "ivproof.claim.coding",
    "Determination": "ivproof.claim.determination",
    "DrugList": "ivproof.drugs.listing",
    "Encounter": "ivproof.chart.encounter",
    "Engine": "ivproof.engine.engine",
    "Frames": "ivproof.frames.coding",
    "MarginReport": "ivproof.whatif.margins",
    "MissingReport": "ivproof.whatif.missing",
    "Packet": "ivproof.packet.model",
    "PacketMaker": "ivproof.packet.maker",
    "Policy": "ivproof.law.policy",
    "PolicyError": "ivproof.law.policy",
    "Refusal": "ivproof.chart.reading",
    "Source": "ivproof.chart.reading",
    "TableError": "ivproof.importers.tables",
    "Unanswered": "ivproof.frames.coding",
    "check": "ivproof.recheck.checker",
    "code": "ivproof.frames.coding",
    "code_frame": "ivproof.frames.coding",
    "dumps": "ivproof.chart.encounter",
    "margins_of": "ivproof.whatif.margins",
    "missing_facts": "ivproof.whatif.missing",
    "parse": "ivproof.chart.reading",
    "prove": "ivproof.proof.maker",
    "read": "ivproof.chart.files",
    "show": "ivproof.render.notebook",
}

__all__ = [
    "Audit",
    "Auditor",
    "Coder",
    "Determination",
    "DrugList",
    "Encounter",
    "Engine",
    "Frames",
    "MarginReport",
    "MissingReport",
    "Packet",
    "PacketMaker",
    "Policy",
    "PolicyError",
    "Refusal",
    "Source",
    "TableError",
    "Unanswered",
    "check",
    "code",
    "code_frame",
    "dumps",
    "margins_of",
    "missing_facts",
    "parse",
    "prove",
    "read",
    "show",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
