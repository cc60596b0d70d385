"""What a bundle is: a tar of a manifest, the indexes that it names, and their packages.

Described in docs/reference/formats.md. The manifest comes first; records lie in the indexes and
nowhere else, so that an unpacked bundle is a static channel.
"""

import msgspec

from condarium.errors import BadInput

VERSION = 1
MANIFEST = "condarium-bundle.json"
INDEX = "repodata.json"
_encoder = msgspec.json.Encoder(order="sorted")


class BadBundle(BadInput):
    """A file is not a bundle, or not a whole one."""

    def __init__(self, bundle: str, *, found: str, expected: str, hint: str | None = None) -> None:
        self.bundle, self.found, self.expected = bundle, found, expected
        super().__init__(
            f"{bundle}: found {found}; expected {expected}",
            hint=hint or "Copy the bundle again, or export it again. Nothing was imported.",
        )


class Entry(msgspec.Struct, forbid_unknown_fields=True):
    """A member behind the manifest: an index, or a package."""

    path: str
    sha256: str
    size: int


class Manifest(msgspec.Struct, forbid_unknown_fields=True):
    """What a bundle holds, and of what it was exported."""

    version: int
    view: str
    label: str
    revision: str
    indexes: list[Entry]
    packages: list[Entry]

    @property
    def entries(self) -> list[Entry]:
        """In the order in which they lie in the bundle."""
        return [*self.indexes, *self.packages]


class _Version(msgspec.Struct):
    version: int


def encode_manifest(manifest: Manifest) -> bytes:
    """Equal manifests give equal bytes."""
    return msgspec.json.format(_encoder.encode(manifest), indent=1) + b"\n"


def decode_manifest(content: bytes, bundle: str) -> Manifest:
    """Raises BadBundle."""
    try:
        version = msgspec.json.decode(content, type=_Version).version
        if version != VERSION:
            raise BadBundle(
                bundle,
                found=f"a bundle of version {version}",
                expected=f"version {VERSION}",
                hint="A newer condarium may read it.",
            )
        return msgspec.json.decode(content, type=Manifest)
    except msgspec.DecodeError as error:
        raise BadBundle(
            bundle, found=f"a {MANIFEST} that is damaged ({error})", expected="a whole one"
        ) from error


def encode_index(subdir: str, records: dict[str, object]) -> bytes:
    """Write a subdir's repodata.json (CEP 36); equal records give equal bytes."""
    conda = {name: record for name, record in records.items() if name.endswith(".conda")}
    return _encoder.encode(
        {
            "info": {"subdir": subdir},
            "packages": {name: each for name, each in records.items() if name not in conda},
            "packages.conda": conda,
            "repodata_version": 1,
        }
    )


def decode_index(content: bytes, path: str, bundle: str) -> dict[str, dict[str, object]]:
    """The records of an index by file name. Raises BadBundle."""
    try:
        found = msgspec.json.decode(content, type=dict[str, object])
        sections = (found.get("packages", {}), found.get("packages.conda", {}))
        return {
            name: record
            for section in sections
            for name, record in msgspec.convert(section, dict[str, dict[str, object]]).items()
        }
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise BadBundle(bundle, found=f"a damaged {path} ({error})", expected="an index") from error
