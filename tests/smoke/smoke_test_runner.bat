@echo off
rem Verifies a deployment from a bare machine: needs Python 3.11 or later.
rem
rem   set PRODUCTION_URL=https://api.example.com
rem   tests\smoke\smoke_test_runner.bat [options]
rem
rem The options are those of "smokegate run", and so are the exit codes: 0 proceed or monitor,
rem 5 monitor with --strict, 10 investigate, 20 roll back, 30 no verdict, 2 wrong use.
setlocal
set "here=%~dp0"
set "here=%here:~0,-1%"
for %%I in ("%here%\..\..") do set "root=%%~fI"
if not defined SMOKEGATE_RESULTS set "SMOKEGATE_RESULTS=%here%\results"

if not defined PRODUCTION_URL (
    echo [1/4] Target: the one given with --url, or http://localhost:8000 1>&2
    goto :python
)
if /i "%PRODUCTION_URL:~0,7%"=="http://" goto :target
if /i "%PRODUCTION_URL:~0,8%"=="https://" goto :target
echo smoke_test_runner: PRODUCTION_URL: "%PRODUCTION_URL%" must begin with http:// or https:// 1>&2
exit /b 2

:target
echo [1/4] Target: %PRODUCTION_URL% 1>&2

:python
set "venv=%root%\.venv"
if exist "%venv%\Scripts\smokegate.exe" goto :run
set "venv=%here%\.venv"
if exist "%venv%\Scripts\smokegate.exe" goto :run
set "python=py -3"
%python% -c "import sys, venv; sys.exit(sys.version_info < (3, 11))" >nul 2>&1 || set "python=python"
%python% -c "import sys, venv; sys.exit(sys.version_info < (3, 11))" >nul 2>&1 || goto :nopython
echo [2/4] Python: installing smokegate into %venv% 1>&2
set "package=%SMOKE_RUNNER_PACKAGE%"
if not defined SMOKE_RUNNER_PACKAGE set "package=%root%\smokegate"
if not defined SMOKE_RUNNER_PACKAGE if not exist "%root%\smokegate\pyproject.toml" goto :nopackage
%python% -m venv "%venv%" || goto :nopackage
echo smoke_test_runner: there is no smokegate in %root%; set SMOKE_RUNNER_PACKAGE to its folder, wheel or pinned name 1>&2
exit /b 2

:noinstall
"%venv%\Scripts\python.exe" -m pip install --quiet --disable-pip-version-check "%package%" 1>&2 || goto :nopackage
echo smoke_test_runner: there is no smokegate in %root%; set SMOKE_RUNNER_PACKAGE to its folder, wheel or pinned name 1>&2
exit /b 2

:noinstall

:run
echo [2/4] Python: %venv% 1>&2
echo [3/4] Suites: %here% 1>&2
echo [4/4] Results: %SMOKEGATE_RESULTS%, unless --results says otherwise 1>&2
"%venv%\Scripts\smokegate.exe" run "%here%" %*
exit /b %ERRORLEVEL%

:nopython
echo smoke_test_runner: Python 3.11 or later with its venv module is needed 1>&2
exit /b 2

:nopackage
echo smoke_test_runner: there is no smokegate in %root%; set SMOKE_RUNNER_PACKAGE to its folder, wheel or pinned name 1>&2
exit /b 2

:noinstall
echo smoke_test_runner: smokegate could not be installed; is there a network? 1>&2
exit /b 2
