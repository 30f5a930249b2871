"""Rate limits as the vendors keep them: a bucket per key that refills steadily."""

from integrations.sandbox.clock import Clock


class Buckets:
    """Any number of token buckets, made on first use, measured on the sandbox's clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._levels: dict[object, tuple[float, float]] = {}

    def take(self, key: object, *, per_second: float, burst: float) -> float:
        """Take one token and give 0.0, or take none and give the seconds until there is one."""
        now = self._clock.ticks()
        level, since = self._levels.get(key, (burst, now))
        level = min(burst, level + max(0.0, now - since) * per_second)
        if level >= 1.0:
            self._levels[key] = (level - 1.0, now)
            return 0.0
        self._levels[key] = (level, now)
        return (1.0 - level) / per_second

    def level(self, key: object, *, per_second: float, burst: float) -> float:
        """Give how many tokens are left, without taking one."""
        level, since = self._levels.get(key, (burst, self._clock.ticks()))
        return min(burst, level + max(0.0, self._clock.ticks() - since) * per_second)

    def clear(self) -> None:
        """Fill all buckets."""
        self._levels.clear()
