"""Names of package files: `numpy-2.1.0-py312_0.conda`."""

CONDA = ".conda"
TAR_BZ2 = ".tar.bz2"


def is_package(file: str) -> bool:
    """Whether a text has the form of a package's file name."""
    stem = _stem(file)
    return stem != file and all(stem.rsplit("-", 2)) and stem.count("-") >= 2 and "/" not in file


def package_name(file: str) -> str:
    return _stem(file).rsplit("-", 2)[0]


def twin(file: str) -> str | None:
    """The .conda file of the same package as a .tar.bz2 file; None for any other."""
    return file.removesuffix(TAR_BZ2) + CONDA if file.endswith(TAR_BZ2) else None


def _stem(file: str) -> str:
    return file.removesuffix(CONDA).removesuffix(TAR_BZ2)
