"""Parallel execution of statements, each in a separate worker session."""

from __future__ import annotations

import contextvars
import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from botocore.exceptions import ClientError

from local_lakehouse.athena import alter, ddl, describe, partitions, query_statements, show
from local_lakehouse.athena.context import Context, Outcome, ScanLimitExceededError
from local_lakehouse.athena.executions import Execution
from local_lakehouse.athena.result_files import ResultFiles
from local_lakehouse.athena.results import column_info
from local_lakehouse.athena.reuse import ReusableResults
from local_lakehouse.athena.saved_queries import PreparedStatements
from local_lakehouse.athena.tables.lake import Lake
from local_lakehouse.athena.writes import ctas, inserts, maintenance, row_changes, unloads
from local_lakehouse.sql.failures import MalformedQuery, QueryFailure
from local_lakehouse.sql.grammar import statement_tree as nodes
from local_lakehouse.sql.grammar.parser import Parser, parse_expression, parse_statement
from local_lakehouse.sql.grammar.tree import Column, Dereference, Expression, Literal
from local_lakehouse.sql.workers.pool import InterruptedStatementError, WorkerPool, WorkerSession

_LOG = logging.getLogger(__name__)
_CANCELLED = "Query cancelled by user"
_SCAN_LIMIT_EXCEEDED = "Bytes scanned limit was exceeded"
_UNEXPLAINED = "The local Athena failed to run this query; see the lakehouse's log"
_TOO_DEEP = (
    "The statement is nested too deeply, or chains too many operators, for the local Athena. "
    "Move parts of it to a WITH clause, or compute them in separate statements"
)
_DENIED = ("403", "AccessDenied", "AccessDeniedException")
# Athena's quotas for active queries are, for example, 20 for DDL and 25 for DML. The pool has a few spare threads.
_THREADS = 48

Handler = Callable[[Any, Context], Outcome]


class Runner:
    """The execution runner.

    Args:
        lake: The lakehouse's tables.
        prepared: The prepared statements.
        results: The writer of result files.
        reusable: The earlier results that executions can reuse.
        workers: The pool of processes that run queries.
    """

    def __init__(
        self,
        lake: Lake,
        prepared: PreparedStatements,
        results: ResultFiles,
        reusable: ReusableResults,
        workers: WorkerPool,
    ) -> None:
        self._lake = lake
        self._prepared = prepared
        self._results = results
        self._reusable = reusable
        self._workers = workers
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="athena")
        self._running: dict[str, WorkerSession] = {}
        self._ended: dict[str, threading.Event] = {}
        self._canceled: set[str] = set()
        self._lock = threading.Lock()
        self.finished = 0  # executions that have ended, regardless of their outcome

    def submit(self, execution: Execution) -> None:
        """Run an execution as soon as a thread is available."""
        with self._lock:
            self._ended[execution.id] = threading.Event()
        # The copied context contains the caller's permissions.
        self._pool.submit(contextvars.copy_context().run, self._run, execution).add_done_callback(_report)

    def wait(self, execution: Execution, seconds: float) -> None:
        """Wait until an execution has ended or a time limit has passed."""
        with self._lock:
            ended = self._ended.get(execution.id)
        if ended is not None:
            ended.wait(seconds)

    def cancel(self, execution: Execution) -> None:
        """Stop an execution that has not ended."""
        with self._lock:
            if execution.final:
                return
            self._canceled.add(execution.id)
            worker = self._running.get(execution.id)
        if worker is not None:
            worker.interrupt()

    def stop(self) -> None:
        """Stop all executions."""
        with self._lock:
            workers = list(self._running.values())
        for worker in workers:
            worker.interrupt()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _run(self, execution: Execution) -> None:
        worker = self._workers.session()
        with self._lock:
            self._running[execution.id] = worker
        overdue = threading.Event()

        def interrupt() -> None:
            overdue.set()
            worker.interrupt()

        timer = threading.Timer(self._workers.limits.seconds, interrupt)
        timer.daemon = True
        timer.start()
        try:
            self._guarded(execution, worker, overdue)
        finally:
            timer.cancel()
            with self._lock:
                self._running.pop(execution.id, None)
                self._canceled.discard(execution.id)
                self.finished += 1
                self._ended.pop(execution.id).set()
            # The worker is cleaned up after the execution has ended, so that no request waits for this cleanup.
            worker.close()

    def _guarded(self, execution: Execution, worker: WorkerSession, overdue: threading.Event) -> None:
        execution.state = "RUNNING"
        try:
            if execution.id in self._canceled:
                raise InterruptedStatementError
            outcome = self._outcome(execution, worker)
            self._finish(execution, outcome)
        except InterruptedStatementError:
            if overdue.is_set():
                limit = round(self._workers.limits.seconds / 60)
                self._fail(
                    execution,
                    QueryFailure(
                        "EXCEEDED_TIME_LIMIT", f"Query exceeded the maximum execution time limit of {limit} minutes"
                    ),
                )
            else:
                execution.finish("CANCELLED", _CANCELLED)
        except ScanLimitExceededError:
            execution.finish("CANCELLED", _SCAN_LIMIT_EXCEEDED)
        except QueryFailure as failure:
            self._fail(execution, failure)
        except ClientError as error:
            self._fail(execution, _refused(execution, error))
        except MalformedQuery as malformed:
            self._fail(execution, QueryFailure("SYNTAX_ERROR", malformed.message))
        except RecursionError:
            self._fail(execution, QueryFailure("NOT_SUPPORTED", _TOO_DEEP))
        except BaseException:  # noqa: BLE001  (this is the top of a thread, and a panic in a native library is not an `Exception`)
            _LOG.exception("query %s failed", execution.id)
            self._fail(execution, QueryFailure("GENERIC_INTERNAL_ERROR", _UNEXPLAINED))

    def _fail(self, execution: Execution, failure: QueryFailure) -> None:
        error = {
            "ErrorCategory": failure.category,
            "ErrorType": failure.error_type,
            "Retryable": False,
            "ErrorMessage": failure.reason,
        }
        try:
            self._results.write_failure(execution, failure)
        except QueryFailure:
            _LOG.warning("the reason why query %s failed was not written", execution.id, exc_info=True)
        finally:
            # Clients wait until the execution ends, so it must end even if the failure reason cannot be written.
            execution.finish("FAILED", failure.reason, error)

    def _finish(self, execution: Execution, outcome: Outcome) -> None:
        if outcome.reused is not None:
            execution.adopt(outcome.reused)
            execution.finish("SUCCEEDED")
            return
        execution.columns = [column_info(name, type_) for name, type_ in outcome.columns]
        execution.has_header = outcome.header
        execution.update_count = outcome.update_count
        execution.row_count = self._results.write(execution, outcome)
        execution.finish("SUCCEEDED")

    def _outcome(self, execution: Execution, worker: WorkerSession) -> Outcome:
        began = time.monotonic()
        self._lake.require_default_database()
        statement = parse_statement(execution.query)
        context = Context(execution, self._lake, worker, self._prepared, self._reusable)
        given = [parameter_of(text) for text in execution.parameters]
        query = execution.query
        if isinstance(statement, nodes.Execute):
            known = self._prepared.find(execution.workgroup, statement.name)
            if known is None:
                raise query_statements.prepared_missing(statement.name)
            query = execution.prepared_query = known["QueryStatement"]
            given = list(statement.parameters) or given
            statement = parse_statement(query)
        if not isinstance(statement, nodes.Prepare):
            context.parameters = _checked_parameters(query, given)
        execution.planning_millis = round((time.monotonic() - began) * 1000)
        return _HANDLERS[type(statement)](statement, context)


def _report(future: Future[None]) -> None:
    if not future.cancelled() and (error := future.exception()) is not None:
        _LOG.error("an error occurred after the end of a query", exc_info=error)


def _refused(execution: Execution, error: ClientError) -> QueryFailure:
    """Return the failure for an error from a service that Athena calls with the caller's permissions."""
    code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
    if code == "NoSuchBucket":
        bucket = error.response["Error"].get("BucketName", "")
        return QueryFailure(
            "", f"{message}: {bucket} (Error Code: {code}). Create the bucket, or specify another location"
        )
    if code not in _DENIED:
        _LOG.error("query %s failed", execution.id, exc_info=error)
        return QueryFailure("GENERIC_INTERNAL_ERROR", _UNEXPLAINED)
    return QueryFailure("", f"{message} (Error Code: {code})")


def parameter_of(text: str) -> Expression:
    """Parse an execution parameter, which is a string unless it is an expression without column names."""
    try:
        expression = parse_expression(text)
    except (MalformedQuery, QueryFailure):
        return Literal("varchar", text)
    return Literal("varchar", text) if _has_names(expression) else expression


def _has_names(node: object) -> bool:
    if isinstance(node, Column | Dereference):
        return True
    if isinstance(node, tuple):
        return any(map(_has_names, node))
    if isinstance(node, Expression):
        return any(_has_names(getattr(node, name)) for name in node.__dataclass_fields__ if name != "position")
    return False


def _checked_parameters(query: str, given: Sequence[Expression]) -> Sequence[Expression]:
    if "?" not in query:
        return ()
    parser = Parser(query)
    parser.statement()
    if parser.parameters == 0:
        return ()
    if parser.parameters != len(given):
        raise QueryFailure(
            "INVALID_PARAMETER_USAGE",
            f"line 1:1: Incorrect number of parameters: expected {parser.parameters} but found {len(given)}",
        )
    return given


_HANDLERS: dict[type[nodes.Statement], Handler] = {
    nodes.Select: query_statements.select,
    nodes.Explain: query_statements.explain,
    nodes.Prepare: query_statements.prepare,
    nodes.Deallocate: query_statements.deallocate,
    nodes.Insert: inserts.insert,
    nodes.Update: row_changes.update,
    nodes.Delete: row_changes.delete,
    nodes.Merge: row_changes.merge,
    nodes.CreateTableAs: ctas.create_table_as,
    nodes.Unload: unloads.unload,
    nodes.Optimize: maintenance.optimize,
    nodes.Vacuum: maintenance.vacuum,
    nodes.CreateDatabase: ddl.create_database,
    nodes.AlterDatabase: ddl.alter_database,
    nodes.DropDatabase: ddl.drop_database,
    nodes.CreateTable: ddl.create_table,
    nodes.DropTable: ddl.drop_table,
    nodes.CreateView: ddl.create_view,
    nodes.DropView: ddl.drop_view,
    nodes.RepairTable: partitions.repair_table,
    nodes.AlterTable: alter.alter_table,
    nodes.Show: show.show,
    nodes.Describe: describe.describe,
}
