"""Damage to bytes and to JSON."""

from typing import Any

import numpy as np

RARE = (0, 1, -1, 2, 127, 128, 255, 256, 65535, 2**31 - 1, 2**31, 2**32, 2**53, 2**63 - 1, -(2**31), -(2**63))
"""Integers at which something often ends."""
ODD: tuple[Any, ...] = (None, True, False, "", "x", "\x00", "9" * 30, [], {}, [[]], 1.5, 1e308, -1.0, *RARE)


def pick(rng: np.random.Generator, items: Any) -> Any:
    """Return one of the items."""
    return items[int(rng.integers(len(items)))]


def damaged(rng: np.random.Generator, data: bytes, most: int = 8) -> bytes:
    """Return bytes with a few changes: bits, bytes, numbers, parts that are cut, repeated or moved."""
    content = bytearray(data)
    for _ in range(int(rng.integers(1, most + 1))):
        if not content:
            break
        at, size = int(rng.integers(len(content))), int(min(rng.geometric(0.05), 4096))
        match int(rng.integers(7)):
            case 0:
                content[at] ^= 1 << int(rng.integers(8))
            case 1:
                content[at] = int(rng.integers(256))
            case 2:
                content[at : at + 4] = int(pick(rng, RARE) % 2**32).to_bytes(4, pick(rng, ("little", "big")))
            case 3:
                del content[at : at + size]
            case 4:
                content[at:at] = content[at : at + size]
            case 5:
                to = int(rng.integers(len(content)))
                content[at : at + size] = content[to : to + size]
            case 6:
                content[at:at] = rng.bytes(size)
    return bytes(content if rng.random() > 0.05 else content[: int(rng.integers(len(content) + 1))])


def damaged_json(rng: np.random.Generator, value: Any) -> Any:
    """Return JSON in which one value somewhere is another."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = pick(rng, list(value))
        if rng.random() < 0.05:
            return {name: one for name, one in value.items() if name != key}
        return value | {key: damaged_json(rng, value[key])}
    if isinstance(value, list) and value and rng.random() < 0.8:
        at = int(rng.integers(len(value)))
        return [*value[:at], damaged_json(rng, value[at]), *value[at + 1 :]]
    return pick(rng, ODD)
