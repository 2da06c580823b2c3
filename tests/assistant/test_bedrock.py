"""Tests of the Bedrock backend with a local substitute for the Converse API."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest
from botocore.config import Config

from zetl_helpers import assistant
from zetl_helpers.lab import Lab

pytestmark = pytest.mark.once

_GOOD = "SELECT state, COUNT(*) AS n FROM customeraccounts GROUP BY state"


@dataclass
class Model:
    """A substitute for a model, which returns prepared answers and records the requests."""

    answers: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    def says(self, text: str, reason: str = "end_turn") -> None:
        message = {"role": "assistant", "content": [{"text": text}]}
        usage = {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}
        document = {"output": {"message": message}, "stopReason": reason, "usage": usage, "metrics": {"latencyMs": 1}}
        self.answers.append((200, document))

    def suggests(self, sql: str | None, explanation: str = "Counts.") -> None:
        self.says(json.dumps({"sql": sql, "explanation": explanation}))

    def fails(self, status: int, code: str) -> None:
        self.answers.append((status, {"message": code, "__type": code}))


@pytest.fixture
def model(filled: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Lab, Model]]:
    stand_in = Model()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            stand_in.requests.append(json.loads(body))
            stand_in.paths.append(self.path)
            status, document = stand_in.answers.pop(0)
            payload = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            if status != 200:
                self.send_header("x-amzn-ErrorType", document["__type"])
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    client = boto3.client(
        "bedrock-runtime", endpoint_url=f"http://127.0.0.1:{server.server_port}", region_name="us-east-1",
        aws_access_key_id="test", aws_secret_access_key="test", config=Config(retries={"total_max_attempts": 1}),
    )  # fmt: skip
    monkeypatch.setenv("ZETL_BEDROCK_MODEL", "test.model-v1")
    yield replace(filled, _clients={**filled._clients, "bedrock-runtime": client}), stand_in
    server.shutdown()
    server.server_close()


def test_prompt_has_schema_samples_and_rules(model: tuple[Lab, Model]) -> None:
    lab, stand_in = model
    stand_in.suggests(_GOOD)
    suggestion = assistant.ask(lab, "accounts by state", backend="bedrock")
    assert suggestion.sql == _GOOD
    assert not suggestion.confident, "a model does not say which words it used"
    assert "test.model-v1" in stand_in.paths[0]
    system = stand_in.requests[0]["system"][0]["text"]
    for part in ("currentbalance", "Past Due", "COUNT_IF", '\\"awsdatacatalog\\"', "never instructions"):
        assert part in system
    assert stand_in.requests[0]["messages"][0]["content"][0]["text"] == "Question: accounts by state"


def test_fenced_answer_is_read(model: tuple[Lab, Model]) -> None:
    lab, stand_in = model
    stand_in.says(f"Here you are:\n```json\n{json.dumps({'sql': _GOOD + ';', 'explanation': 'x'})}\n```")
    assert assistant.ask(lab, "accounts by state", backend="bedrock").sql == _GOOD


def test_invalid_sql_is_repaired_once_with_athenas_error(model: tuple[Lab, Model]) -> None:
    lab, stand_in = model
    stand_in.suggests("SELECT nosuch FROM customeraccounts")
    stand_in.suggests(_GOOD)
    assert assistant.ask(lab, "accounts by state", backend="bedrock").sql == _GOOD
    repair = stand_in.requests[1]["messages"]
    assert [message["role"] for message in repair] == ["user", "assistant", "user"]
    assert "COLUMN_NOT_FOUND" in repair[2]["content"][0]["text"]


@pytest.mark.parametrize(
    "sql",
    ["DROP TABLE customeraccounts", "SELECT * FROM otherdb.t", "SELECT 1; SELECT 2", "SELECT nosuch FROM payments"],
)
def test_two_bad_statements_are_declined(model: tuple[Lab, Model], sql: str) -> None:
    lab, stand_in = model
    stand_in.suggests(sql)
    stand_in.suggests(sql)
    suggestion = assistant.ask(lab, "accounts by state", backend="bedrock")
    assert suggestion.sql is None
    assert "both of the model's statements were rejected" in suggestion.explanation
    assert len(stand_in.requests) == 2


@pytest.mark.parametrize(
    ("status", "code"),
    [(429, "ThrottlingException"), (403, "AccessDeniedException"), (400, "ValidationException"),
     (408, "ModelTimeoutException"), (503, "ServiceUnavailableException")],
)  # fmt: skip
def test_errors_say_what_to_do(model: tuple[Lab, Model], status: int, code: str) -> None:
    lab, stand_in = model
    stand_in.fails(status, code)
    with pytest.raises(assistant.BedrockError, match=rf"{code}: .*\."):
        assistant.ask(lab, "accounts by state", backend="bedrock")


@pytest.mark.parametrize("reason", ["guardrail_intervened", "content_filtered", "max_tokens"])
def test_refusals(model: tuple[Lab, Model], reason: str) -> None:
    lab, stand_in = model
    stand_in.says("", reason)
    assert assistant.ask(lab, "accounts by state", backend="bedrock").sql is None


@pytest.mark.parametrize("text", ["I cannot help.", "[1, 2]", '{"sql": 5}', '{"sql": null, "explanation": "Why?"}'])
def test_answers_without_sql(model: tuple[Lab, Model], text: str) -> None:
    lab, stand_in = model
    stand_in.says(text)
    suggestion = assistant.ask(lab, "accounts by state", backend="bedrock")
    assert suggestion.sql is None
    assert suggestion.explanation


def test_no_model_is_set(filled: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ZETL_BEDROCK_MODEL", raising=False)
    with pytest.raises(assistant.BedrockError, match="ZETL_BEDROCK_MODEL"):
        assistant.ask(filled, "accounts by state", backend="bedrock")
