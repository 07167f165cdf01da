"""Set-up: what ``make`` refuses and how it says so, the pins, and JupyterLab's token."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from packaging.requirements import Requirement

REPO = Path(__file__).parents[1]
MAKE = shutil.which("make")
TARGETS = ["help", "setup", "lab", "test", "lint", "data", "results", "save", "student"]
TARGETS += ["site", "publish", "clean"]
# An outer make hands its flags and the variables of its command line to an inner one.
ENV = {k: v for k, v in os.environ.items() if not re.match("MAKE|MFLAGS|PYTHON$|PIP_ARGS", k)}

pytestmark = pytest.mark.skipif(MAKE is None, reason="needs make")


def make(*arguments, cwd=REPO, **env):
    return subprocess.run(
        [MAKE, *arguments], cwd=cwd, env=ENV | env, capture_output=True, text=True, timeout=60
    )


def program(path, *lines):
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(["#!/bin/sh", *lines]) + "\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def folder(tmp_path):
    """A folder, with a space in its name, that has what set-up reads."""
    folder = tmp_path / "a workbook"
    for name in ("Makefile", "pyproject.toml", "requirements.txt", "requirements-dev.txt"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(REPO / name, folder / name)
    for name in (".ci", ".binder"):
        shutil.copytree(REPO / name, folder / name)
    return folder


@pytest.fixture
def path(tmp_path):
    """A PATH whose first folder is ours, to put fakes in; with room on the disk."""
    program(tmp_path / "bin" / "df", "echo header", f"echo /dev/a b 9 9 {99 << 20} 1% /my disk")
    return f"{tmp_path / 'bin'}:/usr/bin:/bin"


@pytest.fixture
def python(tmp_path):
    """A Python 3.12 that makes virtual environments whose pip only writes down its arguments."""
    return program(
        tmp_path / "bin" / "python",
        'case "$*" in',
        '*version_info*) echo "${FAKE_VERSION-3.12}" ;;',
        f'*fcntl*) exec "{sys.executable}" "$@" ;;',
        '*ensurepip*) [ -z "${FAKE_NO_ENSUREPIP-}" ] ;;',
        '*"-m venv"*) mkdir -p .venv/bin && cp "$0" .venv/bin/python && echo venv >> calls ;;',
        '*"pip --version"*) true ;;',
        '*"pip install"*) echo "$*" >> calls; [ -z "${FAKE_PIP-}" ] || eval "$FAKE_PIP" ;;',
        """*IPython*) echo "${PWD##*/} $D2L_BUDGET $*" >> ../../calls; [ "$3" != ./2.ipynb ] ;;""",
        """*nbconvert*) echo "$*" >> calls ;;""",
        "*) exit 1 ;;",
        "esac",
    )


def calls(folder):
    try:
        return (folder / "calls").read_text().splitlines()
    except FileNotFoundError:
        return []


REFUSALS = {
    "old": ({"FAKE_VERSION": "3.9"}, ["is Python 3.9", "3.10 to 3.13", "make PYTHON=python3."]),
    "new": ({"FAKE_VERSION": "3.14"}, ["is Python 3.14", "3.10 to 3.13", "make PYTHON=python3."]),
    "no ensurepip": ({"FAKE_NO_ENSUREPIP": "1"}, ["ensurepip", "apt install python3.12-venv"]),
}


@pytest.mark.parametrize("case", REFUSALS)
@pytest.mark.parametrize("target", ["lab", "test"])
def test_an_unfit_python_is_refused_in_one_line(case, target, folder, python, path):
    env, words = REFUSALS[case]
    run = make(target, f"PYTHON={python}", cwd=folder, PATH=path, **env)
    said = [line for line in run.stderr.splitlines() if not line.startswith("make: ***")]
    assert run.returncode != 0
    assert len(said) == 1, run.stderr
    assert all(word in said[0] for word in words), said
    assert not (folder / ".venv").exists()


def test_a_missing_python_is_refused(folder, path):
    run = make("lab", "PYTHON=python-of-nowhere", cwd=folder, PATH=path)
    assert run.returncode != 0
    assert "set-up: python-of-nowhere does not run; needed: Python 3.10 to 3.13" in run.stderr


@pytest.mark.parametrize(("gigabytes", "pip_args", "fits"), [(4, "", False), (4, "cpu", True)])
def test_too_small_a_disk_is_refused(gigabytes, pip_args, fits, folder, python, path, tmp_path):
    free = gigabytes << 20
    program(tmp_path / "bin" / "df", "echo header", f"echo /dev/a b 9 9 {free} 1% /my disk")
    program(tmp_path / "bin" / "uname", "echo Linux")
    run = make("setup", f"PYTHON={python}", f"PIP_ARGS={pip_args}", cwd=folder, PATH=path)
    assert (run.returncode == 0) == fits, run.stderr
    if not fits:
        assert "set-up: 4 GB of disk free here; needed: 12 GB; remedy:" in run.stderr
        assert not calls(folder)


def test_a_second_call_does_nothing(folder, python, path):
    for _ in range(2):
        assert make("setup", f"PYTHON={python}", cwd=folder, PATH=path).returncode == 0
        assert make("-q", "setup", cwd=folder).returncode == 0
        assert calls(folder) == ["venv", "-m pip install -r requirements.txt"]
    settings = folder / ".venv/share/jupyter/lab/settings/overrides.json"
    assert settings.read_text() == (REPO / ".binder/overrides.json").read_text()
    make(".venv/.ready-dev", cwd=folder)
    assert calls(folder)[2:] == ["-m pip install -r requirements-dev.txt"]
    assert make("-q", "test", cwd=folder).returncode == 1  # tests run each time


def test_a_changed_pin_is_installed(folder, python, path):
    make("setup", f"PYTHON={python}", cwd=folder, PATH=path)
    os.utime(folder / "requirements.txt", (2**31, 2**31))
    assert make("setup", cwd=folder).returncode == 0
    assert calls(folder) == ["venv"] + 2 * ["-m pip install -r requirements.txt"]


@pytest.mark.parametrize("stamp", [".venv/.ready", ".venv/.ready-dev"])
@pytest.mark.parametrize("victim", ["$PPID", "$$"], ids=["all", "pip"])
def test_a_killed_setup_starts_from_nothing(victim, stamp, folder, python, path):
    arguments = [stamp, f"PYTHON={python}"]
    if stamp.endswith("dev"):
        make(".venv/.ready", *arguments[1:], cwd=folder, PATH=path)
    assert make(*arguments, cwd=folder, PATH=path, FAKE_PIP=f"kill -9 {victim}").returncode != 0
    assert make("-q", "setup", cwd=folder).returncode == 1
    before = calls(folder).count("venv")
    assert make(*arguments, cwd=folder, PATH=path).returncode == 0
    assert calls(folder).count("venv") == before + 1
    assert make("-q", stamp, cwd=folder).returncode == 0


def test_a_failing_pip_keeps_what_was_there(folder, python, path):
    make("setup", f"PYTHON={python}", cwd=folder, PATH=path)
    run = make(".venv/.ready-dev", f"PYTHON={python}", cwd=folder, PATH=path, FAKE_PIP="exit 1")
    assert run.returncode != 0
    assert "set-up: pip failed, see above; remedy: check the network" in run.stderr
    assert make("-q", "setup", cwd=folder).returncode == 0


def test_two_setups_at_once_do_not_mix(folder, python, path):
    slow = ENV | {"PATH": path, "FAKE_PIP": "sleep 1; echo end >> calls"}
    both = [
        subprocess.Popen([MAKE, "setup", f"PYTHON={python}"], cwd=folder, env=slow) for _ in "12"
    ]
    assert [setup.wait(timeout=30) for setup in both] == [0, 0]
    one = ["-m pip install -r requirements.txt", "end"]
    assert calls(folder) == ["venv", *one, *one]


def test_a_moved_folder_is_set_up_again(folder, python, path):
    make("setup", f"PYTHON={python}", cwd=folder, PATH=path)
    moved = folder.rename(folder.with_name("moved"))
    assert make("setup", f"PYTHON={python}", cwd=moved, PATH=path).returncode == 0
    assert calls(moved).count("venv") == 2


@pytest.mark.parametrize("jobs", [1, 3])
def test_results_run_each_notebook_in_its_folder_until_one_fails(folder, python, path, jobs):
    """By as many programs as are asked for; one of them is seen."""
    make("setup", f"PYTHON={python}", cwd=folder, PATH=path)
    for name in ("1.ipynb", "2.ipynb", "3.ipynb"):
        (folder / "notebooks/8_4").mkdir(parents=True, exist_ok=True)
        (folder / "notebooks/8_4" / name).touch()
    assert make("results", f"JOBS={jobs}", cwd=folder).returncode != 0
    ran = ["8_4 full -m IPython ./1.ipynb", "8_4 full -m IPython ./2.ipynb"]
    assert calls(folder)[2:] == [line for line in ran for _ in range(jobs)]


@pytest.mark.parametrize("name", ["-c.ipynb", 'it\'s $(touch theirs) "here".ipynb'])
def test_save_takes_any_name(folder, python, path, name):
    """As it is: no part of it is an option, or a command."""
    make("setup", f"PYTHON={python}", cwd=folder, PATH=path)
    saved = make("save", f"NOTEBOOK={name.replace('$', '$$')}", cwd=folder)
    assert saved.returncode == 0, saved.stderr
    assert calls(folder)[-1].endswith(f"store_widget_state=False ./{name}")
    assert not (folder / "theirs").exists()


def test_help_lists_each_target():
    listed = re.findall(r"^  make (\w+)\t.+$", make().stdout, re.M)
    assert sorted(listed) == sorted(TARGETS)


def test_clean_keeps_data_and_results(folder, python, path):
    make("setup", f"PYTHON={python}", cwd=folder, PATH=path)
    kept = [folder / "data/FashionMNIST/raw/images", folder / "results/8_4_googlenet/run.json"]
    for file in [*kept, folder / ".jupyter/secret", folder / "d2l_utils/__pycache__/a.pyc"]:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    assert make("clean", cwd=folder).returncode == 0
    assert all(file.exists() for file in kept)
    for gone in (".venv", ".jupyter", "d2l_utils/__pycache__"):
        assert not (folder / gone).exists()


def pins(name, python=None):
    """The pins of a requirements file; with ``python``, those that hold for that version."""
    lines = [line.split("#")[0].strip() for line in (REPO / name).read_text().splitlines()]
    every = [Requirement(line) for line in lines if line and not line.startswith("-")]
    env = {"python_version": python}
    return [pin for pin in every if not (python and pin.marker) or pin.marker.evaluate(env)]


@pytest.mark.parametrize(
    "name", ["requirements.txt", "requirements-dev.txt", ".binder/requirements.txt"]
)
def test_every_pin_is_exact(name):
    for pin in pins(name):
        assert re.fullmatch(r"==[\d.]+(\+cpu)?", str(pin.specifier)), pin


@pytest.mark.parametrize("version", ["3.10", "3.11", "3.12", "3.13"])
def test_each_python_has_one_pin_of_each_package(version):
    chosen = [pin.name for pin in pins("requirements.txt", version)]
    assert sorted(chosen) == sorted({pin.name for pin in pins("requirements.txt")})


def test_binder_has_the_same_pins():
    version = (REPO / ".binder/runtime.txt").read_text().strip().removeprefix("python-")
    here = {pin.name: str(pin.specifier) for pin in pins("requirements.txt", version)}
    binder = {pin.name: str(pin.specifier) for pin in pins(".binder/requirements.txt")}
    assert {name: pin.removesuffix("+cpu") for name, pin in binder.items()} == here
    assert [name for name, pin in binder.items() if "+cpu" in pin] == ["torch", "torchvision"]


def test_ci_runs_what_the_readme_says():
    script = (REPO / ".ci/run").read_text()
    assert script.endswith("\nmake --keep-going lint test\n")
    assert "set -euo pipefail" in script
    assert "run: bash .ci/run" in (REPO / ".github/workflows/ci.yml").read_text()
    for name in (".ci/run", ".binder/postBuild"):
        assert os.access(REPO / name, os.X_OK), name


def test_no_file_of_the_setup_names_a_machine():
    files = [REPO / "Makefile", REPO / "pyproject.toml", *REPO.glob("requirements*.txt")]
    for folder in (".ci", ".binder", ".colab", ".devcontainer", ".github"):
        files += [path for path in (REPO / folder).rglob("*") if path.is_file()]
    for file in files:
        assert not re.search(r"/(home|root|Users|work)/", file.read_text()), file


def get(url, patience=10):
    """Status and body of ``url``, redirects not followed, once something listens there."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_):
            return None

    deadline = time.monotonic() + patience
    while True:
        try:
            with urllib.request.build_opener(Stay).open(url, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, ""
        except urllib.error.URLError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


@pytest.mark.skipif(sys.platform == "win32", reason="needs process groups")
def test_lab_answers_with_its_token_only():
    if make("-q", "setup").returncode:
        pytest.skip("this folder is not set up: run 'make setup'")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = f"LAB_ARGS=--no-browser --port={port} --ServerApp.port_retries=0"
    lab = subprocess.Popen(
        [MAKE, "lab", options],
        cwd=REPO,
        env=ENV | {"PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        log = []
        for line in lab.stdout:
            log.append(line)
            if "Control-C" in line:
                break
        found = re.search(rf"(http://127\.0\.0\.1:{port})(/\S+)\?token=(\w+)", "".join(log))
        assert found, "".join(log)
        host, page, token = found.groups()
        assert page == "/lab/tree/8_4_googlenet/0_googlenet.ipynb"
        assert get(f"{host}/api/contents")[0] == 403
        assert get(f"{host}/api/contents?token=wrong")[0] == 403
        assert get(f"{host}{page}")[0] == 302  # to the login page
        status, body = get(f"{host}/api/contents?token={token}")
        assert (status, "8_4_googlenet" in body) == (200, True)
        news = "lab/api/settings/@jupyterlab/apputils-extension:notification"
        assert '"default": "false"' in get(f"{host}/{news}?token={token}")[1]
    finally:
        os.killpg(lab.pid, signal.SIGTERM)
        rest, _ = lab.communicate(timeout=20)
    assert "Shutting down" in rest
    with pytest.raises(OSError, match="refused"):
        get(host, patience=0)
