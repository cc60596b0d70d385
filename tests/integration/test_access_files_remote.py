"""What is lent as files, by requests to a server: for administrators, and what is for everybody."""

from pathlib import Path

import httpx
from tests.support.serving import TOKEN, serve

from condarium.client import Client

FILE = """\
version: 1
resources:
  gpu: {kind: runner, private: the key is in the safe}
  vault: {kind: runner, public: false}
grants:
- {project: 'github:lab/fit#1', resources: [gpu, vault], conditions: {people: [github:ada#1]}}
"""


def test_files_are_planned_applied_and_exported(tmp_path: Path) -> None:
    file = tmp_path / "lending.yml"
    file.write_text(FILE)
    with (
        serve(tmp_path / "store") as server,
        Client(server.url, token=TOKEN) as client,
        httpx.Client(base_url=f"{server.url}/api/v1/access") as anybody,
    ):
        planned = client.access.plan([file])
        assert [each.does for each in planned.changes] == ["made"] * 4
        assert client.access.apply([file], plan=planned.id).changes == planned.changes
        whole = tmp_path / "whole.yml"
        client.access.export(output=whole)
        assert client.access.plan([whole]).changes == ()
        assert anybody.get("/export").status_code == 401
        public = anybody.get("/export", params={"public": "true"}).json()["content"]
        assert "github:lab/fit#1" in public
        assert not [each for each in ("safe", "vault", "ada") if each in public]
        for name in ("plan", "apply", "import", "resolve"):
            assert anybody.post(f"/{name}", json={}).status_code == 401
