from tests.lattice.conftest import Lattice, Run


def test_a_registration_logs_in(run: Run) -> None:
    async def scenario(lattice: Lattice) -> None:
        account = await lattice.register()
        me = await lattice.ask("GET", "/api/auth/me", token=str(account["access_token"]))
        assert me.status_code == 200
        assert me.json() == account["user"] | {"tenant": account["tenant"]}  # type: ignore[operator]

    run(scenario)
