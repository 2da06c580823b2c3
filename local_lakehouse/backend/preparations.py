"""Actions that run when a moto service is first used, so that its modules can be imported lazily."""

from __future__ import annotations

from local_lakehouse.loading import load

_MODULES: dict[str, list[str]] = {
    service: [f"local_lakehouse.backend.repairs.{name}" for name in names]
    for service, names in {
        "cloudwatch": ["cloudwatch"],
        "dynamodb": ["dynamodb_tables"],
        "glue": ["glue"],
        "iam": ["iam"],
        "kms": ["kms"],
        "logs": ["logs"],
        "s3": ["s3", "s3_listings"],
    }.items()
}

_carried_out: set[str] = set()


def prepare(service: str, module: str) -> None:
    """Call a module's `apply` before moto executes the next request to a service.

    Args:
        service: The name of the service in botocore.
        module: The name of the module. Its `apply` must be idempotent.
    """
    if module in _MODULES.setdefault(service, []):
        return
    _MODULES[service].append(module)
    if service in _carried_out:
        load(module).apply()


def load_modules(service: str) -> None:
    """Import the modules that contain a service's actions."""
    for module in _MODULES.get(service, ()):
        load(module)


def carry_out(service: str) -> None:
    """Run the actions of a service."""
    _carried_out.add(service)
    for module in _MODULES.get(service, ()):
        load(module).apply()
