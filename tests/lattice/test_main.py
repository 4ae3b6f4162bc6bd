import pytest
from lattice.__main__ import main

from tests.lattice.processes import run_lattice


def test_help_is_there_without_loading_the_service(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["serve", "--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    for option in ("--host", "--port", "--dev", "LATTICE_"):
        assert option in shown


def test_help_loads_no_framework() -> None:
    loaded = run_lattice("serve", "--help", interpreter=["-X", "importtime"]).stderr
    assert "argparse" in loaded
    for heavy in ("fastapi", "sqlalchemy", "pydantic", "uvicorn"):
        assert f" {heavy}\n" not in loaded


def test_without_a_command_the_usage_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "serve" in capsys.readouterr().err


@pytest.mark.parametrize("port", ["-1", "65536", "http", "", "1e3"])
def test_a_port_is_a_number(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["serve", "--port", port])
    assert ended.value.code == 2
    assert "--port" in capsys.readouterr().err
