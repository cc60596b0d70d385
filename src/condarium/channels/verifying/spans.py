"""Facts by when they hold: whether they go together, and with the files that they speak of."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import NamedTuple

import msgspec

from condarium.channels.verifying.findings import Findings
from condarium.model.hosting.fact import Fact, FactKind
from condarium.model.hosting.hosted import HostedChannel, HostedFile


class Span(NamedTuple):
    """A fact, from a revision until another."""

    fact: Fact
    since: int
    until: int | None

    def covers(self, other: "Span") -> bool:
        ends_later = self.until is None or (other.until is not None and other.until <= self.until)
        return self.since <= other.since and ends_later


def check_spans(
    channel: HostedChannel,
    spans: Iterable[Span],
    files: Mapping[tuple[str, str], HostedFile],
    findings: Findings,
) -> None:
    """Compare the facts about some package names with each other."""
    of_file: dict[tuple[str, str], list[Span]] = defaultdict(list)
    for span in spans:
        findings.counts["facts"] += 1
        _check_span(channel, span, findings)
        of_file[span.fact.subdir, span.fact.file_name].append(span)
    for key, about in of_file.items():
        _check_twice(about, findings)
        _check_file(key, about, files.get(key), findings)


def check_twice(spans: Iterable[Span], findings: Findings) -> None:
    _check_twice(list(spans), findings)


def _check_span(channel: HostedChannel, span: Span, findings: Findings) -> None:
    ends = span.until is None or span.since < span.until <= channel.head
    if not 0 < span.since <= channel.head or not ends:
        findings.problem(
            "fact",
            _say(span.fact),
            found=f"it holds from r{span.since} until r{span.until or channel.head}",
            expected=f"revisions in their order, of r1 to r{channel.head}",
        )


def _check_twice(about: list[Span], findings: Findings) -> None:
    ordered = sorted(about, key=lambda span: (span.fact, span.since))
    for before, after in pairwise(ordered):
        if before.fact == after.fact and (before.until is None or before.until > after.since):
            findings.problem(
                "fact",
                _say(after.fact),
                found=f"it begins at r{after.since} and holds since r{before.since} already",
                expected="a fact to hold once",
            )


def _check_file(
    key: tuple[str, str], about: list[Span], file: HostedFile | None, findings: Findings
) -> None:
    there = [span for span in about if span.fact.kind is FactKind.FILE]
    for span in about:
        if span.fact.kind in (FactKind.LABEL, FactKind.YANK):
            if not any(each.covers(span) for each in there):
                findings.problem(
                    "fact",
                    _say(span.fact),
                    found="the file is not in the channel all that time",
                    expected="facts about files that are there",
                )
        elif span.fact.kind is FactKind.FILE and (file is None or file.sha256 != span.fact.value):
            findings.problem(
                "fact",
                _say(span.fact),
                found="no such file" if file is None else f"a file of SHA-256 {file.sha256}",
                expected=f"one of SHA-256 {span.fact.value}",
            )
    if file is not None and (wrong := _wrong_record(file)):
        findings.problem("file", "/".join(key), found=wrong, expected="a record of this file")


def _wrong_record(file: HostedFile) -> str | None:
    try:
        record = msgspec.json.decode(file.record)
    except msgspec.DecodeError as error:
        return f"a record that cannot be read: {error}"
    said = {
        "name": file.name,
        "version": file.version,
        "build": file.build,
        "build_number": file.build_number,
        "sha256": file.sha256,
        "indexed_timestamp": file.indexed_at,
    }
    wrong = [key for key, value in said.items() if key in record and record[key] != value]
    return f"a record of another {' and '.join(wrong)}" if wrong else None


def _say(fact: Fact) -> str:
    where = f"{fact.subdir}/{fact.file_name or fact.name}" if fact.name else ""
    return " ".join(part for part in (fact.kind, where, fact.value[:64]) if part)
