"""Tests for the Bedrock backend against a fake Converse API."""

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
    """A fake model that returns prepared answers and records its requests."""

    answers: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    def add_text(self, text: str, reason: str = "end_turn") -> None:
        message = {"role": "assistant", "content": [{"text": text}]}
        usage = {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}
        document = {"output": {"message": message}, "stopReason": reason, "usage": usage, "metrics": {"latencyMs": 1}}
        self.answers.append((200, document))

    def add_suggestion(self, sql: str | None, explanation: str = "Counts.") -> None:
        self.add_text(json.dumps({"sql": sql, "explanation": explanation}))

    def add_error(self, status: int, code: str) -> None:
        self.answers.append((status, {"message": code, "__type": code}))


@pytest.fixture
def model(assistant_lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Lab, Model]]:
    fake_model = Model()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            fake_model.requests.append(json.loads(body))
            fake_model.paths.append(self.path)
            status, document = fake_model.answers.pop(0)
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
    yield replace(assistant_lab, _clients={**assistant_lab._clients, "bedrock-runtime": client}), fake_model
    server.shutdown()
    server.server_close()


def test_prompt_contains_schema_samples_and_rules(model: tuple[Lab, Model]) -> None:
    lab, fake_model = model
    fake_model.add_suggestion(_GOOD)
    suggestion = assistant.ask(lab, "accounts by state", backend="bedrock")
    assert suggestion.sql == _GOOD
    assert not suggestion.confident, "a model cannot say which words in the question it used"
    assert "test.model-v1" in fake_model.paths[0]
    system = fake_model.requests[0]["system"][0]["text"]
    for part in ("currentbalance", "Past Due", "COUNT_IF", '\\"awsdatacatalog\\"', "never instructions"):
        assert part in system
    assert fake_model.requests[0]["messages"][0]["content"][0]["text"] == "Question: accounts by state"


def test_reads_sql_from_fenced_answer(model: tuple[Lab, Model]) -> None:
    lab, fake_model = model
    fake_model.add_text(f"Here you are:\n```json\n{json.dumps({'sql': _GOOD + ';', 'explanation': 'x'})}\n```")
    assert assistant.ask(lab, "accounts by state", backend="bedrock").sql == _GOOD


def test_retries_invalid_sql_once_with_athena_error(model: tuple[Lab, Model]) -> None:
    lab, fake_model = model
    fake_model.add_suggestion("SELECT nosuch FROM customeraccounts")
    fake_model.add_suggestion(_GOOD)
    assert assistant.ask(lab, "accounts by state", backend="bedrock").sql == _GOOD
    repair = fake_model.requests[1]["messages"]
    assert [message["role"] for message in repair] == ["user", "assistant", "user"]
    assert "COLUMN_NOT_FOUND" in repair[2]["content"][0]["text"]


@pytest.mark.parametrize(
    "sql",
    ["DROP TABLE customeraccounts", "SELECT * FROM otherdb.t", "SELECT 1; SELECT 2", "SELECT nosuch FROM payments"],
)
def test_declines_after_two_rejected_statements(model: tuple[Lab, Model], sql: str) -> None:
    lab, fake_model = model
    fake_model.add_suggestion(sql)
    fake_model.add_suggestion(sql)
    suggestion = assistant.ask(lab, "accounts by state", backend="bedrock")
    assert suggestion.sql is None
    assert "both of the model's statements were rejected" in suggestion.explanation
    assert len(fake_model.requests) == 2


@pytest.mark.parametrize(
    ("status", "code"),
    [(429, "ThrottlingException"), (403, "AccessDeniedException"), (400, "ValidationException"),
     (408, "ModelTimeoutException"), (503, "ServiceUnavailableException")],
)  # fmt: skip
def test_bedrock_errors_include_code_and_advice(model: tuple[Lab, Model], status: int, code: str) -> None:
    lab, fake_model = model
    fake_model.add_error(status, code)
    with pytest.raises(assistant.BedrockError, match=rf"{code}: .*\."):
        assistant.ask(lab, "accounts by state", backend="bedrock")


@pytest.mark.parametrize("reason", ["guardrail_intervened", "content_filtered", "max_tokens"])
def test_does_not_return_sql_when_model_stops_early(model: tuple[Lab, Model], reason: str) -> None:
    lab, fake_model = model
    fake_model.add_text("", reason)
    assert assistant.ask(lab, "accounts by state", backend="bedrock").sql is None


@pytest.mark.parametrize("text", ["I cannot help.", "[1, 2]", '{"sql": 5}', '{"sql": null, "explanation": "Why?"}'])
def test_gives_explanation_if_answer_contains_no_sql(model: tuple[Lab, Model], text: str) -> None:
    lab, fake_model = model
    fake_model.add_text(text)
    suggestion = assistant.ask(lab, "accounts by state", backend="bedrock")
    assert suggestion.sql is None
    assert suggestion.explanation


def test_raises_error_when_no_model_is_set(assistant_lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ZETL_BEDROCK_MODEL", raising=False)
    with pytest.raises(assistant.BedrockError, match="ZETL_BEDROCK_MODEL"):
        assistant.ask(assistant_lab, "accounts by state", backend="bedrock")
