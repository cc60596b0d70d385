"""An S3 endpoint on loopback, from moto: `with running_endpoint() as endpoint`."""

import http.client
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count

from moto.server import ThreadedMotoServer

_NUMBERS = count(1)


@dataclass(frozen=True)
class Endpoint:
    host: str
    port: int

    @property
    def environ(self) -> Mapping[str, str]:
        """What obstore reads of the environment."""
        return {
            "AWS_ENDPOINT_URL": f"http://{self.host}:{self.port}",
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "somebody",
            "AWS_SECRET_ACCESS_KEY": "something",
        }

    @property
    def options(self) -> dict[str, object]:
        """The same as options of `Blobs.at_url`."""
        config = {key: value for key, value in self.environ.items() if key != "AWS_ALLOW_HTTP"}
        return {"config": config, "client_options": {"allow_http": True}}

    def new_bucket(self) -> str:
        name = f"bucket{next(_NUMBERS)}"
        self._ask("PUT", f"/{name}")
        return name

    def _ask(self, method: str, path: str) -> None:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=30)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            said = answer.read()
            assert answer.status == 200, said
        finally:
            connection.close()


@contextmanager
def running_endpoint() -> Iterator[Endpoint]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        yield Endpoint(*server.get_host_and_port())
    finally:
        server.stop()
