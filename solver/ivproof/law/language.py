"""Reads law files through clingo's syntax tree into the rule language, and refuses what is outside it.

Both engines support exactly this language, so whatever is not in it is refused with file, line and what was
expected, instead of being passed on to a solver that happens to understand it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from clingo import SymbolType, ast
from clingo.ast import AST, ASTType

from ivproof.law.syntax import (
    ANONYMOUS,
    Aggregate,
    Choice,
    Comparison,
    Element,
    Head,
    Header,
    Literal,
    Program,
    Rule,
    part_variables,
)
from ivproof.law.terms import Function, Operation, String, Term, Variable
from ivproof.law.tokens import STATEMENT, TokenProblem, outside

FILES = 64
"""Of so many files what was read of them stays in memory."""

_HEADER = re.compile(r"%\s*\[([^\]\s]+)\]\s*(.*)")
_MESSAGE = re.compile(r"<string>:(\d+):\S+ error: (.*)", re.DOTALL)

_COMPARISONS = {
    ast.ComparisonOperator.Equal: "=",
    ast.ComparisonOperator.NotEqual: "!=",
    ast.ComparisonOperator.LessThan: "<",
    ast.ComparisonOperator.LessEqual: "<=",
    ast.ComparisonOperator.GreaterThan: ">",
    ast.ComparisonOperator.GreaterEqual: ">=",
}
_MIRRORED = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_OPERATIONS = {
    ast.BinaryOperator.Plus: "+",
    ast.BinaryOperator.Minus: "-",
    ast.BinaryOperator.Multiplication: "*",
    ast.BinaryOperator.Division: "/",
    ast.BinaryOperator.Modulo: "\\",
}
_AGGREGATES = {
    ast.AggregateFunction.Count: "#count",
    ast.AggregateFunction.Sum: "#sum",
    ast.AggregateFunction.Min: "#min",
    ast.AggregateFunction.Max: "#max",
}
_TERMS = "an integer, a constant, a string, a variable, a function, a tuple or arithmetic with + - * / \\"
_BODY = "p(..), not p(..), a comparison, or an aggregate #sum, #count, #min, #max"


class LawError(ValueError):
    """The law cannot be read; ``problems`` has every place."""

    def __init__(self, problems: Sequence[TokenProblem]) -> None:
        """``problems`` is not empty."""
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


class _OutsideError(Exception):
    """A node is outside the rule language; becomes a ``TokenProblem``."""

    def __init__(self, node: AST, expected: str) -> None:
        found = str(node)
        super().__init__(found if len(found) <= 100 else f"{found[:97]}...", expected)


def load(texts: Mapping[str, str]) -> Program:
    """The program in ``texts`` (file name to content, in the order in which the policy names its files).

    Raises ``LawError`` with every statement that is outside the rule language. Rules without a header are
    accepted; ``Program.without_header`` lists them.
    """
    rules: list[Rule] = []
    problems: list[TokenProblem] = []
    for file, text in texts.items():
        read = _read(file, text)
        rules += read.rules
        problems += read.problems
    if problems:
        raise LawError(problems)
    return Program(tuple(rules))


@lru_cache(maxsize=FILES)
def _read(file: str, text: str) -> "_Reader":
    """A file that has been read: of a law that is changed, mostly one file is."""
    reader = _Reader(file, text)
    reader.read()
    return reader


class _Reader:
    """Takes the statements of one file in order and attaches the comments above them."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self.lines = text.encode().split(b"\n")  # clingo counts columns in bytes
        self.rules: list[Rule] = []
        self.problems: list[TokenProblem] = []
        self._comments: list[tuple[int, str]] = []
        self._end = 0  # line on which the last statement ended

    def read(self) -> None:
        self.problems += outside(self.file, self.text)
        if self.problems:
            return
        messages: list[str] = []
        try:
            ast.parse_string(self.text, self._statement, logger=lambda _, message: messages.append(message))
        except RuntimeError as error:
            messages = messages or [str(error)]
        for message in messages:
            place = _MESSAGE.match(message)
            found = " ".join((place[2] if place else message).split())
            self._refuse(int(place[1]) if place else 1, found, STATEMENT)

    def _refuse(self, line: int, found: str, expected: str) -> None:
        problem = TokenProblem(self.file, line, found, expected)
        if problem not in self.problems:
            self.problems.append(problem)

    def _statement(self, node: AST) -> None:
        begin, end = node.location
        kind = node.ast_type
        if kind == ASTType.Comment and node.comment_type == ast.CommentType.Line:
            self._comments.append((begin.line, str(node)))
        elif kind == ASTType.Rule:
            self._rule(node, begin.line, end.line)
        elif begin != end:  # the parser itself puts an empty "#program base." first
            self._refuse(begin.line, str(node), "a % comment" if kind == ASTType.Comment else STATEMENT)

    def _rule(self, node: AST, begin: int, end: int) -> None:
        try:
            rule = Rule(_head(node.head), tuple(map(_body_part, node.body)), None, 1, self.file, begin)
            _check_anonymous(node, rule)
        except _OutsideError as error:
            self._refuse(begin, *error.args)
        except RecursionError:
            self._refuse(begin, "a term of too many levels", "terms of fewer")
        else:
            header, clause = self._header(rule)
            self.rules.append(replace(rule, header=header, clause=clause, text=self._source(node)))
        self._comments = []
        self._end = end

    def _header(self, rule: Rule) -> tuple[Header | None, int]:
        """The header that covers ``rule``: its own, or that of the facts or clauses that it continues."""
        above = [(line, text) for line, text in self._comments if self._end < line < rule.line]
        for start in range(len(above) - 1, -1, -1):
            line, text = above[start]
            if found := _HEADER.fullmatch(text):
                block = [
                    words.lstrip("% ").rstrip()
                    for offset, (below, words) in enumerate(above[start + 1 :], 1)
                    if below == line + offset
                ]
                return Header(found[1], found[2].strip(), " ".join(filter(None, block)), self.file, line), 1
        if self.rules:
            last = self.rules[-1]
            adjoins = rule.line - self._end - len(above) <= 1
            same_clause = adjoins and rule.atom.signature == last.atom.signature
            if last.header and (same_clause or (rule.is_fact and last.is_fact)):
                return last.header, last.clause + 1
        return None, 1

    def _source(self, node: AST) -> str:
        begin, end = node.location
        lines = self.lines[begin.line - 1 : end.line]
        lines[-1] = lines[-1][: end.column - 1]
        lines[0] = lines[0][begin.column - 1 :]
        return b"\n".join(lines).decode()


def _head(node: AST) -> Head:
    if node.ast_type == ASTType.Literal and node.sign == ast.Sign.NoSign:
        if node.atom.ast_type == ASTType.SymbolicAtom:
            return _atom(node.atom.symbol)
    elif node.ast_type == ASTType.Aggregate and len(node.elements) == 1 and not node.right_guard:
        guard, element = node.left_guard, node.elements[0]
        if guard and guard.comparison == ast.ComparisonOperator.Equal and str(guard.term) == "1":
            condition = tuple(map(_condition_part, element.condition))
            atom = _head(element.literal)
            if condition and isinstance(atom, Function):
                return Choice(atom, condition)
    raise _OutsideError(node, "one atom, or { h(..) : lit, .. } = 1")


def _body_part(node: AST) -> Literal | Comparison | Aggregate:
    if node.ast_type == ASTType.Literal and node.atom.ast_type == ASTType.BodyAggregate:
        return _aggregate(node)
    return _condition_part(node)


def _condition_part(node: AST) -> Literal | Comparison:
    if node.ast_type == ASTType.Literal:
        atom, sign = node.atom, node.sign
        if atom.ast_type == ASTType.SymbolicAtom and sign != ast.Sign.DoubleNegation:
            return Literal(_atom(atom.symbol), sign == ast.Sign.Negation)
        if atom.ast_type == ASTType.Comparison and sign == ast.Sign.NoSign and len(atom.guards) == 1:
            guard = atom.guards[0]
            return Comparison(_term(atom.term), _COMPARISONS[guard.comparison], _term(guard.term))
    raise _OutsideError(node, _BODY)


def _aggregate(node: AST) -> Aggregate:
    atom = node.atom
    guard = atom.left_guard
    function = _AGGREGATES.get(atom.function)
    if node.sign != ast.Sign.NoSign or not function or guard is None or atom.right_guard is not None:
        raise _OutsideError(node, "one aggregate #sum, #count, #min or #max with one bound and without not")
    elements = tuple(
        Element(tuple(map(_term, element.terms)), tuple(map(_condition_part, element.condition)))
        for element in atom.elements
    )
    if not all(element.terms and element.condition for element in elements):
        raise _OutsideError(node, "elements of the form terms : literals")
    operator = _MIRRORED[_COMPARISONS[guard.comparison]]
    return Aggregate(function, elements, operator, _term(guard.term))


def _atom(node: AST) -> Function:
    atom = _term(node) if node.ast_type == ASTType.Function else None
    if not isinstance(atom, Function) or not atom.name or atom.name.startswith("_"):
        raise _OutsideError(node, "an atom p(..) whose name begins with a small letter")
    return atom


def _term(node: AST) -> Term:
    match node.ast_type:
        case ASTType.Variable:
            return Variable(node.name)
        case ASTType.Function if not node.external:
            return Function(node.name, tuple(map(_term, node.arguments)))
        case ASTType.SymbolicTerm:
            symbol = node.symbol
            if symbol.type == SymbolType.Number:
                return int(symbol.number)
            if symbol.type == SymbolType.String:
                return String(symbol.string)
            if symbol.type == SymbolType.Function and symbol.positive:
                return Function(symbol.name)
        case ASTType.UnaryOperation if node.operator_type == ast.UnaryOperator.Minus:
            argument = _term(node.argument)
            if isinstance(argument, int):
                return -argument
        case ASTType.BinaryOperation if node.operator_type in _OPERATIONS:
            return Operation(_OPERATIONS[node.operator_type], _term(node.left), _term(node.right))
    raise _OutsideError(node, _TERMS)


def _check_anonymous(node: AST, rule: Rule) -> None:
    """Refuses ``_`` where it has no meaning: only in the atom of a condition it stands for "some value"."""
    suspects: list[Comparison | Aggregate | Literal] = [Literal(rule.atom)]
    for part in rule.body:
        match part:
            case Comparison() | Aggregate():
                suspects.append(part)
        if isinstance(part, Aggregate):
            for element in part.elements:
                suspects += [Comparison(term, "=", term) for term in element.terms]
                suspects += [inner for inner in element.condition if isinstance(inner, Comparison)]
    if isinstance(rule.head, Choice):
        suspects += [part for part in rule.head.condition if isinstance(part, Comparison)]
    if any(ANONYMOUS in part_variables(suspect) for suspect in suspects):
        raise _OutsideError(node, "_ only inside p(..) or not p(..)")
