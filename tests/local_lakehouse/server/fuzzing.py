"""A generator of random HTTP, AWS JSON, REST and form requests that resemble valid requests.

``python -m tests.local_lakehouse.server.fuzzing SECONDS [SEED]`` sends random requests for the given time. It prints
the seed, the number of requests, and how many of them failed with status 500.
"""

from __future__ import annotations

import base64
import contextlib
import json
import random
import socket
import sys
import time
import urllib.parse
from collections.abc import Callable
from typing import Any

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from local_lakehouse.lakehouse import Lakehouse, Settings
from local_lakehouse.protocol.services import PROTOCOLS, operation_names, service_model
from tests.local_lakehouse.server.raw_http import RawResponse, answer, connect, request, signed

TEXTS = [
    "",
    "a",
    "some-bucket",
    "Orders",
    "default",
    "db",
    "t",
    "primary",
    "2026-01-01T00:00:00Z",
    "arn:aws:iam::1:role/r",
    "arn:aws:glue:us-east-1:123456789012:database/db",
    "arn:aws:dynamodb:us-east-1:123456789012:table/Orders",
    "arn:aws:s3:::some-bucket",
    "s3://some-bucket/a",
    "\u0000",
    "é",
    "😀",
    "\ud800",
    "x" * 3000,
    "'; DROP",
    "%00",
    "../..",
    "{}",
    "[]",
    "SELECT 1",
    "-1",
    "1e999",
    "${a}",
    "attribute_exists(a)",
    "SET a = :a",
    "#a = :a",
    "<a/>",
    "&Action=x&",
]
NUMBERS = [0, 1, -1, 2**31, 2**63, -(2**63), 10**400, 0.5, -0.0, 1e308, True]
JUNK: list[Any] = [None, True, 0, "", [], {}, [None], {"": None}, {"S": "a"}, [[]], "x" * 100]
# These operations take seconds, or stop something that other requests need.
_LEFT_OUT = {"StartQueryExecution", "ExportTableToPointInTime", "ImportTable", "CreateIntegration", "ModifyIntegration"}


class Fuzzer:
    """A generator of random requests. The same seed generates the same requests.

    Args:
        lakehouse: The lakehouse that receives the requests.
        seed: The seed for the random numbers.
    """

    def __init__(self, lakehouse: Lakehouse, seed: int) -> None:
        self._lakehouse = lakehouse
        self.random = random.Random(seed)  # noqa: S311  (The requests are not secrets.)
        self.kinds: list[Callable[[], RawResponse | None]] = [
            self._model,
            self._model,
            self._model,
            self._s3,
            self._raw,
        ]

    def step(self) -> RawResponse | None:
        """Send one request and return the response. The result is None if the connection closes without a response."""
        return self.random.choice(self.kinds)()

    def alive(self) -> bool:
        """Return whether the lakehouse responds to a valid request."""
        return request(self._lakehouse, "GET", "/", signed("s3")).status == 200

    def _chance(self, share: float) -> bool:
        return self.random.random() < share

    def _model(self) -> RawResponse:
        service = self.random.choice(sorted(PROTOCOLS))
        operation = self.random.choice(sorted(operation_names(service) - _LEFT_OUT))
        model = service_model(service).operation_model(operation)
        members = self._value(model.input_shape, 0) if model.input_shape else {}
        protocol = PROTOCOLS[service]
        if protocol.name == "json":
            return self._json(service, operation, members)
        if protocol.name == "query":
            return self._form(service, operation, members)
        return self._rest(model, members if isinstance(members, dict) else {})

    def _json(self, service: str, operation: str, members: Any) -> RawResponse:
        body = self._damaged(json.dumps(members).encode())
        headers = {
            **signed(service),
            "X-Amz-Target": f"{PROTOCOLS[service].target}.{operation}",
            "Content-Type": f"application/x-amz-json-{PROTOCOLS[service].version}",
        }
        return request(self._lakehouse, "POST", "/", headers, body)

    def _form(self, service: str, operation: str, members: Any) -> RawResponse:
        pairs = [("Action", operation), ("Version", service_model(service).api_version), *self._flat("", members)]
        body = self._damaged(urllib.parse.urlencode(pairs, errors="surrogatepass").encode())
        headers = {**signed(service), "Content-Type": "application/x-www-form-urlencoded"}
        return request(self._lakehouse, "POST", "/", headers, body)

    def _flat(self, prefix: str, value: Any) -> list[tuple[str, str]]:
        if isinstance(value, dict):
            return [pair for name, item in value.items() for pair in self._flat(f"{prefix}.{name}".strip("."), item)]
        if isinstance(value, list):
            items = enumerate(value, self.random.choice([0, 1, 1, 1, 2]))
            return [pair for at, item in items for pair in self._flat(f"{prefix}.member.{at}", item)]
        return [(prefix, str(value))]

    def _rest(self, model: OperationModel, members: dict[str, Any]) -> RawResponse:
        path, _, literals = model.http["requestUri"].partition("?")
        query, headers, document = [literals] if literals else [], {}, {}
        shape = model.input_shape
        for name, member in shape.members.items() if shape else ():
            location, wire = member.serialization.get("location"), member.serialization.get("name", name)
            value = members.get(name, "a")
            if location == "uri":
                text = urllib.parse.quote(str(value), safe="", errors="replace") or "a"
                path = path.replace(f"{{{wire}}}", text).replace(f"{{{wire}+}}", text)
            elif name in members and location == "querystring":
                query.append(f"{wire}={urllib.parse.quote(str(value), errors='replace')}")
            elif name in members and location == "header":
                headers[wire] = urllib.parse.quote(str(value), safe=" /:", errors="replace")
            elif name in members:
                document[wire] = value
        name = model.service_model.service_name
        body = json.dumps(document).encode() if name != "s3" else self._xml(document)
        target = path + (f"?{'&'.join(query)}" if query else "")
        return request(self._lakehouse, model.http["method"], target, {**signed(name), **headers}, self._damaged(body))

    def _xml(self, document: Any) -> bytes:
        def written(value: Any) -> str:
            if isinstance(value, dict):
                return "".join(f"<{name}>{written(item)}</{name}>" for name, item in value.items() if name.isalnum())
            if isinstance(value, list):
                return "".join(f"<Item>{written(item)}</Item>" for item in value)
            return "".join(letter for letter in str(value) if letter.isalnum())

        return written(document).encode()

    def _s3(self) -> RawResponse:
        method = self.random.choice(["GET", "PUT", "DELETE", "HEAD", "POST", "OPTIONS", "PATCH"])
        path = self.random.choice(
            ["/", "/some-bucket", "/some-bucket/k", "/other/k", "//", "/%ff", "/some-bucket/a%00b", "/a/b/"]
        )
        names = [
            "acl",
            "tagging",
            "uploads",
            "uploadId",
            "partNumber",
            "versionId",
            "delete",
            "list-type",
            "prefix",
            "max-keys",
            "lifecycle",
            "policy",
            "cors",
            "torrent",
            "x-id",
            "response-content-type",
            "encoding-type",
            "location",
        ]
        values = ["", "1", "2", "-1", "x", "%ff", "99999999999999999999", "a%20b"]
        query = "&".join(
            f"{self.random.choice(names)}={self.random.choice(values)}" for _ in range(self.random.randint(0, 3))
        )
        headers = {
            name: self.random.choice(values)
            for name in self.random.sample(
                [
                    "x-amz-acl",
                    "x-amz-copy-source",
                    "Range",
                    "If-Match",
                    "If-Modified-Since",
                    "Content-MD5",
                    "x-amz-tagging",
                    "x-amz-content-sha256",
                    "x-amz-decoded-content-length",
                    "x-amz-object-lock-mode",
                    "Content-Encoding",
                ],
                2,
            )
        }
        target = f"{path}?{query}" if query else path
        body = self._damaged(
            self.random.choice([b"", b"x" * 100, b"<Delete><Object><Key>k</Key></Object></Delete>", b"<a>"])
        )
        return request(self._lakehouse, method, target, {**signed("s3"), **headers}, body)

    def _raw(self) -> RawResponse | None:
        right = b"PUT /some-bucket/raw HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3\r\n\r\nabc"
        content = self._damaged(right, share=0.9)
        with connect(self._lakehouse, timeout=5) as connection, contextlib.suppress(ConnectionError):
            connection.sendall(content)
            connection.shutdown(socket.SHUT_WR)
            return answer(connection, content.split(b" ")[0].decode("latin-1"))
        return None

    def _damaged(self, content: bytes, share: float = 0.1) -> bytes:
        if not content or not self._chance(share):
            return content
        damaged = bytearray(content)
        for _ in range(self.random.randint(1, 4)):
            at = self.random.randrange(len(damaged) + 1)
            match self.random.randrange(4):
                case 0:
                    del damaged[at : at + self.random.randint(1, 5)]
                case 1:
                    damaged[at:at] = self.random.randbytes(self.random.randint(1, 5))
                case 2:
                    damaged[at:at] = damaged[: self.random.randint(1, 40)]
                case _:
                    damaged[at:at] = self.random.choice([b"\r\n", b"\x00", b"&", b"=", b'"', b"{", b"\xff"])
        return bytes(damaged)

    def _value(self, shape: Shape, depth: int) -> Any:
        if self._chance(0.04):
            return self.random.choice(JUNK)
        if isinstance(shape, StructureShape):
            needed = set(shape.required_members)
            names = [name for name in shape.members if name in needed or self._chance(0.3 if depth < 3 else 0)]
            return {name: self._value(shape.members[name], depth + 1) for name in names if not self._chance(0.03)}
        if isinstance(shape, ListShape):
            return [self._value(shape.member, depth + 1) for _ in range(self.random.randint(0, 2) if depth < 6 else 0)]
        if isinstance(shape, MapShape):
            size = self.random.randint(0, 2) if depth < 6 else 0
            return {str(self._value(shape.key, depth + 1)): self._value(shape.value, depth + 1) for _ in range(size)}
        match shape.type_name:
            case "string":
                choices = getattr(shape, "enum", None)
                return self.random.choice(choices if choices and self._chance(0.8) else TEXTS)
            case "blob":
                return base64.b64encode(self.random.randbytes(3)).decode()
            case "boolean":
                return self._chance(0.5)
            case "timestamp":
                return self.random.choice([0, 1.5, 1e18, -1, "2026-01-01T00:00:00Z", "x"])
            case _:
                return self.random.choice(NUMBERS)


def prepared() -> Lakehouse:
    """Return a running lakehouse with a bucket."""
    lakehouse = Lakehouse(Settings(paused=True))
    lakehouse.start()
    request(lakehouse, "PUT", "/some-bucket", signed("s3"))
    return lakehouse


def main() -> int:
    """Send requests for the given number of seconds."""
    seconds, seed = float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else time.time_ns()
    lakehouse = prepared()
    fuzzer, sent, broken = Fuzzer(lakehouse, seed), 0, 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = fuzzer.step()
        sent += 1
        broken += found is not None and found.status == 500
    alive = fuzzer.alive()
    lakehouse.stop()
    print(f"seed {seed}: {sent} requests, {broken} of them failed with status 500; {'alive' if alive else 'DEAD'}")
    return 0 if alive and not broken else 1


if __name__ == "__main__":
    sys.exit(main())
