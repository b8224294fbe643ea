"""The second engine: derives the answers of a law without clingo, sharing no code with the rest of ivproof.

>>> law = Program(parse('''
... technique(A, infusion) :- route(A, iv), ran(A, M), M >= 16.
... '''))
>>> answer = law.derive(parse_facts("route(a1, iv). ran(a1, 30). route(a2, iv). ran(a2, 15)."))
>>> [show(atom) for atom in answer.of("technique", 2)]
['technique(a1,infusion)']
"""

from .evaluator import Answer, Choice, NoAnswerError, Program, Relation
from .parser import parse, read
from .stored import plain, rebuilt
from .syntax import LawError, Rule
from .terms import Atom, FactError, Value, parse_facts, show

__all__ = [
    "Answer",
    "Atom",
    "Choice",
    "FactError",
    "LawError",
    "NoAnswerError",
    "Program",
    "Relation",
    "Rule",
    "Value",
    "parse",
    "parse_facts",
    "plain",
    "read",
    "rebuilt",
    "show",
]
