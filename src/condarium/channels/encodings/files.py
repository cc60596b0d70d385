"""The names of the files that are made of a view."""

REPODATA, REPODATA_ZST = "repodata.json", "repodata.json.zst"
RUN_EXPORTS, RUN_EXPORTS_ZST = "run_exports.json", "run_exports.json.zst"
CHANNELDATA, NOTICES = "channeldata.json", "notices.json"

SUBDIR_FILES = (REPODATA, REPODATA_ZST, RUN_EXPORTS, RUN_EXPORTS_ZST)
CHANNEL_FILES = (CHANNELDATA, NOTICES)


def files_of(subdir: str) -> tuple[str, ...]:
    """The files of a subdir, or of the view as a whole where the subdir is empty."""
    return SUBDIR_FILES if subdir else CHANNEL_FILES
