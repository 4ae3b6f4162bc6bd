from __future__ import annotations

from smokegate.reports.document import document

TEMPLATE = "<style>{{style}}</style><i>{{policy}}</i><script>{{script}}</script>{{body}}"


def test_the_style_begins_with_what_all_pages_share() -> None:
    made = document(TEMPLATE, style=".own{}", body="")
    style = made.partition("<style>")[2].partition("</style>")[0]
    assert "--ground" in style
    assert style.endswith(".own{}")


def test_a_page_without_a_script_lets_none_run() -> None:
    assert "script-src 'none'" in document(TEMPLATE, style="", body="")
    policy = document(TEMPLATE, style="", script="let a", body="")
    assert "script-src 'sha256-" in policy
    assert "'unsafe" not in policy


def test_what_is_filled_in_is_not_looked_at_again() -> None:
    made = document("{{body}}{{after}}", style="", body="{{style}}{{after}}", after="end")
    assert made == "{{style}}{{after}}end"
