"""How much work may be done: so that no law, chart or proof keeps anybody busy for ever or fills the memory.

Work is counted, not timed, so that the same question ends in the same way everywhere: one for each atom that is looked
at, more for each that is kept. Terms and numbers cannot grow without bound either.

>>> work = Budget(3)
>>> work.spend(2)
>>> work.spend(2)
Traceback (most recent call last):
ivproof.recheck.budget.LimitError: it takes more work than the limit allows
"""

from typing import Any

WORK = 100_000_000
"""What one proof may take where nobody says otherwise: about half a minute. Eight administrations take 1% of it."""

KEPT = 100  # what an atom costs that is kept, in atoms that are looked at: a limit on work is one on memory too
SLOWLY = 10  # what an atom costs that is looked at without compiled functions
READIED = 250  # what a part of a rule costs that is made ready to be applied, beside the square of all its parts
LARGEST_TERM = 1_000  # names and numbers in one atom
LARGEST_RULE = 2_000  # names, numbers and conditions in one rule
LARGEST_NUMBER = 256  # bits of a product
LONGEST_NUMBER = 10_000  # bits of a number that is written out: sums grow, too


class LimitError(Exception):
    """More work, or larger terms, than are allowed. What was asked is left undecided."""


class Budget:
    """What is left of the work that may be done."""

    __slots__ = ("left",)

    def __init__(self, work: int = 1 << 62) -> None:
        """Allow so much work; where nothing is said, as good as any."""
        self.left = work

    def spend(self, work: int) -> None:
        """Take off what is about to be done. Raises LimitError."""
        self.left -= work
        if self.left < 0:
            self.over()

    def over(self) -> None:
        """Say that nothing is left."""
        raise LimitError("it takes more work than the limit allows")


def sized(value: Any) -> Any:
    """The value, if it is no larger than a term may be. Raises LimitError."""
    waiting, seen = [value], 0
    while waiting:
        seen += 1
        if seen > LARGEST_TERM:
            raise LimitError(f"it builds a term of more than {LARGEST_TERM} parts")
        part = waiting.pop()
        if type(part) is tuple:
            waiting += part
    return value


def written(number: int) -> str:
    """The number in digits, unless it is absurdly long. Raises LimitError."""
    if number.bit_length() > LONGEST_NUMBER:
        raise LimitError(f"it reckons a number of more than {LONGEST_NUMBER} bits")
    return str(number)


def product(left: int, right: int) -> int:
    """The product of two numbers, unless it is absurdly long. Raises LimitError."""
    if left.bit_length() + right.bit_length() > LARGEST_NUMBER:
        raise LimitError(f"it multiplies to a number of more than {LARGEST_NUMBER} bits")
    return left * right
