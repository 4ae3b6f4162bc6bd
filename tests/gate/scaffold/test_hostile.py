"""Descriptions that mean harm: no code of theirs, one clear line for what cannot be read."""

from __future__ import annotations

import ast
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from smokegate.cli import main
from smokegate.errors import UsageError
from smokegate.scaffold.critical import Critical
from smokegate.scaffold.instances import Instances
from smokegate.scaffold.openapi import Description
from smokegate.scaffold.python import Raw, f_text, flat, laid_out
from smokegate.scaffold.unfit import UnfitError

from tests.gate.scaffold.drafting import (
    CALLS,
    MODULES,
    THINGS,
    Drafted,
    answered,
    described,
    takes,
)

NASTY = [
    '"""',
    "'''; import os; os.system('x')",
    "\\",
    "{client.evil()}",
    "\n    import os\n",
    "\u2028\x00\x0b\x1b[31m",
    "class",
    "__import__('os')",
    "Drafted from: GET /",
]
WORDS = st.one_of(st.sampled_from(NASTY), st.text(max_size=20)).map(str)


def refuse_foreign(name: str, text: str) -> None:
    """Fail for anything in a file that no draft has."""
    tree = ast.parse(text)
    structs = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    for node in ast.walk(tree):
        assert not isinstance(node, ast.Import | ast.Lambda | ast.Global | ast.Delete), name
        if isinstance(node, ast.ImportFrom):
            assert node.module in MODULES
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else node.func
            assert (called if isinstance(called, str) else ast.unparse(called)) in CALLS | structs
        if isinstance(node, ast.Attribute):
            assert not node.attr.startswith("__")


@settings(max_examples=25)
@given(words=st.lists(WORDS, min_size=12, max_size=12), quoted=WORDS)
def test_no_text_of_a_description_becomes_code(
    tmp_path_factory: pytest.TempPathFactory, words: list[str], quoted: str
) -> None:
    schema = {
        "type": "object",
        "title": words[0],
        "description": words[1],
        "required": [words[2], words[3], "id"],
        "properties": {
            words[2]: {"type": "string", "example": words[4]},
            words[3]: {"enum": [words[5], words[6]], "type": "string"},
            "id": {"type": "string"},
        },
    }
    path = "/" + words[7].replace("/", "")
    parameter = {"in": "query", "name": words[8], "required": True, "example": words[9]}
    at = {"responses": answered(schema), "parameters": [parameter], "summary": words[10]}
    document = described(
        {
            path: {
                "post": {**at, "requestBody": takes(schema), "operationId": words[11]},
                "get": {**at, "operationId": words[11]},
            },
            "/things": {
                "post": {"responses": answered(schema), "requestBody": takes(schema)},
                "get": at,
            },
            "/things/{thing_id}": {
                "get": {**at, "parameters": [parameter]},
                "delete": {"responses": answered()},
            },
            f"/things/{{{words[6].replace('/', '')}}}/x": {"get": at},
            "/x": {"get": {**at, "operationId": quoted}},
            "/x/health": {"get": {**at, "summary": quoted}},
        },
        servers=[{"url": f"https://x.example/{words[0]}"}],
    )
    project = Drafted(tmp_path_factory.mktemp("hostile") / "project")
    project.from_openapi(document)
    for name, text in project.python.items():
        refuse_foreign(name, text)
    has_blank = re.search("{[^{}]*}", words[0])  # in the server's URL: then no path is whole
    assert ("created = await" in project.text("test_critical_workflows.py")) is not bool(has_blank)


@settings(max_examples=30)
@given(words=st.lists(WORDS, min_size=8, max_size=8))
def test_no_text_of_a_recording_becomes_code(
    tmp_path_factory: pytest.TempPathFactory, words: list[str]
) -> None:
    body = json.dumps({words[0]: words[1], "password": words[2], "v": "{{" + words[7] + "}}"})
    test = f'pm.expect(pm.response.json().a).to.eql("{words[3]}")'
    request = {
        "method": "POST",
        "url": f"https://x.example/{words[4]}?{words[5]}={{{{{words[6]}}}}}",
        "header": [{"key": words[6], "value": words[7]}],
        "body": {"mode": "raw", "raw": body},
    }
    item = {
        "name": words[5],
        "request": request,
        "event": [{"listen": "test", "script": {"exec": [test]}}],
    }
    collection = {
        "info": {"name": words[0]},
        "item": [item, {"name": words[1], "item": [item]}],
        "variable": [{"key": words[6], "value": words[3]}],
    }
    project = Drafted(tmp_path_factory.mktemp("hostile") / "project")
    project.from_text("--postman", "x.json", json.dumps(collection))
    for name, text in project.python.items():
        refuse_foreign(name, text)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES, st.sampled_from([0, 8, 60]))
def test_a_value_is_the_same_when_python_reads_it(value: Any, indent: int) -> None:
    lines = laid_out("", value, indent=indent)
    assert ast.literal_eval("\n".join(lines).strip()) == value == ast.literal_eval(flat(value))


@given(WORDS, WORDS)
def test_only_what_is_ours_is_evaluated_in_a_text(before: str, after: str) -> None:
    tree = ast.parse(f_text([before, Raw("x"), after]), mode="eval")
    assert eval(compile(tree, "", "eval"), {"x": "X"}) == f"{before}X{after}"


def schemas() -> st.SearchStrategy[dict[str, Any]]:
    bounds = st.integers(-5, 30)
    texts = st.fixed_dictionaries(
        {"type": st.just("string")},
        optional={
            "minLength": st.integers(0, 12),
            "maxLength": st.integers(12, 40),
            "format": st.sampled_from(["uuid", "date-time", "uri", "other"]),
            "pattern": st.sampled_from(["^[a-z]+$", r"^\d+$", "^[A-Z]{2,9}$", "(a+)+$", "["]),
        },
    )
    numbers = st.fixed_dictionaries(
        {"type": st.sampled_from(["integer", "number"])},
        optional={
            "minimum": bounds,
            "maximum": bounds,
            "exclusiveMinimum": bounds,
            "exclusiveMaximum": bounds,
            "multipleOf": st.integers(1, 7),
        },
    )
    plain: st.SearchStrategy[Any] = (
        texts | numbers | st.sampled_from([{"type": "boolean"}, {"enum": ["a", 1, None]}])
    )
    return st.recursive(
        plain,
        lambda inner: (
            st.fixed_dictionaries(
                {"type": st.just("array"), "items": inner},
                optional={"minItems": st.integers(0, 4), "uniqueItems": st.booleans()},
            )
            | st.dictionaries(st.sampled_from(["name", "size", "kind"]), inner, min_size=1).map(
                lambda made: {"type": "object", "properties": made, "required": list(made)}
            )
            | st.lists(inner, min_size=1, max_size=3).map(lambda ways: {"anyOf": ways})
        ),
        max_leaves=6,
    )


@settings(max_examples=200)
@given(schemas())
def test_what_is_made_of_a_schema_is_valid(schema: dict[str, Any]) -> None:
    instances = Instances(Description(described(THINGS), "x"))
    try:
        made = instances.of(schema, "name")
    except UnfitError:
        return
    try:
        Draft202012Validator.check_schema(schema)
        Draft202012Validator(schema).validate(_sent(made))
    except Exception as error:
        if type(error).__name__ in ("SchemaError", "PatternError", "error"):
            return  # the schema itself is broken
        raise


def _sent(made: Any) -> Any:
    """What goes over the wire where a check makes up a name."""
    if isinstance(made, Raw):
        return "smoke-0123456789ab"
    if isinstance(made, dict):
        return {name: _sent(each) for name, each in made.items()}
    return [_sent(each) for each in made] if isinstance(made, list) else made


ALIASES = b"openapi: 3.0.0\na: &a {x: 1, y: 2}\n" + b"".join(
    b"b%d: &b%d {<<: [%s]}\n" % (n, n, b", ".join([b"*a" if n == 0 else b"*b%d" % (n - 1)] * 9))
    for n in range(12)
)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "it holds no object"),
        (b"[]", "it holds no object"),
        (b'{"openapi": "3.0.0", ', "it is not JSON"),
        (b"{" * 1_000, "it is not JSON"),
        (b'{"openapi": ' + b"[" * 300 + b"]" * 300 + b"}", "nested deeper than 200"),
        (b'{"swagger": "2.0", "paths": {}}', "Swagger 2.0 is not supported"),
        (b'{"openapi": "4.0.0"}', "it has no openapi: 3.x"),
        (b'{"openapi": "3.0.0"}', "it describes no paths"),
        (b'{"openapi": "3.0.0", "paths": []}', "it describes no paths"),
        (b"\xff\xfe\x00", "neither JSON nor YAML"),
        (b"a: [", "neither JSON nor YAML"),
        (b"a: !!python/object/apply:os.system [ls]", "neither JSON nor YAML"),
        (ALIASES, "too many members"),
        (b"- " * 50_000 + b"1", "neither JSON nor YAML"),
        (b"a: " + b"{a: " * 50_000, "neither JSON nor YAML"),
        (b"a: &a [*a]\nopenapi: 3.0.0\npaths: *a", "it describes no paths"),
    ],
    ids=range(16),
)
def test_what_is_no_description_is_one_line_and_exit_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, words: str
) -> None:
    source = tmp_path / "x.yaml"
    source.write_bytes(content)
    assert main(["init", "--openapi", str(source), str(tmp_path / "p")]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"smokegate: {source}: ")
    assert words in said
    assert said.count("\n") == 1
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--openapi", "nothing.json"], "nothing.json: No such file"),
        (["--openapi", "."], ".: Is a directory"),
        (["--openapi", "http://127.0.0.1:1/x.json"], "x.json: connection refused"),
        (["--har", "{x}"], "x: it is no HAR file"),
        (["--postman", "{x}"], "x: it is no Postman collection"),
        (["--http", "{x}"], "x: it holds no request"),
        (["--url", "ftp://x"], "--url: 'ftp://x' must begin with http"),
        (["--ci", ""], "invalid choice: ''"),
        (["{x}"], "x: it is no folder"),
        ([""], "DIR is empty"),
    ],
)
def test_wrong_use_is_one_line_and_exit_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    (tmp_path / "x").write_text('{"log": {"entries": [{"request": {"url": "data:,"}}]}}')
    given = [each.replace("{x}", str(tmp_path / "x")) for each in arguments]
    folder = [] if arguments[0] in ("{x}", "") else [str(tmp_path / "p")]
    try:
        code: object = main(["init", *given, *folder])
    except SystemExit as ended:
        code = ended.code
    assert code == 2
    assert words in capsys.readouterr().err


def test_yaml_needs_the_extra(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    source = tmp_path / "x.yaml"
    source.write_text("openapi: 3.0.0")
    assert main(["init", "--openapi", str(source), str(tmp_path)]) == 2
    assert "for YAML install smokegate[init]" in capsys.readouterr().err


@pytest.mark.parametrize("broken", ["class TestX(WorkflowSuite): pass\n", "def (:\n", "\ud800"])
def test_a_file_that_cannot_be_added_to_is_left_as_it_is(project: Drafted, broken: str) -> None:
    project.suites.mkdir(parents=True)
    file = project.suites / "test_critical_workflows.py"
    file.write_bytes(broken.encode("utf-8", "surrogatepass"))
    before = file.read_bytes()
    with pytest.raises(UsageError, match=file.name):
        project.from_openapi(described(THINGS))
    assert file.read_bytes() == before


@pytest.mark.parametrize("wrong", [None, 7, "x", [], {}, [[]], {"get": 7}])
def test_nothing_needs_to_be_well_formed(wrong: Any) -> None:
    """Each place of a description in turn holds something else."""
    document = described(
        {**THINGS, "/health": {"get": {"responses": answered({"type": "object"})}}},
        servers=[{"url": "/v1", "variables": {"a": {"default": "b"}}}],
        security=[{"b": []}],
        components={"securitySchemes": {"b": {"type": "http", "scheme": "bearer"}}},
    )
    for place in list(_places(document)):
        changed = json.loads(json.dumps(document))
        holder = changed
        for key in place[:-1]:
            holder = holder[key]
        holder[place[-1]] = wrong
        try:
            Critical(Description(changed, "x"), set(), set(), may_register=True).drafted()
        except UsageError:
            assert place[0] in ("openapi", "paths")


def _places(document: Any, path: tuple[Any, ...] = ()) -> Any:
    pairs = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in pairs:
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from _places(value, (*path, key))


def test_a_large_description_is_bounded() -> None:
    many = {f"/{number}": {"get": {}, "post": {"x": 1}} for number in range(6_000)}
    with pytest.raises(UsageError, match="more than 5,000 operations"):
        Description(described(many), "x").operations()
