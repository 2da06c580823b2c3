"""The integration operations of AWS Glue.

AWS: https://docs.aws.amazon.com/glue/latest/dg/zero-etl-using-apis.html
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from local_lakehouse.backend.changes import ChangeLog
from local_lakehouse.backend.clients import ServiceClients
from local_lakehouse.backend.dynamodb_source import DynamoDbSource
from local_lakehouse.iam.authorization import Ask, Decision, Principal, UnsupportedPolicyError, decide, role_of
from local_lakehouse.lake_formation.governance import Governance
from local_lakehouse.protocol.wire import Caller, Fault, service_model
from local_lakehouse.store.maintenance import Work, attempt
from local_lakehouse.zero_etl import arns
from local_lakehouse.zero_etl.integrations import (
    ACTIVE,
    DELETING,
    MODIFYING,
    NEEDS_ATTENTION,
    SYNCING,
    TRANSIENT,
    Integration,
)
from local_lakehouse.zero_etl.lifecycle import Lifecycle
from local_lakehouse.zero_etl.properties import Properties
from local_lakehouse.zero_etl.property_api import PropertyOperations
from local_lakehouse.zero_etl.requests import (
    check_config,
    check_create_options,
    check_filters,
    check_source,
    check_tags,
    check_target,
    page,
    refuse_data_filter,
)
from local_lakehouse.zero_etl.schedule import Schedule
from local_lakehouse.zero_etl.tagging import Tagging

# AWS mentions a quota but not its value, so this value is our choice.
QUOTA = 100

_CLIENTS = ("dynamodb", "glue", "s3", "iam", "logs", "cloudwatch", "events")

Operation = Callable[[dict[str, Any], Caller], dict[str, Any]]


class ZeroEtlService:
    """The operations of AWS Glue zero-ETL, and the thread that refreshes the integrations.

    Args:
        clients: The AWS clients for the lakehouse.
        changes: The record of writes to DynamoDB.
        refresh_seconds: The maximum time between two refreshes in seconds, regardless of `RefreshInterval`. A write
            starts a refresh within 0.5 seconds.
        clock: A function that returns the current time in seconds since 1970.
        governance: Lake Formation's access checks, or None to disable them.
    """

    name = "glue"

    def __init__(
        self,
        clients: ServiceClients,
        changes: ChangeLog,
        refresh_seconds: float = 1.0,
        clock: Callable[[], float] = time.time,
        governance: Governance | None = None,
    ) -> None:
        self._clients = clients
        self._changes = changes
        self._clock = clock
        self._properties = Properties()
        self._source = DynamoDbSource(clients)
        self._lifecycle = Lifecycle(clients, changes, lambda: self._properties, clock, refresh_seconds, governance)
        self._schedule = Schedule(refresh_seconds)
        changes.after_write(self._schedule.request)
        self._work = Work("refresh", self._lifecycle.tick, refresh_seconds)
        self._thread: threading.Thread | None = None
        properties = PropertyOperations(lambda: self._properties, self._lifecycle.checks)
        tagging = Tagging(clients, self._lifecycle.integrations, lambda: self._properties)
        handlers: dict[str, Operation] = {
            "CreateIntegration": self._create,
            "DescribeIntegrations": self._describe,
            "DescribeInboundIntegrations": self._describe_inbound,
            "ModifyIntegration": self._modify,
            "DeleteIntegration": self._delete,
            **properties.handlers(),
            **tagging.handlers(),
        }
        # Older botocore models have fewer of these operations.
        known = set(service_model("glue").operation_names)
        self._handlers = {operation: handler for operation, handler in handlers.items() if operation in known}

    @property
    def operations(self) -> frozenset[str]:
        """The operations that are implemented here. moto executes Glue's other operations."""
        return frozenset(self._handlers)

    @property
    def paused(self) -> bool:
        """Whether only `refresh_now` refreshes integrations."""
        return self._schedule.paused

    def call(self, operation: str, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Execute one validated request and return its result.

        Raises:
            Fault: An error that the service's model defines.
        """
        with self._clients.lock:
            try:
                return self._handlers[operation](request, caller)
            except UnsupportedPolicyError as error:
                raise Fault("AccessDeniedException", f"{operation} cannot be authorized: {error}") from error

    def health(self) -> dict[str, Any]:
        """Return the health of background refreshes."""
        return self._work.health()

    def start(self) -> None:
        """Start refreshing the integrations in a separate thread."""
        self._schedule.start()
        self._thread = threading.Thread(target=self._run, name="zero-etl", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish the current refresh and stop."""
        self._schedule.stop()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def pause(self) -> None:
        """Pause automatic refreshes, without affecting `refresh_now`."""
        self._schedule.pause()

    def resume(self) -> None:
        """Resume automatic refreshes."""
        self._schedule.resume()

    def tick(self, *, now: bool = False) -> None:
        """Run the next step of every integration, as the schedule does.

        Args:
            now: Whether to skip transient statuses and retry immediately.
        """
        self._lifecycle.tick(now=now)

    def refresh_now(self) -> None:
        """Refresh all integrations, skip transient statuses, and return when all refreshes are complete."""
        self.tick(now=True)
        with self._clients.lock:
            again = any(each.status == SYNCING for each in self._lifecycle.integrations.values())
        if again:
            # A refresh can find that its target must be loaded again.
            self.tick(now=True)

    def statuses(self) -> list[dict[str, str]]:
        """Return the name and status of every integration."""
        with self._clients.lock:
            return [
                {"name": integration.name, "status": integration.status}
                for integration in self._lifecycle.integrations.values()
            ]

    def dump(self) -> dict[str, Any]:
        """Return integrations and properties as documents."""
        with self._clients.lock:
            return {
                **{
                    f"integration/{number:06d}": integration.dump()
                    for number, integration in enumerate(self._lifecycle.integrations.values())
                },
                "properties": self._properties.dump(),
            }

    def load(self, state: Mapping[str, Any]) -> None:
        """Restore the state from documents that `dump` returned."""
        with self._clients.lock:
            integrations = [Integration.load(state[name]) for name in sorted(state) if name.startswith("integration/")]
            known = dict(self._lifecycle.integrations)
            self._lifecycle.integrations.clear()
            for loaded in integrations:
                # Existing objects are updated in place, because a running step may be using one of them.
                integration = known.get(loaded.identity, loaded)
                vars(integration).update(vars(loaded))
                self._lifecycle.integrations[loaded.identity] = integration
            self._properties = Properties.load(state.get("properties", {}))

    def _run(self) -> None:
        for service in _CLIENTS:
            # Creating a client takes time, so the clients are created now instead of during the user's first load.
            self._clients.client(service)
        while self._schedule.wait():
            attempt(self._work)

    def _create(self, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        check_create_options(request)
        config = check_config(request.get("IntegrationConfig", {}))
        tags = check_tags(request.get("Tags", []))
        source = check_source(request["SourceArn"], self._clients.region, self._clients.account)
        target = check_target(request["TargetArn"], self._clients.region, self._clients.account)
        keys = self._check_ends(source.name, target.name)
        self._check_grant(caller, request["SourceArn"], target.name)
        self._check_key(request.get("KmsKeyId"))
        self._check_others(request)
        identity = str(uuid.uuid4())
        now = self._clock()
        integration = Integration(
            identity=identity,
            arn=arns.integration_arn(self._clients.partition, self._clients.region, self._clients.account, identity),
            name=request["IntegrationName"],
            source_arn=request["SourceArn"],
            table=source.name,
            target_arn=request["TargetArn"],
            database=target.name,
            created=now,
            since=now,
            config=config,
            options={
                name: request[name]
                for name in ("Description", "KmsKeyId", "AdditionalEncryptionContext")
                if name in request
            },
            tags=tags,
        )
        self._lifecycle.integrations[identity] = integration
        self._changes.watch(identity, source.name, keys)
        return integration.answer()

    def _check_ends(self, table: str, database: str) -> Mapping[str, str]:
        keys = self._source.key_attributes(table)
        if keys is None:
            raise Fault("ResourceNotFoundException", f"The DynamoDB table {table} does not exist. Create it first.")
        if not self._lifecycle.checks.database_exists(database):
            raise Fault("EntityNotFoundException", f"The Glue database {database} does not exist. Create it first.")
        location = self._lifecycle.checks.location(database) or ""
        if not location.startswith("s3://"):
            raise Fault(
                "ValidationException",
                f"The Glue database {database} has no LocationUri in S3, which a zero-ETL target requires. Set a "
                "location with UpdateDatabase.",
            )
        return keys

    def _check_grant(self, caller: Caller, source_arn: str, database: str) -> None:
        """Check that the catalog's policy or the caller's policies allow the caller to create inbound integrations."""
        role = role_of(caller.arn)
        kind, name = ("role", role) if role else ("user", caller.arn)
        documents = [
            *self._lifecycle.checks.identity_policies(kind, name.rpartition("/")[2]),
            *self._lifecycle.checks.catalog_policy(),
        ]
        if caller.arn.endswith(":root"):
            return
        for resource in self._lifecycle.checks.catalog_resources(database):
            ask = Ask(
                "glue:CreateInboundIntegration",
                resource,
                Principal("AWS", caller.arn),
                {
                    "aws:SourceArn": source_arn,
                    "aws:SourceAccount": caller.account,
                    "aws:PrincipalAccount": caller.account,
                },
            )
            if decide(documents, ask) is not Decision.ALLOWED:
                raise Fault(
                    "AccessDeniedException",
                    f"User: {caller.arn} is not authorized to perform: glue:CreateInboundIntegration on resource: "
                    f"{resource} from the source {source_arn}. Allow this action in the Data Catalog resource "
                    "policy, or in an identity policy attached to the caller.",
                )

    def _check_key(self, key: str | None) -> None:
        if key is None:
            return
        try:
            enabled = self._clients.client("kms").describe_key(KeyId=key)["KeyMetadata"]["Enabled"]
        except ClientError as error:
            raise Fault("KMSKeyNotAccessibleFault", f"The KMS key {key} cannot be accessed: {error}.") from error
        if not enabled:
            raise Fault("KMSKeyNotAccessibleFault", f"The KMS key {key} is disabled. Enable it.")

    def _check_others(self, request: Mapping[str, Any]) -> None:
        integrations = self._lifecycle.integrations.values()
        self._check_name(request["IntegrationName"], None)
        for other in integrations:
            if (other.source_arn, other.target_arn) == (request["SourceArn"], request["TargetArn"]):
                if other.status == DELETING:
                    raise _in_progress(other)
                raise Fault(
                    "ConflictException",
                    f"The integration {other.name} already replicates {request['SourceArn']} into "
                    f"{request['TargetArn']}.",
                )
        if len(integrations) >= QUOTA:
            raise Fault(
                "IntegrationQuotaExceededFault",
                f"The account already has {QUOTA} integrations. Delete an integration first.",
            )

    def _check_name(self, name: str, own: Integration | None) -> None:
        for other in self._lifecycle.integrations.values():
            if other.name == name and other is not own:
                if other.status == DELETING:
                    raise _in_progress(other)
                raise Fault("ConflictException", f"An integration with the name {name} already exists.")

    def _describe(self, request: dict[str, Any], _: Caller) -> dict[str, Any]:
        wanted = check_filters(
            request.get("Filters", []), ("Status", "IntegrationName", "SourceArn"), single=("IntegrationName",)
        )
        found = list(self._lifecycle.integrations.values())
        if "IntegrationIdentifier" in request:
            found = [self._find(request["IntegrationIdentifier"])]
        for name, values in wanted.items():
            found = [integration for integration in found if str(integration.answer()[name]) in values]
        chosen, marker = page(found, request, lambda integration: integration.identity)
        self._note_seen(chosen)
        return {"Integrations": [integration.answer() for integration in chosen], "Marker": marker}

    def _describe_inbound(self, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        found = list(self._lifecycle.integrations.values())
        if "IntegrationArn" in request:
            found = [self._find(request["IntegrationArn"])]
        if "TargetArn" in request:
            self._check_inbound_target(request["TargetArn"])
            found = [integration for integration in found if integration.target_arn == request["TargetArn"]]
        chosen, marker = page(found, request, lambda integration: integration.identity)
        self._note_seen(chosen)
        return {"InboundIntegrations": [integration.inbound() for integration in chosen], "Marker": marker}

    def _check_inbound_target(self, arn: str) -> None:
        if ":catalog/" in arn or ":redshift" in arn:
            raise Fault(
                "OperationNotSupportedException",
                f"The local lakehouse does not support targets in S3 Tables or Amazon Redshift, such as {arn}.",
            )
        database = check_target(arn, self._clients.region, self._clients.account)
        if not self._lifecycle.checks.database_exists(database.name):
            raise Fault("TargetResourceNotFound", f"The Glue database {database.name} does not exist.")

    def _modify(self, request: dict[str, Any], _: Caller) -> dict[str, Any]:
        integration = self._find(request["IntegrationIdentifier"])
        refuse_data_filter(request)
        if integration.status not in (ACTIVE, NEEDS_ATTENTION):
            raise _wrong_state(integration, "modified")
        config = check_config({**integration.config, **request.get("IntegrationConfig", {})})
        if "IntegrationName" in request:
            self._check_name(request["IntegrationName"], integration)
            integration.name = request["IntegrationName"]
        if "Description" in request:
            integration.options["Description"] = request["Description"]
        integration.config = config
        self._set(integration, MODIFYING)
        return integration.answer()

    def _delete(self, request: dict[str, Any], _: Caller) -> dict[str, Any]:
        integration = self._find(request["IntegrationIdentifier"])
        if integration.status == DELETING:
            raise _wrong_state(integration, "deleted again")
        self._set(integration, DELETING)
        self._changes.forget(integration.identity)
        return {name: value for name, value in integration.answer().items() if name != "IntegrationConfig"}

    def _find(self, arn: str) -> Integration:
        integration = self._lifecycle.integrations.get(arns.integration_id(arn) or "")
        if integration is None:
            raise Fault(
                "IntegrationNotFoundFault",
                f"The integration {arn} does not exist. DescribeIntegrations lists the existing integrations.",
            )
        return integration

    def _note_seen(self, integrations: Sequence[Integration]) -> None:
        """Record that a client has seen the integrations' statuses, so that a transient status can end soon."""
        for integration in integrations:
            if integration.status in TRANSIENT and not integration.seen:
                self._schedule.request()
            integration.seen = True

    def _set(self, integration: Integration, status: str) -> None:
        integration.status, integration.since, integration.seen = status, self._clock(), False


def _in_progress(integration: Integration) -> Fault:
    return Fault(
        "IntegrationConflictOperationFault",
        f"Another operation is in progress: the integration {integration.name} is still being deleted. Try again "
        "shortly.",
    )


def _wrong_state(integration: Integration, what: str) -> Fault:
    advice = (
        "Delete it and create it again."
        if integration.status == "FAILED"
        else "Try again when the operation is complete."
    )
    return Fault(
        "InvalidIntegrationStateFault",
        f"The integration {integration.name} is {integration.status} and cannot be {what} now. {advice}",
    )
