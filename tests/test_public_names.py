"""Tests that public modules list only their own names, so that Tab completion shows no imported names."""

import types

import pytest

import zetl_helpers


@pytest.mark.parametrize("name", zetl_helpers.__all__)
def test_public_modules_list_only_their_own_names(name: str) -> None:
    module = getattr(zetl_helpers, name)
    if not isinstance(module, types.ModuleType):
        return
    listed = module.__all__
    assert len(listed) == len(set(listed))
    for entry in listed:
        assert not isinstance(getattr(module, entry), types.ModuleType)
        home = getattr(getattr(module, entry), "__module__", "zetl_helpers")
        assert not isinstance(home, str) or home.partition(".")[0] in ("zetl_helpers", "typing", "builtins")
