"""The deep merge, against a reference that is written another way."""

import json
from typing import Any

from datacat_server.ingest.merge import changes, merge
from hypothesis import given
from hypothesis import strategies as st

scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["a", "b", ""])
values = st.recursive(
    scalars,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.sampled_from("xyz"), children, max_size=3),
    max_leaves=12,
)
objects = st.dictionaries(st.sampled_from("xyz"), values, max_size=3)


def reference(state: Any, patch: Any) -> Any:
    """RFC 7396, section 2, in its own words."""
    if not isinstance(patch, dict):
        return patch
    target = dict(state) if isinstance(state, dict) else {}
    for name, value in patch.items():
        if value is None:
            if name in target:
                del target[name]
        else:
            target[name] = reference(target.get(name), value)
    return target


def written(state: dict[str, Any]) -> str:
    return json.dumps(state, sort_keys=True)


@given(st.lists(objects, max_size=6))
def test_a_merge_is_what_rfc_7396_says(patches: list[dict[str, Any]]) -> None:
    state: dict[str, Any] = {}
    for patch in patches:
        expected = reference(state, patch)
        before = repr(state)
        merged = merge(state, patch)
        assert repr(state) == before
        assert merged == expected
        assert changes(state, patch) == (written(merged) != written(state))
        state = merged


def test_true_is_not_one() -> None:
    assert changes({"a": 1}, {"a": True})
    assert not changes({"a": 1}, {"a": 1})
