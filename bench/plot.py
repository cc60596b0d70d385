"""A plot, as SVG: a few lines of points, over a logarithmic axis."""

from collections.abc import Mapping
from math import log10

_WIDTH, _HEIGHT = 640, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 20, 60, 50
_COLOURS = ("#1b6ca8", "#c1501f", "#4a7c29")


def draw(title: str, across: str, up: str, series: Mapping[str, Mapping[int, float]]) -> str:
    """Draw values by amount; `up` is their unit, and amounts are spaced by their logarithm."""
    amounts = sorted({amount for points in series.values() for amount in points})
    most = max(value for points in series.values() for value in points.values()) * 1.2
    low, high = log10(amounts[0]), log10(amounts[-1])

    def x(amount: float) -> float:
        part = (log10(amount) - low) / (high - low) if high > low else 0.5
        return _LEFT + part * (_WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return _HEIGHT - _BOTTOM - value / most * (_HEIGHT - _TOP - _BOTTOM)

    parts = [_text(_LEFT, 24, title, size=16), _text(_LEFT - 8, _TOP - 8, up, anchor="end")]
    for step in range(5):
        value = most * step / 4
        parts.append(
            f'<path d="M{_LEFT} {y(value):.1f}H{_WIDTH - _RIGHT}" stroke="#ddd" fill="none"/>'
        )
        parts.append(_text(_LEFT - 8, y(value) + 4, f"{value:.0f}", anchor="end"))
    for amount in amounts:
        label = f"{amount:,} {across}"
        parts.append(_text(x(amount), _HEIGHT - 24, label, anchor=_anchor(amount, amounts)))
    for number, (name, points) in enumerate(series.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        path = "L".join(f"{x(amount):.1f} {y(value):.1f}" for amount, value in points.items())
        parts.append(f'<path d="M{path}" stroke="{colour}" stroke-width="2" fill="none"/>')
        parts += [
            f'<circle cx="{x(amount):.1f}" cy="{y(value):.1f}" r="4" fill="{colour}"/>'
            for amount, value in points.items()
        ]
        parts.append(_text(_LEFT + 200 * number, 46, name, colour=colour))
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" '
        f'viewBox="0 0 {_WIDTH} {_HEIGHT}">\n<rect width="100%" height="100%" fill="#fff"/>'
    )
    return "\n".join([head, *parts, "</svg>\n"])


def _anchor(amount: int, amounts: list[int]) -> str:
    return {amounts[0]: "start", amounts[-1]: "end"}.get(amount, "middle")


def _text(
    x: float, y: float, text: str, *, size: int = 12, anchor: str = "start", colour: str = "#333"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-family="sans-serif" font-size="{size}" '
        f'text-anchor="{anchor}" fill="{colour}">{text}</text>'
    )
