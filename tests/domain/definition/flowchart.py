"""
Reads the part of Mermaid that a picture uses, and nothing beside it: what it does not know fails.

Labels are given as people see them, with their numbers turned back into characters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

_WORDS: Final = frozenset({"end", "start", "graph", "subgraph", "style", "class", "click", "default", "direction"})
_QUOTED: Final = r'"(?P<text>[^"\n]*)"'
_SHAPES: Final = ("(((|)))", "((|))", "([|])", "[/|\\]", "[\\|/]", "[|]", "{|}", "(|)", "{{|}}", "[[|]]")
_NODE: Final = re.compile(
    r"(?P<id>[a-z0-9]+)(?P<before>[\[({/\\]+)" + _QUOTED + r"(?P<after>[\])}/\\]+)(:::(?P<of>\w+))?"
)
_EDGE: Final = re.compile(r"(?P<source>[a-z0-9]+) (?P<line>-->|-\.->)(\|" + _QUOTED + r"\|)? (?P<target>[a-z0-9]+)")
_BOX: Final = re.compile(r'subgraph (?P<id>[a-z0-9]+)\[" "\]')
_CLASS: Final = re.compile(r"classDef (?P<name>\w+) (?P<style>\S.*)")
_LINKS: Final = re.compile(r"linkStyle (?P<numbers>\d+(,\d+)*) (?P<style>\S.*)")
_STYLE: Final = re.compile(r"(fill|stroke|color|stroke-width|stroke-dasharray):[#\w ]+(,|$)")
_SAFE: Final = re.compile(r"(#\d+;|<br/>|[^\"#;:<>|`\[\]{}&*%\\])*")


@dataclass
class Flowchart:
    title: str = ""
    shapes: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    classes: dict[str, str] = field(default_factory=dict)
    edges: list[tuple[str, str, str]] = field(default_factory=list)
    dotted: set[tuple[str, str]] = field(default_factory=set)
    boxes: dict[str, str] = field(default_factory=dict)
    """The box that each node stands in."""

    open_boxes: list[str] = field(default_factory=list)
    styles: dict[str, dict[str, str]] = field(default_factory=dict)
    links: dict[int, str] = field(default_factory=dict)

    def step(self, label: str) -> str:
        """The node whose label begins so."""
        (found,) = (node for node, text in self.labels.items() if text.split("\n")[0] == label)
        return found


def read(text: str) -> Flowchart:
    lines = text.splitlines()
    assert text.endswith("\n")
    assert (lines[0], lines[2], lines[3]) == ("---", "---", "flowchart TD")
    title = re.fullmatch(r'title: "([\w .+-]*)"', lines[1])
    assert title, lines[1]
    chart = Flowchart(title=title[1])
    for line in lines[4:]:
        assert line.startswith("    "), line
        _line(chart, line.strip())
    named = {name for source, target, _ in chart.edges for name in (source, target)}
    assert not chart.open_boxes
    assert named <= chart.labels.keys()
    assert set(chart.classes.values()) <= chart.styles.keys()
    assert all(number < len(chart.edges) for number in chart.links)
    return chart


def _line(chart: Flowchart, line: str) -> None:
    if node := _NODE.fullmatch(line):
        assert node["id"] not in _WORDS | chart.labels.keys(), line
        shape = f"{node['before']}|{node['after']}"
        assert shape in _SHAPES, line
        chart.shapes[node["id"]], chart.labels[node["id"]] = shape, _seen(node["text"])
        if chart.open_boxes:
            chart.boxes[node["id"]] = chart.open_boxes[-1]
        if node["of"]:
            chart.classes[node["id"]] = node["of"]
    elif edge := _EDGE.fullmatch(line):
        assert edge["text"] != "", "an empty label is no label"
        if edge["line"] == "-.->":
            chart.dotted.add((edge["source"], edge["target"]))
        chart.edges.append((edge["source"], edge["target"], _seen(edge["text"] or "")))
    elif box := _BOX.fullmatch(line):
        chart.open_boxes.append(box["id"])
    elif line == "end":
        chart.open_boxes.pop()
    elif style := _CLASS.fullmatch(line):
        chart.styles[style["name"]] = _style(style["style"])
    elif links := _LINKS.fullmatch(line):
        _style(links["style"])
        chart.links.update(dict.fromkeys(map(int, links["numbers"].split(",")), links["style"]))
    else:
        raise AssertionError(f"expected a line of a flowchart, but got {line!r}")


def _style(text: str) -> dict[str, str]:
    assert _STYLE.sub("", text) == "", text
    return dict(part.split(":", 1) for part in text.split(","))


def _seen(text: str) -> str:
    assert _SAFE.fullmatch(text), text
    return re.sub(r"#(\d+);", lambda found: chr(int(found[1])), text.replace("<br/>", "\n"))
