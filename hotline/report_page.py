"""A planner's report as one HTML file that needs nothing else: no network, no script to be read, both languages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

import numpy as np

from hotline.report_charts import svg
from hotline.report_view import LineRow, View
from hotline.report_words import Language, word
from simulator.precision import Band, Interval

STYLE = """
:root { color-scheme: light; --ink: #1d2129; --faint: #5d6470; --rule: #e3e5e8; --good: #2e7d52; --bad: #b3261e;
  --open: #b26a00; }
* { box-sizing: border-box; }
body { font: 15px/1.5 "Segoe UI", "Noto Sans", "Noto Sans CJK SC",
  "Microsoft YaHei", "PingFang SC", "Droid Sans Fallback", sans-serif;
  color: var(--ink); background: #f5f6f8; margin: 0; }
main { max-width: 1060px; margin: 0 auto; padding: 28px 20px 60px; }
header { display: flex; justify-content: space-between; align-items: start; gap: 20px; }
h1 { font-size: 25px; margin: 0 0 4px; } h2 { font-size: 18px; margin: 34px 0 10px; }
p { margin: 4px 0; } .faint { color: var(--faint); }
button { font: inherit; padding: 5px 14px; border: 1px solid #c5c9d0; border-radius: 6px; background: #fff;
  cursor: pointer; white-space: nowrap; }
.verdict { display: inline-block; margin: 14px 0 4px; padding: 6px 14px; border-radius: 6px; color: #fff;
  font-weight: 600; }
.met { background: var(--good); } .missed { background: var(--bad); } .undecided { background: var(--open); }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(170px, 1fr)); gap: 12px;
  margin: 14px 0 24px; }
.figure { background: #fff; border: 1px solid var(--rule); border-radius: 8px; padding: 12px 14px; }
.figure b { display: block; font-size: 24px; font-variant-numeric: tabular-nums;
  } .figure small { color: var(--faint); }
.picture { background: #fff; border: 1px solid var(--rule); border-radius: 8px; padding: 10px; overflow-x: auto; }
.picture svg { width: 100%; min-width: 720px; height: auto; display: block; }
table { border-collapse: collapse; width: 100%; background: #fff; border: 1px solid var(--rule);
  font-variant-numeric: tabular-nums; }
th, td { padding: 6px 10px; border-bottom: 1px solid var(--rule); text-align: right; vertical-align: top;
  white-space: nowrap; }
th { font-weight: 600; background: #fafbfc; } th.text, td.text { text-align: left;
  white-space: normal; min-width: 7em; } td.short { color: var(--bad);
  font-weight: 600; } td.open { color: var(--open); font-weight: 600; }
details { margin-top: 30px; } summary { cursor: pointer; font-weight: 600; } .wide { overflow-x: auto; }
body[data-lang="en"] .zh, body[data-lang="zh"] .en { display: none; }
@media print { body { background: #fff; } button, details { display: none; } }
"""
# The language that is seen first may stand behind the file's name: report.html#zh
_SCRIPT = (
    "const show = (lang) => { document.body.dataset.lang = lang; document.documentElement.lang = lang; }; "
    "if (['#en', '#zh'].includes(location.hash)) show(location.hash.slice(1)); "
    "document.querySelector('button').addEventListener('click', () => "
    "show(document.body.dataset.lang === 'en' ? 'zh' : 'en'));"
)
LANGUAGES: tuple[Language, Language] = ("en", "zh")


def page(view: View, language: Language = "en") -> str:
    """The whole page. ``language``: the one that is seen first; a button changes it."""
    body = [
        _head(view),
        _figures(view),
        *(f'<section class="picture {one}">{svg(view, one)}</section>' for one in LANGUAGES),
        _failures(view),
        _lines(view),
        _table(view),
    ]
    return document(view.title, "".join(body), language)


def document(title: str, body: str, language: Language) -> str:
    """A page that needs nothing else; whatever is of class ``en`` or ``zh`` is seen in that language only."""
    return (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n"
        f'<body data-lang="{language}">\n<main>\n{body}</main>\n<script>{_SCRIPT}</script>\n</body>\n</html>\n'
    )


def percent(share: float, places: int = 1) -> str:
    """``98.2 %``; a dash where there is none."""
    return "–" if np.isnan(share) else f"{100 * share:.{places}f}\u00a0%"


def both(key: str, **values: object) -> str:
    """A word in both languages, of which one is seen."""
    return said(*(word(key, language, **values) for language in LANGUAGES))


def said(english: str, chinese: str) -> str:
    return f'<span class="en">{escape(english)}</span><span class="zh" lang="zh">{escape(chinese)}</span>'


def _head(view: View) -> str:
    simulated = both("simulated", days=view.days, calls=view.calls)
    seats = both("most_seats", seats=view.most_seats)
    notes = "".join(f'<p class="faint">{said(note.en, note.zh)}</p>' for note in view.notes)
    return (
        f"<header><div><h1>{escape(view.title)}</h1><p class='faint'>{simulated} · {seats}</p>"
        f"<p class='faint'>{both('method')}</p>{notes}</div>{button()}</header>"
        f'<p class="verdict {view.verdict}">{said(*_verdict(view))}</p>'
    )


def _verdict(view: View) -> tuple[str, str]:
    english, chinese = (
        word(
            "verdict", language,
            verdict=word(view.verdict, language), target=word("target", language, target=100 * view.target),
        )
        for language in LANGUAGES
    )  # fmt: skip
    return english, chinese


def button() -> str:
    """What changes the language."""
    return f"<button>{said(word('language', 'en'), word('language', 'zh'))}</button>"


def _figures(view: View) -> str:
    boxes = []
    for key in ("answer_rate", "service_level", "abandon_rate", "asa", "occupancy"):
        span = view.figures[key]
        name = both(key, within=view.within_s) if key == "service_level" else both(key)
        boxes.append(
            f'<div class="figure"><small>{name}</small><b>{_value(key, span.mean)}</b>'
            f"<small>95 %: {_range(key, span) if view.sure else both('unknown')}</small></div>"
        )
    return f'<div class="figures">{"".join(boxes)}</div><p class="faint">{both("strict")}</p>'


def _value(key: str, value: float) -> str:
    if key != "asa":
        return f"{100 * value:.2f}\u00a0%"
    return f"{value:.1f}\u00a0{both('seconds')}"


def _range(key: str, span: Interval) -> str:
    low, high = (f"{v:.1f}" if key == "asa" else f"{100 * v:.2f}" for v in (span.low, span.high))
    return f"{low} – {high}"


def rows_of(head: Sequence[tuple[str, bool]], rows: Iterable[str]) -> str:
    """A table; of each column its head and whether it is text."""
    columns = "".join(f'<th class="text">{name}</th>' if text else f"<th>{name}</th>" for name, text in head)
    return f'<div class="wide"><table><thead><tr>{columns}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def _rate(span: Interval, target: float) -> str:
    """Red is what surely misses the target, amber what does more likely than not."""
    short = ' class="short"' if span.high < target else ' class="open"' if span.mean < target else ""
    limits = "" if np.isnan(span.low) else f' title="{percent(span.low)} – {percent(span.high)}"'
    return f"<td{short}{limits}>{percent(span.mean)}</td>"


def _failures(view: View) -> str:
    title = f"<h2>{both('failures')}</h2>"
    if not view.failures:
        return f"{title}<p>{both('nothing_fails' if view.parted else 'not_sure')}</p>"
    head = [
        (both("where"), True),
        (both("answer_rate"), False),
        (both("lost"), False),
        (both("why"), True),
    ]
    rows = (
        f'<tr><td class="text">{said(one.where.en, one.where.zh)}</td>{_rate(one.rate, view.target)}'
        f'<td>{one.lost:,.1f}</td><td class="text">{said(one.why.en, one.why.zh)}</td></tr>'
        for one in view.failures
    )
    return title + rows_of(head, rows)


def _lines(view: View) -> str:
    head = [
        (both("line"), True),
        (both("calls_day"), False),
        (both("answer_rate"), False),
        (both("service_level", within=view.within_s), False),
        (both("asa"), False),
    ]
    rows = (
        f'<tr><td class="text">{escape(_named(line))}</td><td>{line.calls:,.0f}</td>'
        f"{_rate(line.answer_rate, view.target)}<td>{percent(line.service_level.mean)}</td>"
        f"<td>{line.asa:.1f}\u00a0{both('seconds')}</td></tr>"
        for line in view.lines
    )
    return f"<h2>{both('lines')}</h2>" + rows_of(head, rows)


def _named(line: LineRow) -> str:
    return line.name if line.title in {"", line.name} else f"{line.name} {line.title}"


def _table(view: View) -> str:
    head = [
        (both("half_hour"), True),
        (both("calls"), False),
        (both("seats"), False),
        (both("need"), False),
        (both("answer_rate"), False),
        (both("asa"), False),
        (both("occupancy"), False),
    ]
    rows = (
        f'<tr><td class="text">{escape(name)}</td><td>{view.offered[n]:,.1f}</td><td>{view.seats[n]:.1f}</td>'
        f"<td>{_whole(float(view.need[n]))}</td>{_rate(view.answer_rate.at(n), view.target)}<td>{_seconds(view.wait_s, n)}</td>"
        f"<td>{percent(float(view.occupancy[n]))}</td></tr>"
        for n, name in enumerate(view.half_hours)
    )
    return f"<details><summary>{both('table')}</summary>{rows_of(head, rows)}</details>"


def _whole(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.0f}"


def _seconds(bands: Band, n: int) -> str:
    mean = float(bands.mean[n])
    return "–" if np.isnan(mean) else f"{mean:.1f}\u00a0{both('seconds')}"
