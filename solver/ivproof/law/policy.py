"""A policy: the files of its law, its questions, and what its rules say of themselves.

>>> policy = Policy.load("out001")
>>> policy.question("tie_break").number
'A9'
>>> policy.settings({"A9": "B"})["a9"]
'first'
"""

from __future__ import annotations

import hashlib
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from ivproof.formats.plain_file import LARGEST, FileError, read_text, replace_text
from ivproof.law import clockwork, language, overlay, plain_law
from ivproof.law.kept import Kept, kept_of, rules, shaped
from ivproof.law.lifting import DRUG_PREDICATES, BatchRule, Lifting
from ivproof.law.syntax import Choice, Header, Program, Rule
from ivproof.law.syntax import Literal as BodyLiteral
from ivproof.law.terms import Function, text_of


class PolicyError(ValueError):
    """A policy that cannot be used, or a question or option that it does not have."""


@dataclass(frozen=True, slots=True)
class Option:
    """One answer to a question: its letter (A, B, …), its short name and what it says.

    `unexpressed` is why no rule can tell it from the others; "" for the options that rules tell apart.
    """

    letter: str
    name: str
    says: str
    unexpressed: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """A question that the policy's text leaves open.

    `key` is the constant in the law (a9), `default` the name of the supported option, or None where none is supported;
    `defined` says by which definition of the text the default stands, where one leaves little doubt.
    """

    key: str
    name: str
    kind: str
    title: str
    citation: str
    options: tuple[Option, ...]
    default: str | None
    note: str = ""
    defined: str = ""

    @property
    def number(self) -> str:
        """The number under which the question is known: A9."""
        return self.key.upper()

    @property
    def order(self) -> int:
        """The place of the question in the order of numbers."""
        return int("".join(it for it in self.key if it.isdigit()) or "0")

    def option(self, text: str) -> Option:
        """Give the option with that letter or name. Raises PolicyError with the list of those that there are."""
        wanted = text.strip().casefold().replace("-", "_")
        for option in self.options:
            if wanted in {option.letter.casefold(), option.name}:
                return option
        known = ", ".join(f"{option.letter} ({option.name})" for option in self.options)
        raise PolicyError(f"{self.number} ({self.name}): found option {text!r}, expected one of {known}, or open")


@dataclass(frozen=True, slots=True)
class Wording:
    """What a rule says of itself: its citation, the numbers in it, and its sentence."""

    citation: str
    references: tuple[str, ...]
    sentence: str
    variable: str
    place: str


@dataclass(frozen=True)
class Policy:
    """A policy as its folder holds it. `texts` are the law's files by name, in their order.

    `warnings` is what every answer by it has to say of it, `remarks` what it says of how it was asked for. An overlay
    stands on the policy `below`; its `texts` are the one law that both make, and its `own` the files that it adds, as
    they are written.
    """

    id: str
    title: str
    edition: str
    payers: tuple[str, ...]
    texts: Mapping[str, str]
    folder: Path
    warnings: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    below: Policy | None = None
    own: Mapping[str, str] = field(default_factory=dict)
    editions: tuple[str, ...] = ()

    @staticmethod
    def load(name: str | Path = "out001", *, above: tuple[Path, ...] = ()) -> Policy:
        """Read a policy by its name or its folder; `above` are the folders of the overlays that stand on it.

        Raises PolicyError where there is none, files are missing, or an overlay does not fit what it stands on.
        """
        folder = Path(name)
        try:
            if not (folder / "policy.toml").is_file():
                folder = law_folder() / str(name)
            described = _described(folder / "policy.toml")
            own = _texts(folder, described.get("files", ()))
        except (FileNotFoundError, NotADirectoryError) as error:
            known = ", ".join(policies())
            raise PolicyError(
                f"policy {name or repr(name)}: found no {error.filename}, expected the name of a policy ({known}) or "
                "a folder with a policy.toml and the files that it names"
            ) from error
        except PolicyError:
            raise
        except OSError as error:
            raise PolicyError(f"policy {name}: {error.filename}: {error.strerror or error}") from error
        except ValueError as error:
            raise PolicyError(f"{folder / 'policy.toml'}: {error}") from error
        below = _below(folder, described, above)
        try:
            texts = own if below is None else overlay.laid_over(below.texts, own, overlay.changes(described))
        except overlay.OverlayError as error:
            raise PolicyError(f"{folder / 'policy.toml'}: {error}") from error
        return Policy(
            str(described["id"]),
            str(described["title"]),
            str(described["edition"]),
            tuple(described.get("payers", () if below is None else below.payers)),
            texts,
            folder,
            below=below,
            own={} if below is None else own,
            editions=tuple(str(it["from"]) for it in described.get("editions", ())),
        )

    @property
    def written(self) -> Mapping[str, str]:
        """The files of the policy itself, as they are written: of an overlay those that it adds."""
        return self.texts if self.below is None else self.own

    @property
    def chain(self) -> tuple[Policy, ...]:
        """The policy, that on which it stands, and so on down."""
        return (self, *(self.below.chain if self.below is not None else ()))

    @cached_property
    def digest(self) -> str:
        """``sha256:`` and the hash of the law: of each file's name and text, in the order of the policy."""
        total = hashlib.sha256()
        for name, text in self.texts.items():
            total.update(f"{name}\0{len(text.encode())}\0".encode())
            total.update(text.encode())
        return f"sha256:{total.hexdigest()}"

    @cached_property
    def standing(self) -> Literal["published", "changed", "own"]:
        """Whether the law is that of a published edition, a changed copy of one, or an edition that nobody published.

        The file published.toml beside the folder of a policy says which digest each edition has, and the one of this
        package what the editions are that come with it; without it, these are the policies as they are installed.
        """
        held = _held(self, _published(self.folder.resolve().parent))
        return "own" if held is None else "published" if held == self.digest else "changed"

    @property
    def name(self) -> str:
        """What the policy is called: OUT001; a changed copy of it says that it is one."""
        return f"changed copy of {self.id.upper()}" if self.standing == "changed" else self.id.upper()

    @property
    def dated(self) -> str:
        """The edition; where the law is not that of a published one, with the digest that tells it from others."""
        if self.standing == "published":
            return self.edition
        kind = ", not published" if self.standing == "own" else ""
        return f"{self.edition}{kind}, digest {self.digest[:DIGEST]}"

    @property
    def told(self) -> str:
        """The policy and its edition, as a reader is told: OUT001, edition 2020-09-16."""
        return f"{self.name}, edition {self.dated}" + (", not checked" if self.warnings else "")

    @property
    def about(self) -> dict[str, str]:
        """The policy as plain data: id, edition (of a changed copy said as that) and digest."""
        edition = f"changed copy of {self.edition}" if self.standing == "changed" else self.edition
        return {"id": self.id, "edition": edition, "digest": self.digest}

    @property
    def drugs_folder(self) -> Path:
        """The drug list: the one beside the folder of the policy, or else that of the package."""
        beside = self.folder.resolve().parent / "drugs"
        return beside if beside.is_dir() else law_folder() / "drugs"

    @property
    def rules_by_file(self) -> Mapping[str, str]:
        """The texts of the files that hold rules; the vocabulary holds none."""
        return {name: text for name, text in self.texts.items() if not name.endswith("vocabulary.lp")}

    @cached_property
    def program(self) -> Program:
        """The law as rules. Raises language.LawError where a statement lies outside the rule language."""
        read: list[Program] = []

        def plain() -> object:
            read.append(language.load(self.rules_by_file))
            return plain_law.to_plain(read[0])

        return self.kept.get("program", plain, lambda it: read[0] if read else plain_law.from_plain(it))

    @cached_property
    def inputs(self) -> frozenset[tuple[str, int]]:
        """The predicates that a chart's facts may have, as the vocabulary documents them."""
        vocabulary = "\n".join(text for name, text in self.texts.items() if name.endswith("vocabulary.lp"))
        return frozenset((name, int(arity)) for name, arity in _INPUT.findall(vocabulary))

    @cached_property
    def kept(self) -> Kept:
        """What is worked out once for this law, and kept between runs."""
        return kept_of(self.digest)

    @cached_property
    def questions(self) -> Mapping[str, Question]:
        """The questions by key, in their order."""
        return self.kept.get(
            "questions",
            lambda: [_plain_question(it) for it in _questions(self.program)],
            lambda plain: {question.key: question for question in map(_read_question, plain)},
        )

    @cached_property
    def wordings(self) -> Mapping[str, Wording]:
        """What the rules say of themselves, by rule id."""
        return self.kept.get("wordings", lambda: _wordings(self.program), _read_wordings)

    @cached_property
    def codes(self) -> Mapping[str, str]:
        """The codes that the law can put on a claim, in its order, each with the id of the rule that prints it."""
        return self.kept.get("codes", lambda: _codes(self.program), lambda it: dict(shaped(it, {str: str})))

    @cached_property
    def minutes(self) -> tuple[int, ...]:
        """Lengths of a run, in minutes, on both sides of every threshold of the law."""
        return self.kept.get("minutes", lambda: _minutes(self.program), lambda it: tuple(shaped(it, [int])))

    @cached_property
    def clock(self) -> Mapping[str, str]:
        """Which arguments of the law's predicates are seconds: a ``time`` of day or a ``length``, by ``ran/1``."""
        return self.kept.get(
            "clock", lambda: clockwork.kinds(self.program.rules), lambda it: dict(shaped(it, {str: str}))
        )

    @cached_property
    def probes(self) -> tuple[int, ...]:
        """Lengths of a run, in minutes, that reach each threshold of the law; first the one that most often tells."""
        lengths = self.kept.get("probes", lambda: _probes(self.program), lambda it: sorted(shaped(it, [int])))
        telling = max((length for length in lengths if length < 2 * HOUR), default=0)
        return (telling, *(length for length in lengths if length != telling))

    def offered(self, choice: str) -> tuple[str, ...]:
        """What a choice of the law, by its predicate, may take of a list that the law gives; nothing of any other."""
        heads = [it.head for it in self.program.rules if isinstance(it.head, Choice) and it.atom.name == choice]
        lists = {part.atom.name for head in heads for part in head.condition if isinstance(part, BodyLiteral)}
        facts = [it.atom for it in self.program.rules if it.is_fact and it.atom.name in lists]
        return tuple(text_of(it.arguments[0]) for it in facts if len(it.arguments) == 1)

    def question(self, text: str) -> Question:
        """Give the question with that number or short name. Raises PolicyError where there is none."""
        wanted = text.strip().casefold().replace("-", "_")
        for question in self.questions.values():
            if wanted in {question.key, question.name}:
                return question
        known = ", ".join(f"{question.number} {question.name}" for question in self.questions.values())
        near = get_close_matches(wanted, [question.name for question in self.questions.values()], n=1)
        meant = f" (did you mean {near[0]}?)" if near else ""
        raise PolicyError(f"found question {text!r}{meant}, expected one of: {known}")

    def settings(self, readings: Mapping[str, str] | None = None) -> dict[str, str | None]:
        """Give the option held of each question, by key: as set, or the default; None where it is open.

        `readings` leads from number or name to letter or name; the word ``open`` opens a question. Raises PolicyError
        for a question or option that there is not, and for two settings of one question that differ.
        """
        held = {question.key: question.default for question in self.questions.values()}
        given: dict[str, str | None] = {}
        for name, text in (readings or {}).items():
            question = self.question(name)
            value = None if text.strip().casefold() == "open" else question.option(text).name
            if given.setdefault(question.key, value) != value:
                raise PolicyError(f"{question.number} is set twice, to {given[question.key]} and to {value}")
        return {**held, **given}

    def batch_rules(self, settings: Mapping[str, str | None]) -> Sequence[BatchRule]:
        """Give the law for many charts at once, with the settled questions worked into its rules.

        Of the first setting of a run it is kept between runs, which mostly have one; the rules that a further setting
        leaves as they are stand made already.
        """
        text = repr(sorted((key, option) for key, option in settings.items() if option is not None))
        key = f"batch-{hashlib.sha256(text.encode()).hexdigest()[:16]}"

        def made() -> Sequence[BatchRule]:
            lifting = self.kept.held("lifting", lambda: Lifting(self.program, self.own_inputs))
            return lifting.rules({key: option for key, option in settings.items() if option is not None})

        if self.kept.held("first setting", lambda: key) != key:
            return self.kept.held(key, made)
        return self.kept.get(key, lambda: [[*it] for it in made()], _read_batch)

    @property
    def own_inputs(self) -> frozenset[tuple[str, int]]:
        """The input predicates that speak of one encounter; those of the drug list are the same for all."""
        return self.inputs - DRUG_PREDICATES


HOUR = 60
"""Minutes."""

DIGEST = len("sha256:") + 12
"""So much of a digest tells one law from another for people."""

FILE = re.compile(r"(\.\./)?([A-Za-z0-9_-]+/){0,3}[A-Za-z0-9_-]{1,100}\.lp", re.ASCII)
"""A file of a law as policy.toml names it."""

PUBLISHED = "published.toml"
"""The file beside the folders of policies that has the digest of each edition: [out001], edition = digest."""

_INPUT = re.compile(r"^% input (\w+)/(\d+):", re.MULTILINE)


def _described(file: Path) -> dict[str, Any]:
    """What a policy.toml says; everything in it that is needed has its kind. Raises PolicyError or OSError."""
    try:
        described = tomllib.loads(_read(file))
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"{file}: {error}") from error
    editions = described.get("editions", [])
    if not isinstance(editions, list) or not all(isinstance(it, dict) and it.get("from") for it in editions):
        raise PolicyError(f"{file}: editions: found {editions!r}, expected [[editions]] with from, a date")
    for name, expected in (("id", "text"), ("title", "text"), ("edition", "a date"), ("files", "a list of files")):
        value = described.get(name)
        if name == "files" and "extends" in described and value in (None, []):
            continue  # an overlay may settle questions and add nothing
        listed = isinstance(value, list) and all(isinstance(it, str) for it in value)
        if not value or listed != (name == "files"):
            raise PolicyError(f"{file}: {name}: found {'something else' if value else 'nothing'}, expected {expected}")
    return described


def _below(folder: Path, described: Mapping[str, Any], above: tuple[Path, ...]) -> Policy | None:
    """The policy that an overlay extends, beside it or of this package; None of a policy that stands alone."""
    name = described.get("extends")
    if name is None:
        for key in ("replaces", "removes", "readings"):
            if key in described:
                raise PolicyError(
                    f"{folder / 'policy.toml'}: {key}: expected beside extends, the policy that it changes"
                )
        return None
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9_-]{1,100}", name, re.ASCII):
        raise PolicyError(f"{folder / 'policy.toml'}: extends: found {name!r}, expected the name of a policy")
    beside = folder.resolve().parent / name
    chain = (*above, folder.resolve())
    found = beside if (beside / "policy.toml").is_file() else law_folder() / name
    if found.resolve() in chain:
        raise PolicyError(
            f"{folder / 'policy.toml'}: extends: found {name}, which stands on this policy, expected another"
        )
    return Policy.load(found, above=chain)


def _texts(folder: Path, files: Sequence[str]) -> dict[str, str]:
    """The files of a law by name. Raises PolicyError or OSError.

    They lie in the folder or beside it, and none is led to by a link: a policy of somebody else must not take what it
    likes from this machine into every proof.
    """
    above = folder.resolve().parent
    found: dict[str, str] = {}
    for number, name in enumerate(files, 1):
        path = Path(os.path.normpath(folder.resolve() / name))
        if not FILE.fullmatch(name) or not path.is_relative_to(above):
            expected = "names of .lp files in this folder or beside it, of letters, digits, - and _"
            raise PolicyError(f"{folder / 'policy.toml'}: files, {number}: found {name!r}, expected {expected}")
        if path.resolve() != path:
            raise PolicyError(f"{folder / name}: found a link, expected a file of the policy itself")
        stands = path.relative_to(above).as_posix()
        if stands in found:
            raise PolicyError(f"{folder / 'policy.toml'}: files, {number}: found {name} twice, expected each file once")
        found[stands] = _read(path)
        if sum(map(len, found.values())) > LARGEST:
            raise PolicyError(f"{folder / name}: found a law of more than {LARGEST} characters, expected a smaller one")
    return found


def _read(file: Path) -> str:
    """The text of a file of the law. Raises PolicyError or OSError."""
    try:
        return read_text(file)
    except FileError as error:
        raise PolicyError(str(error)) from error


def _published(folder: Path) -> dict[tuple[str, str], str]:
    """The digests that published.toml in a folder has, by policy and edition. Raises PolicyError."""
    file = folder / PUBLISHED
    if not file.is_file():
        return {}
    try:
        return {
            (id_, it): str(digest) for id_, found in tomllib.loads(_read(file)).items() for it, digest in found.items()
        }
    except (tomllib.TOMLDecodeError, AttributeError) as error:
        raise PolicyError(f"{file}: found {error}, expected [policy] and below it edition = digest") from error


def _held(policy: Policy, beside: Mapping[tuple[str, str], str]) -> str | None:
    """The digest of the edition that a policy says it is, None where nobody published one; this package comes first."""
    key = (policy.id, policy.edition)
    own = _published(law_folder())
    if not any(id_ == policy.id for id_, _ in own) and policy.id in policies():
        installed = Policy.load(policy.id)
        own[policy.id, installed.edition] = installed.digest
    return own.get(key) or beside.get(key)


def publish(policy: Policy, *, again: bool = False) -> Path:
    """Write down that a law is the edition that its policy.toml names; give the file, published.toml beside its folder.

    Raises PolicyError where the edition is another law already, unless it is to be published `again`.
    """
    folder = policy.folder.resolve().parent
    found = _published(folder)
    held = _held(policy, found)
    ours = folder == law_folder().resolve()
    if held not in {None, policy.digest} and not (again and (ours or _held(policy, {}) is None)):
        raise PolicyError(
            f"{policy.id}, edition {policy.edition}: found another law, {held}, expected an edition of its own in "
            "policy.toml, or --again to replace what you published"
        )
    found[policy.id, policy.edition] = policy.digest
    text = ""
    for id_ in dict.fromkeys(it for it, _ in sorted(found)):
        text += f"[{id_}]\n" + "".join(f'"{e}" = "{d}"\n' for (i, e), d in sorted(found.items()) if i == id_) + "\n"
    replace_text(folder / PUBLISHED, (text.rstrip() + "\n").encode())
    return folder / PUBLISHED


def standing_on(policy: Policy) -> list[Policy]:
    """Give the overlays beside a policy that stand on it and are no longer as they were published.

    Raises PolicyError where one of them does not fit the policy any more.
    """
    folder = policy.folder.resolve()
    beside = [Policy.load(path.parent) for path in sorted(folder.parent.glob("*/policy.toml")) if path.parent != folder]
    on = [it for it in beside if folder in [below.folder.resolve() for below in it.chain]]
    return [it for it in on if it.standing == "changed"]


def law_folder() -> Path:
    """Give the folder of the law: inside the package, or in the checkout of an editable install."""
    inside = Path(__file__).parents[1] / "asp"
    return inside if inside.is_dir() else Path(__file__).resolve().parents[3] / "asp"


def policies() -> list[str]:
    """List the names of the policies that come with the package."""
    return sorted(path.parent.name for path in law_folder().glob("*/policy.toml"))


def _questions(program: Program) -> list[Question]:
    facts: dict[str, list[Rule]] = {}
    for rule in program.rules:
        facts.setdefault(rule.atom.name, []).append(rule)
    default = {text_of(rule.atom.arguments[0]): text_of(rule.atom.arguments[1]) for rule in facts.get("default", ())}
    note, defined = (
        {text_of(rule.atom.arguments[0]): text_of(rule.atom.arguments[1]) for rule in facts.get(name, ())}
        for name in ("note", "defined")
    )
    unexpressed = {
        (text_of(rule.atom.arguments[0]), text_of(rule.atom.arguments[1])): text_of(rule.atom.arguments[2])
        for rule in facts.get("unexpressed", ())
    }
    options: dict[str, list[Option]] = {}
    for rule in facts.get("option", ()):
        key, letter, name, says = map(text_of, rule.atom.arguments)
        options.setdefault(key, []).append(Option(letter.upper(), name, says, unexpressed.get((key, name), "")))
    found = []
    for rule in facts.get("question", ()):
        key, name, kind = map(text_of, rule.atom.arguments)
        header = rule.header or Header("", "", "", rule.file, rule.line)
        found.append(
            Question(
                key,
                name,
                kind,
                header.sentence,
                header.citation,
                tuple(options[key]),
                default.get(key),
                note.get(key, ""),
                defined.get(key, ""),
            )
        )
    return found


def _plain_question(question: Question) -> dict[str, object]:
    names = ("key", "name", "kind", "title", "citation", "default", "note", "defined")
    options = [[option.letter, option.name, option.says, option.unexpressed] for option in question.options]
    return {**{name: getattr(question, name) for name in names}, "options": options}


def _read_question(plain: Mapping[str, Any]) -> Question:
    names = ("key", "name", "kind", "title", "citation", "note")
    options = tuple(Option(*shaped(it, (str,) * 4)) for it in shaped(plain["options"], [list]))
    default = shaped(plain["default"], str | None)
    return Question(**{name: shaped(plain[name], str) for name in names}, default=default, options=options)


def _read_batch(plain: Any) -> list[BatchRule]:
    return [BatchRule(*it) for it in rules(shaped(plain, [([str], [[str]], str)]))]


def _read_wordings(plain: Any) -> dict[str, Wording]:
    found = shaped(plain, {str: (str, [str], str, str, str)})
    return {id_: Wording(it[0], tuple(it[1]), *it[2:]) for id_, it in found.items()}


def _wordings(program: Program) -> dict[str, list[object]]:
    found: dict[str, list[object]] = {}
    for rule in program.rules:
        header = rule.header
        if header is None or header.id in found:
            continue
        first = rule.atom.arguments[0] if isinstance(rule.atom, Function) and rule.atom.arguments else None
        variable = str(first) if first is not None else ""
        found[header.id] = [header.citation, list(header.references), header.sentence, variable, rule.place]
    return found


def _codes(program: Program) -> dict[str, str]:
    return {
        text_of(rule.atom.arguments[2]): rule.id
        for rule in program.rules
        if rule.is_fact and rule.atom.signature == ("code", 3)
    }


def _limits(program: Program) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {"threshold": set(), "hour_mark": set()}
    for rule in program.rules:
        if rule.is_fact and rule.atom.name in found and len(rule.atom.arguments) == 2:
            found[rule.atom.name].add(int(str(rule.atom.arguments[1])))
    return found


def _probes(program: Program) -> list[int]:
    limits = _limits(program)
    return sorted(limits["threshold"] | {HOUR + mark for mark in limits["hour_mark"]})


def _minutes(program: Program) -> list[int]:
    # an hour mark counts from each full hour, and the first two tell what the later ones repeat
    lengths = {limit + past for limit in set().union(*_limits(program).values()) for past in (0, HOUR, 2 * HOUR)}
    return sorted({minutes for length in lengths for minutes in (length - 1, length, length + 1) if minutes >= 0})
