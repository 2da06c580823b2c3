"""Caches of botocore results, which all sessions and clients in a process share.

The tests create thousands of sessions and clients. Without the caches, each of them would resolve the same
names, rules and shapes again.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from botocore import client, endpoint_provider, hooks, session, useragent
from botocore.model import ServiceModel


def apply() -> None:
    """Replace botocore functions and classes with versions that compute each result only once.

    The results depend only on the arguments, and are never modified.
    """
    useragent.sanitize_user_agent_string_component = functools.cache(useragent.sanitize_user_agent_string_component)
    session.create_loader = functools.cache(session.create_loader)
    hooks.accepts_kwargs = _remember_by_function(hooks.accepts_kwargs)
    hooks.EventAliaser.__init__ = _with_shared_aliases(hooks.EventAliaser.__init__)
    rules = _remember_by_data(lambda data, partitions: endpoint_provider.RuleSet(**data, partitions=partitions))
    endpoint_provider.EndpointProvider.__init__ = functools.partialmethod(_use_rules, rules)
    client.ClientCreator._load_service_model = functools.partialmethod(_load_model, _remember_by_data(ServiceModel))


def _remember_by_function(accepts: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Remember one result for each function, or for each method regardless of the object that it is bound to."""
    known: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()

    def remembered(handler: Any) -> Any:
        key = getattr(handler, "__func__", handler)
        try:
            return known[key]
        except TypeError:
            return accepts(handler)
        except KeyError:
            known[key] = accepts(handler)
            return known[key]

    return remembered


def _with_shared_aliases(init: Callable[..., None]) -> Callable[..., None]:
    """Share the resolved event names among all aliasers that use botocore's default aliases."""
    names: dict[str, str] = {}

    def with_names(aliaser: Any, emitter: Any, event_aliases: Any = None) -> None:
        init(aliaser, emitter, event_aliases)
        if aliaser._event_aliases == hooks.EVENT_ALIASES:
            aliaser._alias_name_cache = names

    return with_names


def _remember_by_data(make: Callable[..., Any]) -> Callable[..., Any]:
    """Remember the result for loaded data, which is identified by its memory address."""
    known: dict[tuple[Any, ...], tuple[Any, Any]] = {}

    def remembered(data: Any, *more: Any, **named: Any) -> Any:
        key = (id(data), *map(id, more), *named.items())
        if key not in known:
            # The data remains in memory, so no other data can have the same address.
            known[key] = ((data, *more), make(data, *more, **named))
        return known[key][1]

    return remembered


def _use_rules(
    provider: Any, rules: Callable[..., Any], ruleset_data: Any, partition_data: Any, excluded_params: Any = None
) -> None:
    provider.ruleset = rules(ruleset_data, partition_data)
    provider._excluded_params = excluded_params or frozenset()


def _load_model(creator: Any, models: Callable[..., Any], service_name: str, api_version: str | None = None) -> Any:
    data = creator._loader.load_service_model(service_name, "service-2", api_version=api_version)
    return models(data, service_name=service_name)
