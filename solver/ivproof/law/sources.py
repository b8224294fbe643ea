"""What a law may cite: the numbered rules of its text, and the numbered national rules where the text is silent.

They stand as data beside the law: ``rules.toml`` in a policy's folder (number, section, lines and a paraphrase of each
rule of the text), ``national.toml`` above the policies. A policy that stands on another one, or on its files, also has
that one's lists, so each folder that holds a file of the law is looked into.

>>> from ivproof.law.policy import Policy
>>> found = Sources.of(Policy.load("out001"))
>>> found.rules["R30"].section, found.fits("III.D", "R54"), found.fits("III.A", "R54")
('III.B', True, False)
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ivproof.formats.plain_file import FileError, read_text
from ivproof.law.policy import Policy, PolicyError

RULES = "rules.toml"
NATIONAL = "national.toml"


@dataclass(frozen=True, slots=True)
class TextRule:
    """A rule as the policy's text states it: where, and in our words. `explains`: why it decides nothing by itself."""

    number: str
    section: str
    lines: str
    says: str
    explains: str = ""


@dataclass(frozen=True, slots=True)
class NationalRule:
    """A national rule (CMS, CPT, NCCI), and what OUT001 has to say of it; `same` are rules of OUT001 that it confirms.

    `section` is the document that states it, `since` from when it holds, `explains` why it decides nothing by itself.
    """

    number: str
    says: str
    out001: str = ""
    section: str = ""
    since: str = ""
    explains: str = ""
    same: tuple[str, ...] = ()

    @property
    def as_text(self) -> TextRule:
        """The rule as one of a policy's text, for an overlay that encodes it; its date in place of lines."""
        return TextRule(self.number, self.section, self.since, self.says, self.explains)


@dataclass(frozen=True)
class Sources:
    """The lists that a law's citations are checked against. `within` leads from a section to the parts it lies in."""

    rules: Mapping[str, TextRule]
    national: Mapping[str, NationalRule]
    within: Mapping[str, tuple[str, ...]]

    @staticmethod
    def of(policy: Policy) -> Sources:
        """Read the lists beside the policy's files. Raises PolicyError where a list cannot be read."""
        rules: dict[str, TextRule] = {}
        national: dict[str, NationalRule] = {}
        within: dict[str, tuple[str, ...]] = {}
        for folder in folders(policy):
            own = _read(folder / RULES)
            try:
                rules |= {it["number"]: TextRule(**it) for it in own.get("rules", ())}
                within |= {section: tuple(parts) for section, parts in own.get("within", {}).items()}
                above = _read(folder / NATIONAL).get("facts", ())
                national |= {it["number"]: NationalRule(**{**it, "same": tuple(it.get("same", ()))}) for it in above}
            except (KeyError, TypeError) as error:
                raise PolicyError(f"{folder}: {RULES} or {NATIONAL}: {error}") from error
        return Sources(rules, national, within)

    def fits(self, named: str, number: str) -> bool:
        """Whether `named` is the section of that rule, or a part of the text that the section lies in."""
        section = self.section(number)
        return named == section or named in self.within.get(section, ())

    def section(self, number: str) -> str:
        """The section in which a rule stands, of a national one the document; "" where none is told."""
        found = self.rules.get(number) or self.national.get(number)
        return found.section if found is not None else ""


def folders(policy: Policy) -> list[Path]:
    """List the folders that hold the policy, those below it and the files of their law, each once."""
    return list(dict.fromkeys(folder for it in policy.chain for folder in own_folders(it)))


def own_folders(policy: Policy) -> list[Path]:
    """List the folders that hold the policy itself and the files that it adds."""
    base = policy.folder.resolve()
    found = [base, base.parent, *((base.parent / name).parent for name in policy.written)]
    return list(dict.fromkeys(folder.resolve() for folder in found))


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(read_text(path))
    except FileNotFoundError:
        return {}
    except (OSError, tomllib.TOMLDecodeError, FileError) as error:
        raise PolicyError(f"{path}: {error}") from error
