"""Random programs over the whole rule language, and the answer sets that each engine gives them: for the tests."""

import random
import re
from collections.abc import Callable

import clingo

from ivproof.recheck import LawError, Program, parse, parse_facts, show
from ivproof.recheck.plan import check

_LAYERS = 3
_TOO_MANY = 200
SIMPLE = ["0", "1", "2", "3", "a", "b"]
ODD = ["-2", '"a"', '"!\\"\\\\\\n"', '"é"', "f(1)", "f(a)", "f(f(2))", "(1,a)", "(a,)", "g(a,1)"]
_OPERATORS = ["=", "!=", "<", "<=", ">", ">="]
_AGGREGATES = ["#sum", "#count", "#min", "#max"]


class Generator:
    """Random programs in layers: rules of layer n ask for lower layers, and without `not` for their own.

    Layer 0 are the facts d/1 and e/2; layer n defines pn/1, qn/2 and its part of r/2, told apart by a constant.
    """

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.pick = self.random.choice

    def chance(self, percent: int) -> bool:
        return self.random.randrange(100) < percent

    def program(self) -> list[str]:
        statements = [f"{self.atom(0, 0, self.ground)}." for _ in range(self.random.randint(6, 12))]
        for layer in range(1, _LAYERS + 1):
            statements += [f"{self.atom(layer, layer, self.ground)}." for _ in range(self.random.randint(0, 2))]
            statements += [self.safe(self.rule, layer) for _ in range(self.random.randint(1, 3))]
            statements += [self.safe(self.choice, layer) for _ in range(self.random.randint(0, 1))]
        return statements

    def safe(self, make: Callable[[int], str], layer: int) -> str:
        while True:
            statement = make(layer)
            try:
                for rule in parse(statement):
                    check(rule)
            except LawError:
                continue
            return statement

    def ground(self) -> str:
        return self.pick(SIMPLE if self.chance(80) else ODD)

    def term(self, variables: list[str], odd: int = 15) -> str:
        plain = self.pick(variables) if self.chance(80) else self.ground()
        if not self.chance(odd):
            return plain
        other = self.pick([*variables, "1", "2", "-1", "0"])
        return self.pick(
            [
                f"f({plain})",
                f"({plain},{other})",
                *(f"{self.pick(variables)}{sign}{other}" for sign in "++-*/\\"),
            ]
        )

    def atom(self, lowest: int, highest: int, argument: Callable[[], str]) -> str:
        layer = self.random.randint(lowest, highest)
        if layer and self.chance(20):
            return f"r({argument()},layer{layer})"
        if self.chance(50):
            return f"{f'p{layer}' if layer else 'd'}({argument()})"
        return f"{f'q{layer}' if layer else 'e'}({argument()},{argument()})"

    def literal(self, highest: int, variables: list[str], lowest: int = 0) -> str:
        return self.atom(lowest, highest, lambda: "_" if self.chance(15) else self.term(variables, 8))

    def test(self, highest: int, variables: list[str]) -> str:
        if self.chance(50):
            return "not " + self.literal(highest, [*variables, "_"] if self.chance(20) else variables)
        operator = "=" if self.chance(30) else self.pick(_OPERATORS)
        return f"{self.term([*variables, '_Z'])} {operator} {self.term(variables, 40)}"

    def condition(self, highest: int, variables: list[str]) -> str:
        parts = [self.literal(highest, variables) for _ in range(self.pick([1, 1, 2]))]
        parts += [self.test(highest, _used(parts)) for _ in range(self.pick([0, 0, 1]))]
        return ", ".join(parts)

    def aggregate(self, highest: int, variables: list[str]) -> str:
        cases = []
        for _ in range(self.pick([1, 1, 2])):
            condition = self.condition(highest, [*variables, "L", "L", "M"])
            terms = ",".join(self.term(_used([condition])) for _ in range(self.pick([1, 2])))
            cases.append(f"{terms} : {condition}")
        inside = f"{self.pick(_AGGREGATES)} {{ {'; '.join(cases)} }}"
        bound = self.pick(["0", "1", "2", "3", self.term(variables)])
        operator = self.pick(_OPERATORS)
        return self.pick([f"{inside} {operator} {bound}", f"{bound} {operator} {inside}", f"N = {inside}"])

    def rule(self, layer: int) -> str:
        body = [self.literal(layer - 1, ["X", "Y1"]) for _ in range(self.pick([1, 1, 2, 3]))]
        recursive = self.chance(40)
        if recursive:
            body.append(self.literal(layer, ["X", "Y1", "_Z"], lowest=layer))
        for _ in range(self.pick([0, 1, 2])):
            make = self.test if self.chance(60) else self.aggregate
            body.append(make(layer - 1, _used(body)))
        variables = _used([re.sub(r"\{.*\}", "", part) for part in body])
        # A recursion must end: it makes no terms, but for numbers up to a limit.
        head = self.atom(layer, layer, lambda: self.term(variables, 0 if recursive else 20))
        if recursive and self.chance(50):
            head, body = f"p{layer}(X+1)", [f"p{layer}(X)", "X < 4", *body[-1:]]
        self.random.shuffle(body)
        return f"{head} :- {', '.join(body)}."

    def choice(self, layer: int) -> str:
        body = [self.literal(layer - 1, ["X", "Y1"]) for _ in range(self.pick([0, 1, 1, 2]))]
        condition = self.pick(["d(L)", "e(L,_)", "e(_,L)", self.condition(layer - 1, ["X", "L", "L"])])
        head = self.atom(layer, layer, lambda: self.term([*_used([condition]), "L"], 5))
        return f"{{ {head} : {condition} }} = 1{' :- ' * bool(body)}{', '.join(body)}."


def _used(parts: list[str]) -> list[str]:
    """The variables in these texts; one that is nowhere bound if there is none."""
    return sorted({name for part in parts for name in re.findall(r"_?[A-Z]1?", part)}) or ["X"]


def from_clingo(text: str) -> list[list[str]] | None:
    """The answer sets, sorted; None if there are very many."""
    control = clingo.Control(["0", "--warn=none"])
    control.add("base", [], text)
    control.ground([("base", [])])
    found: list[list[str]] = []
    with control.solve(yield_=True) as handle:
        for model in handle:
            found.append(sorted(map(str, model.symbols(atoms=True))))
            if len(found) > _TOO_MANY:
                return None
    return sorted(found)


def split(statements: list[str]) -> tuple[str, str]:
    """The law, and as facts of a chart those of layer 0."""
    facts = [statement for statement in statements if re.match(r"[de]\(.*\)\.$", statement)]
    return "\n".join(statement for statement in statements if statement not in facts), " ".join(facts)


def from_recheck(statements: list[str]) -> list[list[str]]:
    """The answer sets, sorted."""
    law, facts = split(statements)
    return sorted(sorted(map(show, answer.atoms)) for answer in Program(parse(law)).answers(parse_facts(facts)))


def differs(statements: list[str]) -> bool:
    expected = from_clingo("\n".join(statements))
    return expected is not None and from_recheck(statements) != expected


def shrunk(statements: list[str]) -> str:
    """The statements that the difference needs."""
    for number in reversed(range(len(statements))):
        fewer = statements[:number] + statements[number + 1 :]
        statements = fewer if differs(fewer) else statements
    return "\n".join(statements)
