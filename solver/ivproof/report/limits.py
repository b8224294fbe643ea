"""Where a timeline shows that a length was reached: the minute that makes an infusion, and each further hour.

Which lengths those are, and that they were reached, is read from the derivation of the answer; nothing is judged here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ivproof.law.terms import Function, Term
from ivproof.why.derivation import Derivation

MINUTE = 60
HOUR = 60

Stretch = tuple[int, int]
"""From one second to another."""


@dataclass(frozen=True, slots=True)
class ReachedLength:
    """A length that a service reached: at which second, and what that made of it."""

    seconds: int
    text: str


def reached(derivation: Derivation) -> dict[str, list[ReachedLength]]:
    """Give the lengths that each service reached, by the key of the administration that flowed then."""
    times = _times(derivation)
    flowing = _administrations(derivation)
    found: dict[str, list[ReachedLength]] = defaultdict(list)
    for service, length, text in sorted(_lengths(derivation), key=lambda it: (str(it[0]), it[1])):
        at = _after(times.get(str(service), ()), length)
        if at is None:
            continue
        for key, begin, end in flowing.get(str(service), ()):
            if begin < at <= end:
                found[key].append(ReachedLength(at, text))
                break
    return dict(found)


def _lengths(derivation: Derivation) -> Iterator[tuple[Term, int, str]]:
    """Each service or stretch of hydration, a length in seconds that it reached, and what that means."""
    needed = dict(_pairs(derivation, "threshold"))
    lasting = {str(atom.arguments[0]) for name in ("infusion", "bout") for atom in derivation.of(name)}
    for predicate in ("ran_at_least", "chain_ran_at_least"):
        for service, what in _pairs(derivation, predicate):
            if str(service) in lasting and isinstance(minutes := needed.get(what), int):
                yield service, MINUTE * minutes, f"Minute {minutes}: long enough for {_word(what)}."
    active = {name for (name,) in arguments_of(derivation, "active_mark")}
    marks = [
        minutes for name, minutes in _pairs(derivation, "hour_mark") if name in active and isinstance(minutes, int)
    ]
    earned = {
        (service, hour) for service, role, hour in arguments_of(derivation, "earns") if str(role).endswith("hour")
    }
    for service, hour in _pairs(derivation, "reaches_hour"):
        if marks and isinstance(hour, int) and (service, hour) in earned:
            minutes = HOUR * hour + min(marks)
            yield service, MINUTE * minutes, f"Minute {minutes}: further hour {hour} is reached."


def _word(what: Term) -> str:
    name = str(what)
    return f"an {name}" if name[0] in "aeio" else name


def _times(derivation: Derivation) -> Mapping[str, list[Stretch]]:
    """When the time of each service ran that counts for it."""
    found: dict[str, list[Stretch]] = defaultdict(list)
    for service, begin, end in arguments_of(derivation, "span"):
        if isinstance(begin, int) and isinstance(end, int):
            found[str(service)].append((begin, end))
    found |= _own_segments(derivation)
    pieces = {str(piece): (begin, end) for piece, begin, end in arguments_of(derivation, "piece_span")}
    chains: dict[str, list[str]] = defaultdict(list)
    for chain, piece in _pairs(derivation, "chain"):
        chains[str(chain)].append(str(piece))
    for first, held in chains.items():
        spans = (pieces[piece] for piece in held if piece in pieces)
        found[first] = [(begin, end) for begin, end in spans if isinstance(begin, int) and isinstance(end, int)]
    for bout, chain in _pairs(derivation, "bout_holds"):
        if str(bout) != str(chain):
            found[str(bout)] += found[str(chain)]
    return found


def _own_segments(derivation: Derivation) -> Mapping[str, list[Stretch]]:
    """The segments that an infusion has for itself, where only these count."""
    counted = dict(_pairs(derivation, "counted_time"))
    own = dict(_pairs(derivation, "own_time"))
    last = dict(_pairs(derivation, "sharers"))
    kept = {
        (service, number)
        for service, number, others, whose in arguments_of(derivation, "segment_after")
        if str(whose) == "own" and last.get(service) == others and counted.get(service) == own.get(service)
    }
    found: dict[str, list[Stretch]] = defaultdict(list)
    for service, number, begin, end in arguments_of(derivation, "segment"):
        if (service, number) in kept and isinstance(begin, int) and isinstance(end, int):
            found[str(service)].append((begin, end))
    return found


def _administrations(derivation: Derivation) -> Mapping[str, list[tuple[str, int, int]]]:
    """The administrations of each service and each stretch of hydration, with the times that they flowed."""
    clock = {str(moment): at for moment, at in _pairs(derivation, "clock") if isinstance(at, int)}
    included: dict[str, list[tuple[str, int, int]]] = defaultdict(list)
    for service, administration in _pairs(derivation, "includes"):
        key = str(administration)
        if f"start({key})" in clock and f"stop({key})" in clock:
            included[str(service)].append((key, clock[f"start({key})"], clock[f"stop({key})"]))
    held: dict[str, list[tuple[str, int, int]]] = defaultdict(list, included)
    for chain, piece in _pairs(derivation, "chain"):
        if isinstance(piece, Function):
            held[str(chain)] += included.get(str(piece.arguments[0]), [])
    for bout, chain in _pairs(derivation, "bout_holds"):
        if str(bout) != str(chain):
            held[str(bout)] += held[str(chain)]
    return {service: sorted(set(them), key=lambda it: (it[1], it[0])) for service, them in held.items()}


def _after(stretches: Sequence[Stretch], length: int) -> int | None:
    """The second at which so much of some stretches is over, what overlaps counted once."""
    over = min((begin for begin, _ in stretches), default=0)
    for begin, end in sorted(stretches):
        over = max(over, begin)
        if over + length <= end:
            return over + length
        length -= max(0, end - over)
        over = max(over, end)
    return None


def _pairs(derivation: Derivation, predicate: str) -> Iterable[tuple[Term, Term]]:
    return ((left, right) for left, right in arguments_of(derivation, predicate))


def arguments_of(derivation: Derivation, predicate: str) -> Iterator[tuple[Term, ...]]:
    """The arguments of each atom of a predicate that holds."""
    return (atom.arguments for atom in derivation.of(predicate))
