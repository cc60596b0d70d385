"""Packages whose names or metadata are bad."""

from typing import Any

from tests.support.bad_packages import BZ2, Bad, Draft

GOOD = Draft()


def _index(rule: str, said: str, **index: Any) -> Bad:
    return Bad(Draft(index=index).conda, rule, said)


def _raw(name: str, content: bytes, rule: str, said: str) -> Bad:
    return Bad(Draft(info={name: content}).conda, rule, said)


def _document(name: str, content: Any, rule: str, said: str) -> Bad:
    return Bad(Draft(info={name: content}).conda, rule, said)


def _paths(rule: str, said: str, **keys: Any) -> Bad:
    return Bad(GOOD.with_path(**keys).conda, rule, said)


def _named(file: str, rule: str, said: str) -> Bad:
    return Bad(GOOD.conda, rule, said, file)


def _link(entry_points: Any, kind: str = "python") -> Draft:
    link = {"noarch": {"type": kind, "entry_points": entry_points}, "package_metadata_version": 1}
    return Draft(index={"noarch": "python", "subdir": "noarch"}, info={"link.json": link})


def _legacy(**info: bytes) -> bytes:
    return Draft(info={"paths.json": None, **info}).tar_bz2()


_LISTED = b"bin/tool\nlib/data\nlib/d\n"
_EXTRA = {"paths": [*GOOD.listing()["paths"], {"_path": "lib/none"}], "paths_version": 1}
_DOUBLE = {"paths": [*GOOD.listing()["paths"], {"_path": "bin/tool"}], "paths_version": 1}

BAD = {
    # names
    "a wheel": _named("tool-1.0-py3-none-any.whl", "file-suffix", ".conda or .tar.bz2"),
    "two parts": _named("tool-1.0.conda", "file-name-parts", "NAME-VERSION-BUILD"),
    "folder in the name": _named("../tool-1.0-h0_0.conda", "package-name", "'../tool'"),
    "upper case": _named("Tool-1.0-h0_0.conda", "package-name", "'Tool'"),
    "virtual": _named("__tool-1.0-h0_0.conda", "package-name", "'__tool'"),
    "two separators": _named("a--b-1.0-h0_0.conda", "package-name", "'a--b'"),
    "line's end in the name": _named("tool\n-1.0-h0_0.conda", "package-name", "tool"),
    "long name": _named(f"{'a' * 65}-1.0-h0_0.conda", "package-name", "65 characters"),
    "long version": _named(f"tool-{'1' * 65}-h0_0.conda", "package-version", "65 characters"),
    "long build": _named(f"tool-1.0-{'h' * 65}.conda", "package-build", "65 characters"),
    "long file name": _named(f"{'a' * 220}-1.0-0.conda", "file-name-length", "at most 211"),
    "odd version": _named("tool-1.0~a-h0_0.conda", "package-version", "'1.0~a'"),
    "odd build": _named("tool-1.0-h 0.conda", "package-build", "'h 0'"),
    "another name": _index("file-name-agrees", "the name 'other'; expected 'tool'", name="other"),
    "another version": _index("file-name-agrees", "the version '1.1'", version="1.1"),
    "another build": _index("file-name-agrees", "the build 'h0_1'", build="h0_1"),
    # index.json
    "no index.json": _document("index.json", None, "metadata-missing", "info/index.json"),
    "a list": _raw("index.json", b"[]", "json-type", "a JSON list"),
    "no JSON": _raw("index.json", b"{name: tool}", "json-readable", "no JSON"),
    "not UTF-8": _raw("index.json", b'{"name": "\xff"}', "json-readable", "not UTF-8"),
    "UTF-16": _raw("index.json", '{"name": 1}'.encode("utf-16"), "json-readable", "not UTF-8"),
    "a key twice": _raw("index.json", b'{"name": 1, "name": 2}', "json-twice", "'name' twice"),
    "NaN": _raw("index.json", b'{"x": NaN}', "json-readable", "NaN"),
    "infinite": _raw("index.json", b'{"x": 1e999}', "json-readable", "1e999"),
    "huge number": _raw("index.json", b'{"x": %s}' % (b"9" * 30), "json-readable", "100 bits"),
    "endless number": _raw("index.json", b'{"x": %s}' % (b"9" * 9000), "json-readable", "no JSON"),
    "deep": _raw("index.json", b'{"x": %s}' % (b"[" * 99 + b"]" * 99), "json-depth", "64 levels"),
    "bottomless": _raw("index.json", b"[" * 100_000, "json-depth", "64 levels"),
    "half a character": _index("json-text", "half a character", license="\ud800"),
    "NUL": _index("json-text", "NUL", summary={"x": ["a\0b"]}),
    "no build_number": _index("json-type", "no build_number", build_number=None),
    "negative build_number": _index("json-type", "0 or more", build_number=-1),
    "text as build_number": _index("json-type", "build_number: '1'", build_number="1"),
    "true as build_number": _index("json-type", "build_number: True", build_number=True),
    "text as depends": _index("json-type", "depends: 'python'", depends="python"),
    "number in depends": _index("json-type", "3 in depends", depends=[3]),
    "text as timestamp": _index("json-type", "timestamp", timestamp="1"),
    "list as license": _index("json-type", "license", license=["MIT"]),
    "bad dependency": _index("dependency-readable", "'python ('", depends=["python ("]),
    "empty dependency": _index("dependency-readable", "''", depends=[""]),
    "endless dependency": _index("dependency-readable", "2,001", depends=["a" * 2001]),
    "two lines": _index("dependency-readable", "printed", depends=["python\n>=3"]),
    "bad constraint": _index("dependency-readable", "in constrains", constrains=["a ==="]),
    "a version without order": Bad(
        Draft(index={"version": "1..0"}).tar_bz2,
        "version-readable",
        "1..0",
        "tool-1..0-h0_0.tar.bz2",
    ),
    "no subdir": _index("subdir", "None", subdir=None),
    "upper subdir": _index("subdir", "'Linux-64'", subdir="Linux-64"),
    "subdir outside": _index("subdir", "'../x-64'", subdir="../x-64"),
    "long subdir": _index("subdir", "the subdir", subdir="linux-" + "6" * 30),
    "odd noarch": _index("noarch-agrees", "'ruby'", noarch="ruby", subdir="noarch"),
    "generic for a platform": _index("noarch-agrees", "in the subdir linux-64", noarch="generic"),
    "the future": _index("timestamp-in-future", "days ahead", timestamp=4_000_000_000_000),
    "far future": _index("index-readable", "out of range", timestamp=9_000_000_000_000_000_000),
    "no such purl": _index("index-readable", "scheme", purls=["tool"]),
    "site-packages outside": _index(
        "path-leaves-package", "'..'", python_site_packages_path="../../lib"
    ),
    # paths.json
    "no paths.json": _document("paths.json", None, "metadata-missing", "info/paths.json"),
    "no paths.json or files": Bad(_legacy, "metadata-missing", "info/paths.json", BZ2),
    "paths as object": Bad(
        Draft(paths={"paths": {}, "paths_version": 1}).conda, "json-type", "paths: {}"
    ),
    "paths of many values": Bad(
        Draft(paths={"paths": [[]] * 70_000, "paths_version": 1}).conda,
        "metadata-size",
        "70,000 values",
    ),
    "paths as text": Bad(
        Draft(paths={"paths": ["bin/tool"], "paths_version": 1}).conda, "json-type", "a _path"
    ),
    "paths_version 2": Bad(
        Draft(paths={"paths": [], "paths_version": 2}).conda, "paths-version", "paths_version: 2"
    ),
    "unlisted": Bad(
        Draft(paths={"paths": [], "paths_version": 1}).conda, "paths-lists-all", "and 2 more"
    ),
    "unlisted in bzip2": Bad(
        lambda: Draft(paths=GOOD.listing()).with_member("x").tar_bz2(), "paths-lists-all", "x:", BZ2
    ),
    "listed only": Bad(Draft(paths=_EXTRA).conda, "paths-all-there", "lib/none"),
    "listed twice": Bad(Draft(paths=_DOUBLE).conda, "paths-twice", "bin/tool"),
    "listed as link": _paths("paths-type", "a file listed as softlink", path_type="softlink"),
    "odd path_type": _paths("paths-type", "'fifo'", path_type="fifo"),
    "odd no_link": _paths("paths-type", "no_link: 'yes'", no_link="yes"),
    "other bytes": _paths("paths-sha256", "the SHA-256", sha256="0" * 64),
    "odd sha256": _paths("paths-sha256", "64 hex digits", sha256="0" * 63),
    "other size": _paths("paths-size", "expected 11", size_in_bytes=11),
    "negative size": _paths("paths-size", "size_in_bytes: -1", size_in_bytes=-1),
    "odd file_mode": _paths("paths-placeholder", "file_mode: 'raw'", file_mode="raw"),
    "odd placeholder": _paths("paths-placeholder", "prefix_placeholder: 3", prefix_placeholder=3),
    "path outside": _paths("path-leaves-package", "'..'", _path="../tool"),
    "path with ./": _paths("path-form", "without ./", _path="./bin/tool"),
    # info/files
    "files leaves out": Bad(lambda: _legacy(files=_LISTED[9:]), "paths-lists-all", "bin/tool", BZ2),
    "files has more": Bad(lambda: _legacy(files=_LISTED + b"x"), "paths-all-there", "x", BZ2),
    "files has one twice": Bad(
        lambda: _legacy(files=_LISTED + b"lib/d"), "paths-twice", "lib/d", BZ2
    ),
    "files in Latin-1": Bad(
        lambda: _legacy(files=b"caf\xe9"), "member-encoding", "info/files", BZ2
    ),
    "prefix of another": Bad(
        lambda: _legacy(files=_LISTED, has_prefix=b'"/opt/x y" text lib/none\n'),
        "paths-placeholder",
        "'lib/none'",
        BZ2,
    ),
    "no_link of another": Bad(
        lambda: _legacy(files=_LISTED, no_link=b"lib/none\n"), "paths-placeholder", "no_link", BZ2
    ),
    # the rest of info/
    "bad run export": _document(
        "run_exports.json", {"weak": ["a =="]}, "dependency-readable", "run_exports.json"
    ),
    "run exports as text": _document(
        "run_exports.json", {"strong": "a"}, "json-type", "strong: 'a'"
    ),
    "run exports as number": _document("run_exports.json", 3, "json-type", "a JSON int"),
    "bad about.json": _raw("about.json", b"{", "json-readable", "info/about.json"),
    "link.json disagrees": Bad(_link([], "generic").conda, "noarch-agrees", "info/link.json"),
    "entry point outside": Bad(_link(["../x = a:b"]).conda, "entry-point", "'../x = a:b'"),
    "entry point ..": Bad(_link([".. = a:b"]).conda, "entry-point", "'.. = a:b'"),
    "endless entry point": Bad(
        _link(["a = b" * 300 + "\n"]).conda, "entry-point", "NAME = MODULE:FUNCTION"
    ),
    "entry point of nothing": Bad(_link(["tool"]).conda, "entry-point", "NAME = MODULE"),
    "entry points as text": Bad(_link("tool = a:b").conda, "json-type", "entry_points"),
    "metadata in bzip2 disagrees": Bad(
        lambda: Draft(index={"name": "other"}).tar_bz2(), "file-name-agrees", "'other'", BZ2
    ),
}
