"""The permissions that are required for requests to AWS Glue.

AWS: https://docs.aws.amazon.com/glue/latest/dg/glue-specifying-resource-arns.html,
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsglue.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from local_lakehouse.iam.access import Access, Directory, on
from local_lakehouse.protocol.request import Request

# The resources outside the catalog, keyed by the noun in the operation's name. Each value consists of the resource type
# in the ARN and the request member that contains the resource's name.
_THINGS: Mapping[str, tuple[str, str]] = {
    "Crawler": ("crawler", "CrawlerName"),
    "DevEndpoint": ("devEndpoint", "EndpointName"),
    "Job": ("job", "JobName"),
    "Session": ("session", "Id"),
    "Trigger": ("trigger", "TriggerName"),
    "Workflow": ("workflow", "WorkflowName"),
}
_OF_DATABASES = re.compile(r"(Create|Get|Update|Delete)Database")
_OF_TABLES = re.compile(
    r"(Create|Get|Update|Delete|BatchGet|BatchDelete|BatchCreate|BatchUpdate)"
    r"(Table|Tables|TableVersion|TableVersions|Partition|Partitions|PartitionIndex|PartitionIndexes"
    r"|ColumnStatistics\w+|TableOptimizer|UnfilteredTableMetadata)"
)
_OF_THE_CATALOG = re.compile(
    r"SearchTables|(Get|Put|Delete)ResourcePolicy|GetResourcePolicies|GetCatalog\w*"
    r"|(Get|Put)DataCatalogEncryptionSettings|ImportCatalogToGlue"
)


def accesses(call: Request, directory: Directory) -> list[Access]:
    """Return the permissions that are required for a Glue request."""
    if "Integration" in call.operation:
        return on(call, *_of_integrations(call, directory))
    if resource := call.text("ResourceArn"):
        return on(call, resource)
    catalog = directory.arn("glue", "catalog")
    if call.operation == "GetDatabases":
        return on(call, catalog, directory.arn("glue", "database/*"))
    if _OF_THE_CATALOG.fullmatch(call.operation):
        return on(call, catalog)
    if "UserDefinedFunction" in call.operation:
        database, name = call.text("DatabaseName") or "*", _name(call, "FunctionInput", "FunctionName") or "*"
        function = directory.arn("glue", f"userDefinedFunction/{database}/{name}")
        return on(call, catalog, directory.arn("glue", f"database/{database}"), function)
    if "Connection" in call.operation:
        return on(call, catalog, directory.arn("glue", f"connection/{_name(call, 'ConnectionInput', 'Name') or '*'}"))
    if _OF_DATABASES.fullmatch(call.operation):
        return on(call, catalog, directory.arn("glue", f"database/{_name(call, 'DatabaseInput', 'Name')}"))
    if _OF_TABLES.fullmatch(call.operation):
        database = call.text("DatabaseName") or "*"
        tables = [directory.arn("glue", f"table/{database}/{table}") for table in _tables(call)]
        return on(call, catalog, directory.arn("glue", f"database/{database}"), *tables)
    return on(call, *_of_things(call, directory))


def _name(call: Request, given: str, member: str) -> str | None:
    """Return a resource's name from a member of the request or from a member of its input structure."""
    described = call.parameters.get(given)
    inner = described.get("Name", described.get("FunctionName")) if isinstance(described, dict) else None
    return call.text(member) or call.text("ConnectionName") or inner


def _tables(call: Request) -> list[str]:
    several = call.parameters.get("TablesToDelete")
    if isinstance(several, list):
        return [str(name) for name in several]
    named = call.text("TableName") or call.text("Name") or _name(call, "TableInput", "Name")
    # Listing tables requires permission for all tables in a database.
    return [named or "*"]


def _of_things(call: Request, directory: Directory) -> list[str]:
    for noun, (kind, member) in _THINGS.items():
        if re.search(rf"{noun}(Run|s|Runs|Schedule|Statement)?$", call.operation):
            name = call.text(member) or call.text("Name")
            return [directory.arn("glue", f"{kind}/{name}")] if name else []
    return []


def _of_integrations(call: Request, directory: Directory) -> list[str]:
    catalog = directory.arn("glue", "catalog")
    resource = call.text("ResourceArn")
    if call.operation == "DescribeInboundIntegrations":
        return []
    if "TableProperties" in call.operation:
        return [catalog, *([resource] if resource and ":database/" in resource else [])]
    if "ResourcePropert" in call.operation:
        of_a_database = resource is not None and ":database/" in resource
        wanted = (resource or "").replace(":database/", ":integrationresourceproperty/database/")
        properties = wanted if of_a_database else directory.arn("glue", "integrationresourceproperty/*")
        return [catalog, *([resource] if resource and of_a_database else []), properties]
    if call.operation == "CreateIntegration":
        target = call.text("TargetArn")
        any_integration = directory.arn("glue", "integration:*")
        return [any_integration, catalog, *([target] if target and target != catalog else [])]
    named = call.text("IntegrationIdentifier")
    if named and named.startswith("arn:"):
        return [named]
    return [directory.arn("glue", f"integration:{named or '*'}")]
