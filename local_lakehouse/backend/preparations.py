"""What is done once moto's classes of a service are there, and not before: importing them takes its time."""

from __future__ import annotations

from local_lakehouse.loading import load

_MODULES: dict[str, list[str]] = {
    service: [f"local_lakehouse.backend.repairs.{name}" for name in names]
    for service, names in {
        "cloudwatch": ["cloudwatch"],
        "dynamodb": ["dynamodb_tables"],
        "glue": ["glue"],
        "kms": ["kms"],
        "s3": ["s3"],
    }.items()
}

_carried_out: set[str] = set()


def prepare(service: str, module: str) -> None:
    """Let the `apply` of a module be called before moto answers the next request to a service.

    Args:
        service: botocore's name of the service.
        module: The module; to call its `apply` again changes nothing.
    """
    if module in _MODULES.setdefault(service, []):
        return
    _MODULES[service].append(module)
    if service in _carried_out:
        load(module).apply()


def carry_out(service: str) -> None:
    """Do what is to be done for a service."""
    _carried_out.add(service)
    for module in _MODULES.get(service, ()):
        load(module).apply()
