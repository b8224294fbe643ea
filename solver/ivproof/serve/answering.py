"""Answers to questions about one chart, by one law that is loaded once and used for all of them.

In: a question of `serve.asking`. Out: plain data, as the command of that name gives it, with what it was answered by.
Nothing of a chart is kept.
"""

from __future__ import annotations

import hashlib
import json
from asyncio import get_running_loop
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from threading import Lock
from typing import Any, TypeVar

from ivproof.audit.auditor import Auditor, Look
from ivproof.chart.bounds import TooManyWaysError, for_chart
from ivproof.chart.encounter import Encounter, digest, dumps
from ivproof.chart.refusal import Problem, Source, refuse, show
from ivproof.claim.coding import Coder
from ivproof.claim.determination import Determination
from ivproof.claim.profiles import Basis, Profiles
from ivproof.drugs.listing import DrugList
from ivproof.edits.tables import EditFiles
from ivproof.law.policy import Policy, PolicyError
from ivproof.proof.maker import Prover
from ivproof.recheck import checker
from ivproof.recheck.budget import WORK
from ivproof.serve.asking import (
    CHART,
    REQUEST,
    AboutAbsence,
    AboutBill,
    AboutMargins,
    AboutPresence,
    AboutProof,
    Asked,
    RefusedError,
    chart_of,
)
from ivproof.whatif.margins import margins_of
from ivproof.whatif.missing import missing_facts
from ivproof.whatif.readings import ReadingsOfCharts
from ivproof.why.rather import rather
from ivproof.why.why import Explainer, NoSuchCodeError
from ivproof.why.whynot import NoSuchAdministrationError, why_not

SETTINGS = 4
"""So many settings of the questions are kept ready beside the one that the service was started with."""

WAITING = 32
"""So many questions may wait for the one that is being answered."""

Answer = Mapping[str, Any]

T = TypeVar("T")


class BusyError(RuntimeError):
    """More questions wait than are let in."""


class Turns:
    """Does work for requests one after the other, in the order in which they come, in one thread.

    In one thread since memory that the solver has used in a thread is used again there and in no other.
    """

    def __init__(self) -> None:
        """Begin the thread when there is something to do."""
        self._thread = ThreadPoolExecutor(1, "answers")
        self._waiting = 0

    async def take(self, work: Callable[..., T], *about: Any) -> T:
        """Do work when its turn comes. Raises BusyError where too many wait already."""
        if self._waiting > WAITING:
            raise BusyError
        self._waiting += 1
        try:
            return await get_running_loop().run_in_executor(self._thread, work, *about)
        finally:
            self._waiting -= 1


class Setting:
    """What answers under one setting of the questions; each part is made when it is first asked for."""

    def __init__(self, policy: Policy, readings: Mapping[str, str], edit_files: EditFiles | None = None) -> None:
        self.policy = policy
        self.readings = readings
        self.explainer = Explainer(policy, readings, edit_files)
        self.coder: Coder = self.explainer.coder
        self.coder.engine.direct.prepare()
        self._auditors: dict[Look, Auditor] = {}

    @cached_property
    def plain(self) -> Coder:
        """The same coder, which does not tell what other readings would give."""
        return self.coder.assuming(False)

    @cached_property
    def prover(self) -> Prover:
        """What makes proofs."""
        return Prover(self.plain)

    @cached_property
    def finder(self) -> ReadingsOfCharts:
        """What goes through every reading that is not set."""
        return ReadingsOfCharts(self.policy, self.readings)

    def auditor(self, search: Look) -> Auditor:
        """What audits, going through so much."""
        if search not in self._auditors:
            self._auditors[search] = Auditor(self.policy, self.readings, coder=self.plain, search=search)
        return self._auditors[search]

    @property
    def told(self) -> Answer:
        """The readings that are not as the policy has them: those set to another option, those held open."""
        settings = self.coder.engine.settings
        questions = self.policy.questions
        asked = [questions[key] for key in settings]
        return {
            "set": {
                it.number: settings[it.key]
                for it in asked
                if settings[it.key] is not None and settings[it.key] != it.default
            },
            "open": [it.number for it in asked if settings[it.key] is None],
        }


class Service:
    """Answers questions, one at a time, whichever threads they come from; requests take `turns`.

    `readings` hold where a question settles nothing else, `limit` is the work that one chart may take; `profiles` may
    have another law and other readings for the charts of a payer. What answers is
    not made for several threads at once, and Python runs one of them at a time anyway: a lock costs nothing and leaves
    nothing to be proved.
    """

    def __init__(
        self,
        policy: Policy,
        readings: Mapping[str, str] | None = None,
        limit: int = WORK,
        profiles: Profiles | None = None,
    ) -> None:
        """Load the law; a first chart is coded when it comes."""
        self.policy = policy
        self.limit = limit
        self.decided: Callable[[str, Answer], None] = lambda _question, _decided: None
        """Is told of every decision before it is given; where it raises, none is."""
        self._profiles = profiles or Profiles(Basis(policy, readings or {}))
        self._lock = Lock()
        self.turns = Turns()
        self._held = Setting(policy, self._readings(None), self._profiles.base.edit_files)
        self._others: OrderedDict[tuple[object, ...], Setting] = OrderedDict()

    # --- the questions

    def code(self, asked: Asked) -> Answer:
        """Give the determination of a chart, derived by both engines."""

        def answer(by: Setting, chart: Encounter) -> Answer:
            [found] = by.coder.code([chart], "all")
            return found.as_dict()

        return self._about("code", asked, answer, lambda by, chart, why: by.coder.undecided(chart, why).as_dict())

    def audit(self, asked: AboutBill) -> Answer:
        """Hold what was billed against the chart."""

        def answer(by: Setting, chart: Encounter) -> Answer:
            if "billed" not in chart.model_fields_set:
                raise _refused(("billed",), "nothing that was billed", "`billed` in the chart", CHART)
            [found] = by.auditor(asked.search).code([chart], "all")
            return found.as_dict()

        return self._about("audit", asked, answer)

    def why(self, asked: AboutPresence) -> Answer:
        """Tell why a code is on the claim, or why it is and not another."""
        other = asked.rather_than
        if other is not None:
            return self._about(
                "why",
                asked,
                lambda by, chart: rather(by.explainer, chart, asked.code, other, asked.administration).as_dict(),
            )
        return self._about(
            "why", asked, lambda by, chart: by.explainer.why(chart, asked.code, detail=asked.detail).as_dict()
        )

    def whynot(self, asked: AboutAbsence) -> Answer:
        """Tell why a code is not on the claim, and the least change of the chart that would put it there."""
        return self._about(
            "whynot",
            asked,
            lambda by, chart: why_not(
                by.explainer, chart, asked.code, asked.administration, detail=asked.detail
            ).as_dict(),
        )

    def missing(self, asked: Asked) -> Answer:
        """Tell what the chart does not say, and what to ask for."""
        return self._about("missing", asked, lambda by, chart: missing_facts(by.plain, chart).as_dict())

    def margins(self, asked: AboutMargins) -> Answer:
        """Tell how far each documented time can move before the claim is another one."""

        def answer(by: Setting, chart: Encounter) -> Answer:
            found = margins_of(by.plain, chart)
            return (found if asked.within is None else found.within(asked.within)).as_dict()

        return self._about("margins", asked, answer)

    def readings(self, asked: Asked) -> Answer:
        """Tell which questions decide over the chart, with all of them open that are not set."""
        return self._about("readings", asked, lambda by, chart: by.finder.of(by.plain.facts(chart)).as_dict())

    def prove(self, asked: Asked) -> Answer:
        """Give the proof of the claim."""
        return self._about("prove", asked, lambda by, chart: by.prover.prove(chart))

    def check(self, asked: AboutProof) -> Answer:
        """Give the verdict of the second engine on a proof, by the law of this service."""
        about = None if asked.chart is None else dumps(chart_of(asked.chart))
        published = checker.published_digest(self.policy.folder) if asked.published else None
        law = checker.read_law(self.policy.folder)
        document = json.dumps(asked.proof).encode()
        with self._lock:
            verdict = checker.check(document, law, None, checker.Expected(about, asked.claim, published), self.limit)
        chart = None if verdict.proved is None else verdict.proved.chart
        further = {**asked.model_dump(exclude={"proof", "chart"}), "proof": checker.hash_of(asked.proof)}
        return self._decided("check", {}, chart, {**further, "about": checker.hash_of(about)}, verdict.plain())

    # --- how they are answered

    def _about(
        self,
        question: str,
        asked: Asked,
        answer: Callable[[Setting, Encounter], Answer],
        undecided: Callable[[Setting, Encounter, str], Answer] | None = None,
    ) -> Answer:
        """Answer a question about a chart; raises TooManyWaysError where it takes too much and nothing stands for that.

        Raises RefusedError for what is wrong with the question.
        """
        chart = chart_of(asked.chart)
        by = self.setting(asked.readings, chart.payer)
        try:
            found = self.ask(chart, lambda by: answer(by, chart), by)
        except TooManyWaysError as error:
            if undecided is None:
                raise
            found = undecided(by, chart, str(error))
        except NoSuchCodeError as error:
            said, _, expected = str(error).partition(", expected ")
            raise _refused(("code",), said.removeprefix("found "), expected) from None
        except NoSuchAdministrationError:
            name = getattr(asked, "administration", None)
            raise _refused(("administration",), show(name), "the id of an administration of the chart") from None
        further = asked.model_dump(exclude={"chart", "readings"})
        return self._decided(question, by.told, digest(chart), further, found)

    @property
    def coder(self) -> Coder:
        """What codes by the service's own readings, without telling what others would give; not for two threads."""
        return self._held.plain

    @property
    def drugs(self) -> DrugList:
        """The drug list by which names are read."""
        return self._held.coder.drugs

    def ask(self, chart: Encounter, answer: Callable[[Setting], T], by: Setting | None = None) -> T:
        """Do work for a chart when its turn comes, by one setting of the questions; else by that of its payer.

        Raises TooManyWaysError where it takes more than is allowed.
        """
        by = by or self.setting({}, chart.payer)
        held_open = [key.upper() for key, option in by.coder.engine.settings.items() if option is None]
        with self._lock, for_chart(chart, self.limit, held_open):
            return answer(by)

    def _readings(self, payer: str | None) -> dict[str, str]:
        return {self.policy.question(name).key: option for name, option in self._profiles.of(payer).readings.items()}

    def setting(self, readings: Mapping[str, str], payer: str | None) -> Setting:
        """Give what answers under the readings of a question, which come before those of the payer or the service."""
        basis, held = self._profiles.of(payer), self._readings(payer)
        try:
            self.policy.settings(readings)  # a question may not be settled twice, by its number and by its name
            given = {self.policy.question(name).key: option for name, option in readings.items()}
            settings = self.policy.settings({**held, **given})
        except PolicyError as error:
            found, _, expected = str(error).partition(", expected ")
            found = found.removeprefix("found ").replace(": found ", ": ")
            raise _refused(("readings",), found, expected or "each question once, with one option") from None
        profile = self._profiles.key(payer)
        if profile is None and settings == self._held.coder.engine.settings:
            return self._held
        key = (profile, *settings.items())
        with self._lock:
            if key not in self._others:
                self._others[key] = Setting(basis.policy, {**held, **given}, basis.edit_files)
                if len(self._others) > SETTINGS:
                    self._others.popitem(last=False)
            self._others.move_to_end(key)
            return self._others[key]

    def _decided(self, question: str, told: Answer, chart: str | None, further: Answer, answer: Answer) -> Answer:
        """An answer with what it was answered by; the same question by the same law has the same decision id."""
        by = {"policy": self.policy.about, "readings": told, "chart": chart}
        text = json.dumps([question, by, further], sort_keys=True, separators=(",", ":"))
        decided = {"decision": hashlib.sha256(text.encode()).hexdigest()[:32], **by, "answer": answer}
        self.decided(question, decided)
        return decided

    def done(self, chart: Encounter, found: Determination, readings: Mapping[str, str]) -> None:
        """Take a determination as what was decided of a chart on the page, with what was settled there."""
        self._decided("done", self.setting(readings, chart.payer).told, digest(chart), {}, found.as_dict())


def _refused(path: tuple[str, ...], found: str, expected: str, where: Source = REQUEST) -> RefusedError:
    return RefusedError([refuse(where, Problem(path, found, expected))])
