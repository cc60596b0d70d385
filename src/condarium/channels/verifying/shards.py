"""Shards: whether each name has those that its facts give, at every revision."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from hashlib import sha256
from itertools import islice

from condarium.channels.revising.reindexing import Patching, shards_of
from condarium.channels.shard import Shard, decode_shard, encode_shard
from condarium.channels.verifying.findings import BY_HAND, Findings, restore
from condarium.channels.verifying.spans import Span, check_spans, check_twice
from condarium.errors import BlobDamaged, NoSuchBlob
from condarium.model.hosting.fact import FactKind
from condarium.model.hosting.hosted import ChannelKind, HostedChannel, HostedFile, HostedPatch
from condarium.model.progress import Progress
from condarium.storage.facts import Facts
from condarium.storage.hosting.inspection import ShardSpan
from condarium.storage.hosting.shards import ShardKey

_AT_ONCE = 400
"""How many names are in memory at once."""


class Names:
    """Compares the facts, files and shards of package names, some at a time."""

    def __init__(
        self, facts: Facts, channel: HostedChannel, findings: Findings, *, all_revisions: bool
    ) -> None:
        self._facts, self._channel, self._findings = facts, channel, findings
        self._all = all_revisions
        self._patches = _PatchSpans(facts, channel)

    def check(self, progress: Progress) -> None:
        self._patches.check(self._findings)
        names = self._facts.inspection.names(self._channel)
        progress.phase("compare packages", sum(map(len, names.values())), "names")
        for subdir, several in names.items():
            rest = iter(several)
            while part := list(islice(rest, _AT_ONCE)):
                self._check(subdir, part)
                progress.advance(len(part))

    def _check(self, subdir: str, names: Sequence[str]) -> None:
        keys = [(subdir, name) for name in names]
        spans = [Span(*row) for row in self._facts.holdings.spans(self._channel, keys)]
        files = {
            (f.subdir, f.file_name): f for f in self._facts.holdings.files_of(self._channel, keys)
        }
        check_spans(self._channel, spans, files, self._findings)
        self._check_packages(spans, files.values())
        shards = defaultdict(list)
        for span in self._facts.inspection.shards(self._channel, subdir, names):
            shards[span.key.name].append(span)
        if self._channel.kind is ChannelKind.PROXY:
            self._check_pulled(spans, [each for name in names for each in shards[name]])
            return
        for number, part in self._points(subdir, names, spans, shards).items():
            self._check_at(number, subdir, sorted(part), shards)

    def _points(
        self,
        subdir: str,
        names: Sequence[str],
        spans: Iterable[Span],
        shards: dict[str, list[ShardSpan]],
    ) -> dict[int, set[str]]:
        """The revisions at which to compare each name: all at which anything about it changes."""
        head = self._channel.head
        if not self._all:
            return {head: set(names)}
        points: dict[int, set[str]] = defaultdict(set)
        for span in spans:
            for number in (span.since, span.until):
                points[number or head].add(span.fact.name)
        for name in names:
            for shard in shards[name]:
                for number in (shard.since, shard.until):
                    points[number or head].add(name)
            for number in self._patches.points(subdir, name):
                points[number].add(name)
        return {number: points[number] for number in sorted(points) if 0 < number <= head}

    def _check_at(
        self, number: int, subdir: str, names: Sequence[str], spans: dict[str, list[ShardSpan]]
    ) -> None:
        try:
            expected = shards_of(
                self._facts,
                self._channel,
                subdir,
                names,
                patching=self._patches.at(number),
                at=number,
            )
        except (NoSuchBlob, BlobDamaged, KeyError):  # told already: a patch, or a file, is missing
            return
        present = [each for name in names for each in spans[name] if each.holds(number)]
        for key in expected.keys() - {each.key for each in present}:
            self._problem(key, number, "no shard", "one")
        seen: set[ShardKey] = set()
        for each in present:
            self._findings.counts["shards"] += 1
            if each.key in seen:
                self._problem(each.key, number, "two shards", "one")
            seen.add(each.key)
            self._check_shard(each, expected.get(each.key), number)

    def _check_shard(self, span: ShardSpan, expected: Shard | None, number: int) -> None:
        digest = span.digest.hex()
        if expected is None:
            self._problem(span.key, number, f"the shard {digest}", "none")
        elif wrong := self._findings.what_is_wrong(digest):
            self._problem(span.key, number, wrong, f"the shard {digest}", restore(digest))
        elif sha256(encode_shard(expected)).hexdigest() != digest:
            # another release of zstd may have compressed the same content otherwise
            self._compare(span, expected, number)

    def _compare(self, span: ShardSpan, expected: Shard, number: int) -> None:
        found = decode_shard(self._findings.blobs.get(span.digest.hex()))
        names = set(found.records) | set(expected.records)
        other = sorted(n for n in names if found.records.get(n) != expected.records.get(n))
        other += sorted(set(found.removed) ^ set(expected.removed))
        if other:
            told = ", ".join(other[:3]) + (" …" if len(other) > 3 else "")
            self._problem(span.key, number, f"a shard that says otherwise of {told}", "their facts")

    def _problem(
        self, key: ShardKey, number: int, found: str, expected: str, hint: str = BY_HAND
    ) -> None:
        where = f"{key.subdir}/{key.name}, label {key.label}, r{number}"
        self._findings.problem("shard", where, found=found, expected=expected, hint=hint)

    def _check_packages(self, spans: Iterable[Span], files: Iterable[HostedFile]) -> None:
        """Look at the bytes of the files that are in the channel, or ever were.

        A proxy keeps what was fetched through it, and a fact says so only once upstream lacks it.
        """
        proxy = self._channel.kind is ChannelKind.PROXY
        wanted = {
            (span.fact.subdir, span.fact.file_name)
            for span in spans
            if span.fact.kind is FactKind.FILE and (self._all or span.until is None)
        }
        for file in files:
            if proxy or (file.subdir, file.file_name) in wanted:
                self._check_package(file)

    def _check_pulled(self, spans: Iterable[Span], shards: Iterable[ShardSpan]) -> None:
        """Look at the bytes of a proxy's shards, as far as it has fetched or made them."""
        places = {
            bytes.fromhex(span.fact.value): f"{span.fact.subdir}/{span.fact.name}, upstream's"
            for span in spans
            if span.fact.kind is FactKind.SHARD and span.until is None
        }
        for shard in shards:
            if self._all or shard.until is None:
                places[shard.digest] = f"{shard.key.subdir}/{shard.key.name}, r{shard.since}"
        for digest in self._facts.obtained.among(self._channel, places):
            self._findings.counts["shards"] += 1
            name = digest.hex()
            if wrong := self._findings.what_is_wrong(name):
                self._findings.problem(
                    "shard",
                    places[digest],
                    found=wrong,
                    expected=f"the shard {name}",
                    hint=_pull(name),
                )

    def _check_package(self, file: HostedFile) -> None:
        lazy = file.source is not None and self._channel.kind is not ChannelKind.PROXY
        if lazy and not self._findings.blobs.has(file.sha256):
            self._findings.counts["not fetched"] += 1
            return
        self._findings.counts["packages"] += 1
        if wrong := self._findings.what_is_wrong(file.sha256, file.size):
            proxy = self._channel.kind is ChannelKind.PROXY
            self._findings.problem(
                "package",
                f"{file.subdir}/{file.file_name}",
                found=wrong,
                expected=f"{file.size} bytes of SHA-256 {file.sha256}",
                hint=_pull(file.sha256) if proxy else _publish(file.sha256),
            )


def _pull(digest: str) -> str:
    return (
        f"Remove the blob {digest[:2]}/{digest[2:]} if it is there: it is fetched again when it is "
        "asked for, if upstream still has it. If not, restore it from a backup."
    )


def _publish(digest: str) -> str:
    return (
        f"Remove the blob {digest[:2]}/{digest[2:]} if it is there, and publish the same file "
        "again, or restore the blob from a backup."
    )


class _PatchSpans:
    """The patches of a channel, by when they hold."""

    def __init__(self, facts: Facts, channel: HostedChannel) -> None:
        rows = facts.holdings.spans(channel, [("", "")])
        self._spans = [Span(*row) for row in rows if row[0].kind is FactKind.PATCH]
        self._known = facts.holdings.patches(channel)
        self._channel = channel
        self.at: Callable[[int], Patching] = lru_cache(maxsize=64)(self._patching(facts))

    def points(self, subdir: str, name: str) -> Iterator[int]:
        """The revisions at which patches begin or end that may touch a package name."""
        for span in self._spans:
            patch = self._known.get(span.fact.position)
            if patch and ((names := patch.touches(subdir)) is None or name in names):
                yield span.since
                if span.until is not None:
                    yield span.until

    def check(self, findings: Findings) -> None:
        self._blobs = findings.blobs
        check_twice(self._spans, findings)
        for span in self._spans:
            findings.counts["facts"] += 1
            patch = self._known.get(span.fact.position)
            if patch is None or patch.document != span.fact.value:
                found = f"the document {patch.document}" if patch else "no such patch"
                self._problem(findings, span.fact.position, found, span.fact.value, BY_HAND)
        for position, patch in self._known.items():
            findings.counts["patches"] += 1
            if wrong := findings.what_is_wrong(patch.document):
                hint = restore(patch.document)
                self._problem(findings, position, wrong, patch.document, hint)

    def _patching(self, facts: Facts) -> Callable[[int], Patching]:
        return lambda number: Patching(self._blobs, facts, self._channel, at=number)

    def _problem(
        self, findings: Findings, position: int, found: str, document: str, hint: str
    ) -> None:
        known = self._known.get(position)
        where = f"{position} ({known.name})" if isinstance(known, HostedPatch) else str(position)
        expected = f"the document {document}"
        findings.problem("patch", where, found=found, expected=expected, hint=hint)
