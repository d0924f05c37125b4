"""Joint choices: choices between options that are made by one decision, because not every combination occurs.

Examples are the columns that an encoder writes for one category, a country that follows from the city, and answers that
are missing together. `JointChoices.detect` finds the decisions. `ganaug.networks.decisions` encodes choices as
decisions and decodes decisions to choices, so that gradients pass.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from ganaug.data.tables.constraints.surprisal import min_surprisal, surprisal_of_exclusion, surprisals_of_rules

MAX_OPTIONS = 256
"""Options of a decision, which is one softmax of the generator."""
ROWS_PER_OPTION = 10
"""Rows that each option needs, on average, before a merge of two decisions may multiply their options."""
MAX_COMPARED = 2_048
"""Options, of all decisions together, among which rules are looked for."""

Integers = NDArray[np.int64]


class Decision(NamedTuple):
    """One decision, which makes one choice or several."""

    choices: tuple[int, ...]
    options: Integers  # (K, number of choices), the combinations that occur: for each of K options those of the choices
    leader: int | None = None  # the decision whose options may force an option of this one; a leader has no leader
    forced: tuple[int, ...] = ()  # for each option of the leader, the option that it forces; -1 if it forces none
    free: tuple[bool, ...] = ()  # for each option of this decision whether it may be taken when it is free
    rule: tuple[int, ...] = ()  # the choices of the leader that the rule is about


@dataclass(frozen=True)
class JointChoices:
    """The decisions that make the choices of a table, in the order of their first choices.

    Every choice is made by one decision; most decisions make one.
    """

    decisions: tuple[Decision, ...]

    @classmethod
    def independent(cls, options: Sequence[int]) -> Self:
        """Return one decision for each choice, with these numbers of options."""
        return cls(tuple(Decision((choice,), np.arange(count)[:, None]) for choice, count in enumerate(options)))

    @classmethod
    def detect(
        cls,
        choices: Integers,
        options: Sequence[int],
        on: Sequence[int],
        linked: Iterable[tuple[int, int]] = (),
        *,
        forced: Iterable[tuple[int, int]] = (),
        barred: Sequence[frozenset[int]] = (),
        search: bool = True,
    ) -> Self:
        """Find choices whose combinations do not all occur; `choices` (n, C) holds the option that each row takes.

        Two patterns are looked for. A *run* is a sequence of neighbouring flags of which at most one is on, as encoders
        write a category. A *rule* holds between two decisions if every option of one, but for one option, occurs with a
        single option of the other: the country for each city, or no pregnancies where the sex is male. Both must hold
        in every row, and be unlikely by chance.

        `on` holds for each choice that is a flag the option that means on, else -1. Linked choices are made by one
        decision for other reasons, if few combinations of them occur; forced pairs of choices, if there are at most
        `MAX_OPTIONS`. Choices of one of the `barred` sets are not made together because of a pattern. Without `search`
        there are no other patterns.
        """
        known = [_Decided(one, choices[:, one.choices[0]]) for one in cls.independent(options).decisions]
        no_flag = np.zeros(0, np.bool_)
        flags = [one.taken == value if value >= 0 else no_flag for one, value in zip(known, on, strict=True)]
        merged = list(_with_runs(known, flags, on, barred))
        found = list(_with_rules(merged, linked, forced, barred, search=search))
        order = sorted(range(len(found)), key=lambda place: found[place].choices)
        number = {place: number for number, place in enumerate(order)}
        decisions = [found[place] for place in order]
        return cls(tuple(one if one.leader is None else one._replace(leader=number[one.leader]) for one in decisions))

    @cached_property
    def options(self) -> tuple[int, ...]:
        """Number of options of each decision."""
        return tuple(len(one.options) for one in self.decisions)

    @property
    def dependent(self) -> tuple[tuple[int, ...], ...]:
        """The groups of choices that are made by one decision, or by one and its leader."""
        groups = (tuple(sorted(one.rule + one.choices)) for one in self.decisions)
        return tuple(choices for choices in groups if len(choices) > 1)


class _Decided(NamedTuple):
    """A decision, and the option of it that each row takes, (n,)."""

    decision: Decision
    taken: Integers

    def merged(self, other: "_Decided") -> "_Decided":
        """Return one decision in place of two."""
        count = len(other.decision.options)
        pairs, taken = np.unique(self.taken * count + other.taken, return_inverse=True)
        choices = np.array([*self.decision.choices, *other.decision.choices])
        options = np.hstack([self.decision.options[pairs // count], other.decision.options[pairs % count]])
        order = np.argsort(choices)
        return _Decided(Decision(tuple(choices[order].tolist()), options[:, order]), taken)

    def rules(self, other: "_Decided") -> bool:
        """Tell whether all options of this decision, but for one, occur with a single option of the other."""
        count = len(other.decision.options)
        pairs = np.unique(self.taken * count + other.taken)
        return bool((np.bincount(pairs // count) > 1).sum() <= 1)

    def led_by(self, rule: "_Decided", leader: "_Decided", number: int) -> Decision:
        """Return this decision with a leader of that number; `rule`, a part of the leader, forces its options."""
        goes_with = np.zeros((len(rule.decision.options), len(self.decision.options)), np.bool_)
        goes_with[rule.taken, self.taken] = True
        part = np.zeros(len(leader.decision.options), np.int64)
        part[leader.taken] = rule.taken
        single = goes_with.sum(axis=1) == 1
        forced = np.where(single, goes_with.argmax(axis=1), -1)[part]
        free = goes_with[~single].any(axis=0)
        return self.decision._replace(
            leader=number, forced=tuple(forced.tolist()), free=tuple(free.tolist()), rule=rule.decision.choices
        )


def _with_runs(
    known: list[_Decided], flags: Sequence[NDArray[np.bool_]], on: Sequence[int], barred: Sequence[frozenset[int]]
) -> Iterator[_Decided]:
    """Merge the flags of each run. A flag of two overlapping runs goes to the run with the larger surprisal."""
    enough = min_surprisal(len(known)) - math.log(max(1, len(known)))  # There are fewer runs than pairs.
    runs = [
        run[first : first + MAX_OPTIONS - 1] for run in _runs(flags) for first in range(0, len(run), MAX_OPTIONS - 1)
    ]
    merged: set[int] = set()
    for run in sorted(runs, key=lambda run: surprisal_of_exclusion(flags[place] for place in run), reverse=True):
        left = [place for place in run if place not in merged]
        if any(len(some.intersection(left)) > 1 for some in barred):
            continue
        if len(left) > 1 and surprisal_of_exclusion(flags[place] for place in left) >= enough:
            merged |= set(left)
            own = np.array([on[place] for place in left])
            options = np.vstack([1 - own, np.where(np.eye(len(left), dtype=np.bool_), own, 1 - own)])
            numbered = sum(number * flags[place].astype(np.int64) for number, place in enumerate(left, 1))
            there, taken = np.unique(numbered, return_inverse=True)
            yield _Decided(Decision(tuple(left), options[there]), taken)
    yield from (one for place, one in enumerate(known) if place not in merged)


def _runs(flags: Sequence[NDArray[np.bool_]]) -> Iterator[range]:
    """Yield the longest sequences of neighbouring flags (n,) of which at most one is on in every row.

    A choice that is no flag, which is an empty array here, ends a run.
    """
    start, any_on = 0, np.zeros(0, np.bool_)
    for place, own in enumerate([*flags, np.zeros(0, np.bool_)]):
        if not own.size:
            yield range(start, place)
            start, any_on = place + 1, own
            continue
        any_on = any_on if any_on.size else np.zeros_like(own)
        if (any_on & own).any():
            yield range(start, place)
            while (any_on & own).any():
                any_on = any_on & ~flags[start]
                start += 1
        any_on = any_on | own


def _with_rules(
    known: list[_Decided],
    linked: Iterable[tuple[int, int]],
    forced: Iterable[tuple[int, int]],
    barred: Sequence[frozenset[int]],
    *,
    search: bool,
) -> Iterator[Decision]:
    """Merge decisions between which a rule holds, or let one lead the other, those of the largest surprisal first.

    Where merging would multiply the options, the first decision leads the second. For example, "does not smoke" forces
    the option "missing" of the brand.
    """
    if not known:
        return
    pairs = _pairs_with_rules(known) if search else []
    holder = {choice: place for place, one in enumerate(known) for choice in one.decision.choices}
    asked, forcing = ([(holder[a], holder[b]) for a, b in some] for some in (linked, forced))
    if barred:
        whole = [set(one.decision.choices) for one in known]
        pairs, asked = (
            [(a, b) for a, b in some if not any(one & whole[a] and one & whole[b] for one in barred)]
            for some in (pairs, asked)
        )

    # First the forced and the linked choices; then merges without more options; then leaders; last, merges with some
    # more options.
    groups, owner = dict(enumerate(known)), list(range(len(known)))
    rows, led = len(known[0].taken), dict[int, Decision]()
    some = min(MAX_OPTIONS, rows // ROWS_PER_OPTION)
    _merge(groups, owner, forcing, MAX_OPTIONS)
    _merge(groups, owner, asked, some)
    _merge(groups, owner, pairs, 1)
    for a, b in [way for pair in pairs for way in (pair, pair[::-1])]:
        leader, follower = owner[a], owner[b]
        leaders = {one.leader for one in led.values()}
        if leader == follower or {leader, follower} & led.keys() or follower in leaders:
            continue
        if known[a].rules(groups[follower]):
            decision = groups[follower].led_by(known[a], groups[leader], leader)
            if decision.forced.count(-1) < len(decision.forced):
                led[follower] = decision
    apart = led.keys() | {one.leader for one in led.values()}
    _merge(groups, owner, [pair for pair in pairs if not {owner[place] for place in pair} & apart], some)
    numbers = list(groups)
    for number, group in groups.items():
        decision = led.get(number, group.decision)
        yield decision if decision.leader is None else decision._replace(leader=numbers.index(decision.leader))


def _pairs_with_rules(known: Sequence[_Decided]) -> list[tuple[int, int]]:
    """Return the pairs of decisions between which a rule holds, those of the largest surprisal first.

    If there are too many options, flags are left out before categories, and what varies least before the rest.
    """
    order = sorted(range(len(known)), key=lambda place: _weight(known[place]), reverse=True)
    size = np.cumsum([len(known[place].decision.options) for place in order])
    looked_at = sorted(place for place, so_far in zip(order, size, strict=True) if so_far <= MAX_COMPARED)
    surprisal = surprisals_of_rules(
        [known[place].taken for place in looked_at], [len(known[place].decision.options) for place in looked_at]
    )
    first, second = np.nonzero(np.triu(surprisal, 1) >= min_surprisal(len(known)))
    by_surprisal = np.argsort(-surprisal[first, second], kind="stable").tolist()
    pairs = [(looked_at[first[place]], looked_at[second[place]]) for place in by_surprisal]
    # The surprisals may have left rows out.
    return [(a, b) for a, b in pairs if known[a].rules(known[b]) or known[b].rules(known[a])]


def _merge(groups: dict[int, _Decided], owner: list[int], pairs: Iterable[tuple[int, int]], most: int) -> None:
    """Merge each pair that has at most `most` options together, or at most one more than the larger of the two."""
    for pair in pairs:
        one, other = sorted(owner[place] for place in pair)
        if one == other:
            continue
        both = groups[one].merged(groups[other])
        largest = max(len(groups[place].decision.options) for place in (one, other))
        if len(both.decision.options) <= max(largest + 1, most):
            groups[one] = both
            del groups[other]
            owner[:] = [one if own == other else own for own in owner]


def _weight(decided: _Decided) -> tuple[bool, float]:
    counts = np.bincount(decided.taken)
    return len(decided.decision.options) > 2, 1 - float(counts.max() / counts.sum())
