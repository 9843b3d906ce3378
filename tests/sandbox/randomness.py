"""Pseudo-random draws that depend on a seed and an index, and cost about a microsecond.

A record is made on demand from its index, so that a million of them need no memory. Seeding a
``random.Random`` for each would cost more than the rest of the record.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TypeVar

Item = TypeVar("Item")


class Draws:
    """A short sequence of draws: the same for the same seed, index and subject, everywhere.

    There are 512 bits in it, enough for some eighty small draws; after that, every draw is 0.

    Args:
        seed: Seed of the whole data set.
        index: Index of the record.
        subject: What the draws are for, at most 16 bytes. Two subjects of one record are
            independent, so that one facet of a record can be known without the others.
    """

    __slots__ = ("_bits",)

    def __init__(self, seed: int, index: int, subject: bytes) -> None:
        key = b"%d:%d" % (seed, index)
        self._bits = int.from_bytes(blake2b(key, person=subject).digest(), "little")

    def below(self, bound: int) -> int:
        """Draw an integer from 0 to ``bound`` - 1."""
        self._bits, value = divmod(self._bits, bound)
        return value

    def one_in(self, bound: int) -> bool:
        """Draw true once in ``bound`` times."""
        return self.below(bound) == 0

    def pick(self, items: list[Item]) -> Item:
        """Draw one item of a list."""
        return items[self.below(len(items))]


class Scramble:
    """A one-to-one map between small indexes and 64-bit numbers that look random.

    Ids made with it never collide, and an id leads back to its index without a table. The subject
    tells what is numbered, in at most 16 bytes.
    """

    __slots__ = ("_factor", "_inverse", "_mask")

    _MODULUS = 1 << 64

    def __init__(self, seed: int, subject: bytes) -> None:
        draws = Draws(seed, 0, subject)
        self._factor = draws.below(self._MODULUS) | 1
        self._mask = draws.below(self._MODULUS)
        self._inverse = pow(self._factor, -1, self._MODULUS)

    def number(self, index: int) -> int:
        """Return the 64-bit number of an index."""
        return ((index + 1) * self._factor % self._MODULUS) ^ self._mask

    def index(self, number: int) -> int:
        """Return the index of a 64-bit number; one that was never given out leads anywhere."""
        return ((number ^ self._mask) * self._inverse % self._MODULUS) - 1
