"""Paths in JSON, and copies that share all but the way to one change."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smokegate.audit.documents import (
    EVERY,
    REMOVED,
    another_text,
    another_value,
    at,
    changed,
    is_identifier,
    of_another_type,
    paths,
)

DOCUMENT: dict[str, Any] = {"a": 1, "items": [{"id": "x"}, {"id": "y"}, {"id": "z"}], "b": {}}
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
DOCUMENTS = st.recursive(
    SCALARS, lambda part: st.lists(part) | st.dictionaries(st.text(), part), max_leaves=20
)


def test_items_count_as_one_or_are_represented_by_the_first_and_the_last() -> None:
    assert [path for path, _ in paths(DOCUMENT, every=True)] == [
        (),
        ("a",),
        ("items",),
        ("items", EVERY),
        ("items", EVERY, "id"),
        ("b",),
    ]
    there = [path for path, _ in paths(DOCUMENT, every=False)]
    assert ("items", 0, "id") in there
    assert ("items", 2, "id") in there
    assert ("items", 1, "id") not in there


@given(DOCUMENTS)
def test_every_path_leads_to_its_value(document: Any) -> None:
    for path, value in paths(document, every=False):
        assert at(document, path) == value


@given(DOCUMENTS, st.data())
def test_a_change_leaves_the_original_and_all_that_is_not_on_the_way(
    document: Any, data: st.DataObject
) -> None:
    before = copy.deepcopy(document)
    path, value = data.draw(st.sampled_from(list(paths(document, every=False))))
    mark = object()
    copied = changed(document, path, lambda _: mark)
    assert document == before
    assert at(copied, path) is mark
    if path and isinstance(document, dict):
        shared = [key for key in document if key != path[0]]
        assert all(copied[key] is document[key] for key in shared)
    assert changed(document, path, lambda _: value) is document


def test_every_item_is_changed_and_a_member_can_be_taken_out() -> None:
    copied = changed(DOCUMENT, ("items", EVERY, "id"), lambda _: REMOVED)
    assert copied["items"] == [{}, {}, {}]
    assert changed(DOCUMENT, ("items", 1), lambda _: REMOVED)["items"] == [{"id": "x"}, {"id": "z"}]
    assert changed(DOCUMENT, ("nothing", "there"), lambda _: 1) is DOCUMENT
    assert changed(DOCUMENT, ("items", 7), lambda _: 1) is DOCUMENT


@given(DOCUMENTS.filter(lambda value: value is not None))
def test_another_value_is_of_the_same_type_and_another(value: Any) -> None:
    other = another_value(value)
    assert type(other) is type(value)
    assert other != value


@given(DOCUMENTS)
def test_a_value_of_another_type_is_of_another_type(value: Any) -> None:
    other = of_another_type(value)
    assert type(other) is not type(value)
    assert {type(other), type(value)} != {int, float}


@pytest.mark.parametrize(
    ("text", "other"),
    [("cube", "cubf"), ("z", "a"), ("2026-01-01T00:00:09Z", "2026-01-01T00:00:00Z"), ("", "x")],
)
def test_another_text_has_the_same_form(text: str, other: str) -> None:
    assert another_text(text) == other


@pytest.mark.parametrize(
    ("value", "is_one"),
    [
        ("0b9c2f62-4a1e-4c59-9b0e-1f2d3c4b5a69", True),
        ("whsec_3kd93kdk39dk", True),
        ("deadbeefcafe42", True),
        ("owner", False),
        ("2026-01-01T00:00:00Z", False),
        (12, False),
    ],
)
def test_identifiers_are_told_by_their_form(value: object, is_one: bool) -> None:
    assert is_identifier(value) is is_one
