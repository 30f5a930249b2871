"""A response as a chart: one line for each call, in the order of their start; a refused one in x."""

from __future__ import annotations

from benchmarks.milestones import Response, was_done

_WIDTH = 60


def chart(response: Response) -> str:
    """Who was asked what, from when to when, in milliseconds since the webhook."""
    said = sorted(response.said, key=lambda one: float(one["started"]))
    last = max(float(one["ended"]) for one in said) - response.began
    lines = []
    for one in said:
        start, end = one["started"] - response.began, one["ended"] - response.began
        left = round(start / last * _WIDTH)
        bar = " " * left + ("=" if was_done(one) else "x") * max(1, round(end / last * _WIDTH) - left)
        lines.append(
            f"{one['vendor']:9} {one['name']:12} |{bar:{_WIDTH}}| {start * 1000:5.0f} {end * 1000:5.0f}"
        )
    return "\n".join(lines)
