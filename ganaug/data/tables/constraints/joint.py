"""Choices of a table that are made together, because not every combination of them can be."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

__all__ = ["Joint", "JointChoices", "surprise_needed"]

SURE = math.log(1000)
"""What holds of all rows is a rule where chance alone would do as much in less than one table of a thousand."""
MOST_OPTIONS, ROWS_PER_OPTION = 256, 10
"""A decision has at most so many options; and where these multiply, so many rows for each."""
MOST_COMPARED, MOST_PRODUCTS = 2_048, 2**33
"""Rules are looked for among so many options in all; rows are left out of a first look that takes more."""

Integers = NDArray[np.int64]


class Joint(NamedTuple):
    """One decision over some choices.

    Attributes
    ----------
    choices : tuple of int
        Which choices it decides.
    options : ndarray of int64, shape (K, number of choices)
        The combinations that there are, each with one option for every choice.
    leader : int, optional
        The decision that may leave this one no choice: one that is free itself.
    forced : tuple of int
        For each option of the leader the option that this one takes then, or -1 where it is free.
    free : tuple of bool
        Which options it may take where it is free.
    rule : tuple of int
        The choices of the leader that say so.
    """

    choices: tuple[int, ...]
    options: Integers
    leader: int | None = None
    forced: tuple[int, ...] = ()
    free: tuple[bool, ...] = ()
    rule: tuple[int, ...] = ()


@dataclass(frozen=True)
class JointChoices:
    """Which choices are made together; every choice is in one `Joint`, most of them alone.

    Attributes
    ----------
    joints : tuple of Joint
        The decisions, in the order of their first choices.

    Examples
    --------
    One column for each of three colours, and one that says if it is a warm one:

    >>> colour = np.arange(60) % 3
    >>> choices = np.stack([colour == 0, colour == 1, colour == 2, colour != 2], axis=1).astype(np.int64)
    >>> found = JointChoices.of(choices, (2, 2, 2, 2), on=(1, 1, 1, 1))
    >>> [joint.choices for joint in found.joints]
    [(0, 1, 2, 3)]
    >>> found.joints[0].options.tolist()
    [[1, 0, 0, 1], [0, 1, 0, 1], [0, 0, 1, 0]]
    """

    joints: tuple[Joint, ...]

    @classmethod
    def apart(cls, options: Sequence[int]) -> Self:
        """Return those of a table in which every combination of these numbers of options may occur."""
        return cls(tuple(Joint((choice,), np.arange(count)[:, None]) for choice, count in enumerate(options)))

    @classmethod
    def of(
        cls, choices: Integers, options: Sequence[int], on: Sequence[int], linked: Iterable[tuple[int, int]] = ()
    ) -> Self:
        """Find what never occurs together in a table.

        Two things are looked for. *Runs* of neighbouring choices between two options of which at most one is on, as
        encoders write a category. Then *rules* between two decisions: each option of one goes with a single one of the
        other, or all of its options but one do: the country that follows from the city, the number of pregnancies that
        is 0 where the sex is male, columns that are missing together. Both must hold in every row, and often enough
        that chance would not do it.

        Parameters
        ----------
        choices : ndarray of int64, shape (n, C)
            The option that each row takes.
        options : sequence of int
            Number of options of each choice.
        on : sequence of int
            Of each choice between two options, the one that a run has at most once; -1 for all others.
        linked : iterable of pairs of int
            Choices that are to be made together for other reasons, if their combinations are few.
        """
        known = [_Decided(joint, choices[:, joint.choices[0]]) for joint in cls.apart(options).joints]
        never = np.zeros(0, np.bool_)
        lit = [one.taken == value if value >= 0 else never for one, value in zip(known, on, strict=True)]
        found = list(_with_rules(list(_with_runs(known, lit, on)), linked))
        order = sorted(range(len(found)), key=lambda place: found[place].choices)
        number = {place: number for number, place in enumerate(order)}
        joints = [found[place] for place in order]
        return cls(tuple(one if one.leader is None else one._replace(leader=number[one.leader]) for one in joints))

    @cached_property
    def options(self) -> tuple[int, ...]:
        """Number of options of each decision."""
        return tuple(len(joint.options) for joint in self.joints)

    @property
    def bound(self) -> bool:
        """Whether some choices are made together."""
        return any(len(joint.choices) > 1 for joint in self.joints)

    @property
    def bound_choices(self) -> tuple[tuple[int, ...], ...]:
        """The choices that are made together, or after one another."""
        together = (tuple(sorted(joint.rule + joint.choices)) for joint in self.joints)
        return tuple(choices for choices in together if len(choices) > 1)


def surprise_needed(count: int) -> float:
    """Return minus the logarithm of the chance below which a rule between two of so many columns is taken for one."""
    return SURE + 2 * math.log(max(1, count))


class _Decided(NamedTuple):
    """A decision, and the option that each row takes, (n,)."""

    joint: Joint
    taken: Integers

    def with_other(self, other: "_Decided") -> "_Decided":
        """Make one decision of two."""
        count = len(other.joint.options)
        pairs, taken = np.unique(self.taken * count + other.taken, return_inverse=True)
        choices = np.array([*self.joint.choices, *other.joint.choices])
        options = np.hstack([self.joint.options[pairs // count], other.joint.options[pairs % count]])
        order = np.argsort(choices)
        return _Decided(Joint(tuple(choices[order].tolist()), options[:, order]), taken)

    def rules(self, other: "_Decided") -> bool:
        """Tell whether all options of this, or all but one, leave the other no choice."""
        pairs = np.unique(self.taken * len(other.joint.options) + other.taken)
        return bool((np.bincount(pairs // len(other.joint.options)) > 1).sum() <= 1)

    def led_by(self, rule: "_Decided", leader: "_Decided", number: int) -> Joint:
        """Return this decision with a leader, of which `rule`, which is a part of it, says where there is no choice.

        The number is what the leader will be known by.
        """
        goes_with = np.zeros((len(rule.joint.options), len(self.joint.options)), np.bool_)
        goes_with[rule.taken, self.taken] = True
        part = np.zeros(len(leader.joint.options), np.int64)
        part[leader.taken] = rule.taken
        single = goes_with.sum(axis=1) == 1
        forced = np.where(single, goes_with.argmax(axis=1), -1)[part]
        free = goes_with[~single].any(axis=0)
        return self.joint._replace(
            leader=number, forced=tuple(forced.tolist()), free=tuple(free.tolist()), rule=rule.joint.choices
        )


def _with_runs(known: list[_Decided], lit: Sequence[NDArray[np.bool_]], on: Sequence[int]) -> Iterator[_Decided]:
    """Merge neighbours of which at most one is lit in every row; where runs overlap, the surest counts."""
    enough = surprise_needed(len(known)) - math.log(max(1, len(known)))  # for runs are no pairs
    runs = [part for run in _runs(lit) for part in _cut(run, MOST_OPTIONS - 1)]
    merged: set[int] = set()
    for run in sorted(runs, key=lambda run: _surprise_of_run(lit[place] for place in run), reverse=True):
        left = [place for place in run if place not in merged]
        if len(left) > 1 and _surprise_of_run(lit[place] for place in left) >= enough:
            merged |= set(left)
            own = np.array([on[place] for place in left])
            options = np.vstack([1 - own, np.where(np.eye(len(left), dtype=np.bool_), own, 1 - own)])
            numbered = sum(number * lit[place].astype(np.int64) for number, place in enumerate(left, 1))
            there, taken = np.unique(numbered, return_inverse=True)
            yield _Decided(Joint(tuple(left), options[there]), taken)
    yield from (one for place, one in enumerate(known) if place not in merged)


def _runs(lit: Sequence[NDArray[np.bool_]]) -> Iterator[range]:
    """Return all longest runs of neighbours of which at most one is lit in every row; what has no rows ends a run."""
    start, any_lit = 0, np.zeros(0, np.bool_)
    for place, own in enumerate([*lit, np.zeros(0, np.bool_)]):
        if not own.size:
            yield range(start, place)
            start, any_lit = place + 1, own
            continue
        any_lit = any_lit if any_lit.size else np.zeros_like(own)
        if (any_lit & own).any():
            yield range(start, place)
            while (any_lit & own).any():
                any_lit = any_lit & ~lit[start]
                start += 1
        any_lit = any_lit | own


def _cut(run: range, most: int) -> Iterator[range]:
    return (run[first : first + most] for first in range(0, len(run), most))


def _surprise_of_run(lit: Iterable[NDArray[np.bool_]]) -> float:
    """Return minus the logarithm of the chance that columns lit independently of each other are never so together."""
    surprise, any_lit = 0.0, np.zeros(1, np.bool_)
    for own in lit:
        surprise -= float(own.sum()) * math.log(max(1 - float(any_lit.mean()), 1e-9)) if own.any() else 0.0
        any_lit = any_lit | own
    return surprise


def _with_rules(known: list[_Decided], linked: Iterable[tuple[int, int]]) -> Iterator[Joint]:
    """Merge decisions of which each option of one leaves no choice to the other, or all but one do; the surest first.

    That exception is what the rule does not speak of: the other sex, whose pregnancies may be any number. Where merging
    would multiply options, one decision leads the other: first whether somebody smokes, then what, unless nothing.
    """
    if not known:
        return
    # Where there are too many options in all, flags are left out before categories, and what hardly varies before that.
    order = sorted(range(len(known)), key=lambda place: _weight(known[place]), reverse=True)
    size = np.cumsum([len(known[place].joint.options) for place in order])
    looked_at = sorted(place for place, so_far in zip(order, size, strict=True) if so_far <= MOST_COMPARED)
    surprise = _surprise_of_rules([known[place] for place in looked_at])
    first, second = np.nonzero(np.triu(surprise, 1) >= surprise_needed(len(known)))
    pairs = [
        (looked_at[first[place]], looked_at[second[place]])
        for place in np.argsort(-surprise[first, second], kind="stable").tolist()
    ]
    holder = {choice: place for place, one in enumerate(known) for choice in one.joint.choices}
    asked = [(holder[a], holder[b]) for a, b in linked]

    # First what is asked for, then what makes no more options, what can be led, and what makes some.
    groups, owner = dict(enumerate(known)), list(range(len(known)))
    rows, led = len(known[0].taken), dict[int, Joint]()
    some = min(MOST_OPTIONS, rows // ROWS_PER_OPTION)
    pairs = [pair for pair in pairs if _is_rule(known, *pair)]
    _merge(groups, owner, asked, some)
    _merge(groups, owner, pairs, 1)
    for a, b in [way for pair in pairs for way in (pair, pair[::-1])]:
        leader, follower = owner[a], owner[b]
        leaders = {joint.leader for joint in led.values()}
        if (
            leader == follower
            or {leader, follower} & led.keys()
            or follower in leaders
            or not known[a].rules(groups[follower])
        ):
            continue
        joint = groups[follower].led_by(known[a], groups[leader], leader)
        if joint.forced.count(-1) < len(joint.forced):
            led[follower] = joint
    apart = led.keys() | {joint.leader for joint in led.values()}
    _merge(groups, owner, [pair for pair in pairs if not {owner[place] for place in pair} & apart], some)
    numbers = list(groups)
    for number, group in groups.items():
        joint = led.get(number, group.joint)
        yield joint if joint.leader is None else joint._replace(leader=numbers.index(joint.leader))


def _is_rule(known: Sequence[_Decided], one: int, other: int) -> bool:
    return known[one].rules(known[other]) or known[other].rules(known[one])


def _merge(groups: dict[int, _Decided], owner: list[int], pairs: Iterable[tuple[int, int]], more: int) -> None:
    """Merge pairs of decisions unless they have more options together than that, and than the larger of them has."""
    for pair in pairs:
        one, other = sorted(owner[place] for place in pair)
        if one == other:
            continue
        both = groups[one].with_other(groups[other])
        largest = max(len(groups[place].joint.options) for place in (one, other))
        if len(both.joint.options) <= max(largest + 1, more):
            groups[one] = both
            del groups[other]
            owner[:] = [one if own == other else own for own in owner]


def _weight(decided: _Decided) -> tuple[bool, float]:
    counts = np.bincount(decided.taken)
    return len(decided.joint.options) > 2, 1 - float(counts.max() / counts.sum())


def _surprise_of_rules(known: Sequence[_Decided]) -> NDArray[np.float64]:
    """Return for each pair of decisions, (U, U), minus the logarithm of the chance of a rule, were they independent.

    It is 0 where none holds. An option that n rows take leaves the other decision no choice by chance as often as n
    draws of that are all the same. Where they are always the same rare one, that by itself is a surprise: as great as
    n - 1 rows are that follow a first one, less for there being several options that might have done so.
    """
    counts = [len(one.joint.options) for one in known]
    starts, total = np.array([0, *accumulate(counts)][:-1]), sum(counts)
    step = max(1, -(-len(known[0].taken) * total**2 // MOST_PRODUCTS))
    taken = np.stack([one.taken[::step] for one in known], axis=1) + starts
    lit = np.zeros((len(taken), total), np.float32)
    np.put_along_axis(lit, taken, 1.0, axis=1)
    goes_with = lit.T @ lit > 0
    together = np.add.reduceat(goes_with, starts, axis=1, dtype=np.int64)  # (K, U) options that one goes with
    own = lit.sum(axis=0, dtype=np.float64)
    share = np.maximum(own / len(lit), 1e-12)
    chance = np.add.reduceat(np.exp(np.outer(own, np.log(share))), starts, axis=1)  # (K, U)
    chance = np.where(together == 1, np.log(np.maximum(chance, 1e-300)), 0.0)
    only = np.where(together == 1, np.add.reduceat(goes_with * np.log(share), starts, axis=1), 0.0)  # log of its share
    rarest = np.maximum.reduceat(-only * np.maximum(own - 1, 0)[:, None], starts, axis=0)  # (U, U)
    rarest -= np.log(np.maximum(counts, 1))[:, None]
    surprise = np.maximum(-np.add.reduceat(chance, starts, axis=0), rarest)
    ruled = np.add.reduceat(together > 1, starts, axis=0, dtype=np.int64) <= 1
    np.fill_diagonal(ruled, val=False)
    surprise = np.where(ruled, surprise, 0.0)
    return np.maximum(surprise, surprise.T)
