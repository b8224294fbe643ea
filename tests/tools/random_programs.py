"""Random small programs in the rule language, and the solver as a plain function: for the tests."""

from collections.abc import Iterable

from clingo import Control
from hypothesis import strategies as st

INPUTS = frozenset({("p", 1), ("r", 2), ("go", 0)})
"""The predicates of the random facts; ``law/1`` and ``option/1`` are facts of the programs themselves."""


def answer_sets(text: str, limit: int = 0) -> list[frozenset[str]]:
    """The answer sets of a program, each as the texts of its atoms, in an order of their own."""
    control = Control([str(limit), "--warn=none"])
    control.add(text)
    control.ground()
    found: list[frozenset[str]] = []
    control.solve(on_model=lambda model: found.append(frozenset(map(str, model.symbols(atoms=True)))))
    return sorted(found, key=sorted)


_VALUES = st.integers(0, 3)


@st.composite
def facts(draw: st.DrawFn) -> tuple[str, ...]:
    """Facts of one chart about ``INPUTS``, as texts of atoms."""
    ones = draw(st.frozensets(_VALUES, max_size=3))
    pairs = draw(st.frozensets(st.tuples(_VALUES, _VALUES), max_size=4))
    go = draw(st.sampled_from([(), ("go",)]))
    return (*(f"p({x})" for x in sorted(ones)), *(f"r({x},{y})" for x, y in sorted(pairs)), *go)


@st.composite
def programs(draw: st.DrawFn, settings: bool = False, choices: int = 1) -> str:
    """A stratified program over ``INPUTS`` with up to ``choices`` choices and, on request, readings.

    Every derived predicate has one argument and depends on earlier ones only, save for a closure at the end.
    """
    lines = ["law(1). law(2).", "option(a). option(b)."]
    earlier: list[str] = []
    for number in range(draw(st.integers(1, 4))):
        name = f"d{number}"
        is_choice = choices > 0 and draw(st.integers(0, 3)) == 0
        if is_choice:
            choices -= 1
            condition = draw(_body(earlier, "X", settings=False))
            inner = ", ".join(part for part in condition if "{" not in part)
            outer = draw(st.sampled_from([[], ["go"], ["p(W)", "W > 0"], ["not go"]]))
            lines.append(_rule(f"{{ {name}(X) : {inner} }} = 1", outer))
        else:
            for _ in range(draw(st.integers(1, 2))):
                head = draw(st.sampled_from([f"{name}(X)", f"{name}(X)", f"{name}(X+1)", f'{name}(f(X,"a"))']))
                lines.append(_rule(head, draw(_body(earlier, "X", settings))))
        earlier.append(name)
    if draw(st.booleans()):
        lines += ["t(X,Y) :- r(X,Y).", "t(X,Z) :- t(X,Y), r(Y,Z)."]
    return "\n".join(lines)


def _rule(head: str, body: Iterable[str]) -> str:
    condition = ", ".join(body)
    return f"{head} :- {condition}." if condition else f"{head}."


@st.composite
def _body(draw: st.DrawFn, earlier: list[str], name: str, settings: bool) -> list[str]:
    """A safe condition that binds the variable ``name``; Y and aggregates may join it."""
    binders = [f"p({name})", f"r({name},_)", f"r(_,{name})", f"law({name})", f"r({name},Y), Y > 0"]
    binders += [f"{derived}({name})" for derived in earlier]
    others = [
        f"{name} != 2",
        f"not r({name},_)",
        f"not law({name})",
        "not go",
        "p(V), not r(V,V)",
        f"#count {{ Z : r({name},Z), not p(Z) }} < 2",
        f"#count {{ Z,U : r(Z,U), U != {name}; 9 : law(_), go }} >= 1",
        f"#sum {{ Z-1,U : r(Z,U); {name}*2 : go }} >= 2",
        "N = #sum { Z,U : r(Z,U); 5 : go }, N > 3",
        "#max { Z : p(Z), not r(_,Z) } >= 1",
        "M = #min { Z : r(_,Z) }, M < 2",
    ]
    others += [f"not {derived}({name})" for derived in earlier]
    others += [f"#count {{ Z : {derived}(Z) }} != 1" for derived in earlier]
    if settings:
        others += ["reading(q1,a)", "not reading(q1,b)", "reading(q2,b)", "not reading(q2,a)"] * 2
        others += [f"#sum {{ 1 : reading(q1,a), go; {name} : not reading(q2,b), p({name}) }} > 0"]
    return [draw(st.sampled_from(binders)), *draw(st.lists(st.sampled_from(others), max_size=3, unique=True))]
