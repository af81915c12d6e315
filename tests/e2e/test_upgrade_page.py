"""The lines of docs/upgrade.md about the program, run as they stand: an update, the way back, and forward again.

The program is a small one in a clone of its own. What belongs to systemd and to the store is left to other tests: here
it does nothing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.documents import ROOT, blocks_of

PAGE = ROOT / "docs" / "upgrade.md"
BEFORE, UPDATE, BACK = (block.text for block in blocks_of(PAGE) if ".venv" in block.text)
PROJECT = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "callpoint"
version = "0.1.0"
[project.optional-dependencies]
collector = []
[project.scripts]
callpoint = "callpoint:main"
[tool.setuptools]
py-modules = ["callpoint"]
packages = ["config"]
[tool.setuptools.package-data]
config = ["*.yaml"]
"""
PROGRAM = "def main() -> int:\n    print('{}')\n    return 0\n"
# Who is not root may not even look into a clone that root has made: git says so, and prints nothing.
SUDO = '#!/bin/sh\nexec env -u GIT_TEST_ASSUME_DIFFERENT_OWNER "$@"\n'
PIP = '#!/bin/sh\nexec {}/python -m pip "$@" --quiet --no-index --no-deps --no-build-isolation\n'


def _script(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


class Place:
    """A machine's folders, with a clone of `origin` where the page has /opt/callpoint."""

    def __init__(self, here: Path) -> None:
        self.here, self.opt, self.origin = here, here / "opt/callpoint", here / "origin"
        for folder in ("bin", "services", "origin/config/deploy", "opt"):
            (here / folder).mkdir(parents=True)
        for name in ("systemctl", "systemd-run", "install"):
            _script(here / "bin" / name, "#!/bin/sh\n")
        _script(here / "bin/sudo", SUDO)
        path = f"{here}/bin:{os.environ['PATH']}"
        self.known = {"PATH": path, "HOME": str(here), "GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"}
        for name, text in (("pyproject.toml", PROJECT), ("constraints.txt", ""), (".gitignore", ".venv\nbuild\n")):
            (self.origin / name).write_text(text, encoding="utf-8")
        (self.origin / "config/__init__.py").touch()
        (self.origin / "config/old.yaml").touch()
        (self.origin / "config/deploy/callpoint-collector.service").touch()
        self.publish("first", new=True)
        self.run(f"sudo git clone -q {self.origin} /opt/callpoint")
        venv.create(self.opt / ".venv", with_pip=False)
        (packages,) = self.opt.glob(".venv/lib/python*/site-packages")
        (packages / "tools.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
        _script(self.opt / ".venv/bin/pip", PIP.format(self.opt / ".venv/bin"))
        self.run("cd /opt/callpoint && sudo .venv/bin/pip install .")

    def publish(self, says: str, new: bool = False) -> None:
        """Another version of the program, which says something else."""
        (self.origin / "callpoint.py").write_text(PROGRAM.format(says), encoding="utf-8")
        who = "-c user.name=x -c user.email=x@example.org"
        begin = "git init -q -b main &&" if new else ""
        self.run(f"cd {self.origin} && sudo sh -c '{begin} git add -A && git {who} commit -q -m {says}'")

    def run(self, lines: str) -> str:
        """What lines of the page print; fails at the first that does."""
        for wrote, place in (("/opt/callpoint", self.opt), ("/etc/systemd/system", self.here / "services")):
            lines = lines.replace(wrote, str(place))
        script = f"set -euo pipefail\nshopt -s expand_aliases\n{lines}\n"
        done = subprocess.run(["bash", "-c", script], env=self.known, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @property
    def says(self) -> str:
        """Which version runs."""
        return self.run("cd / && /opt/callpoint/.venv/bin/callpoint").strip()

    @property
    def data(self) -> set[str]:
        """The data that the installed program carries."""
        return {path.name for path in self.opt.glob(".venv/lib/python*/site-packages/config/*.yaml")}


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed (apt-get install git)")
@pytest.mark.skipif(sys.platform != "linux", reason="the page is for Linux")
def test_an_update_and_the_way_back_and_another_update_are_as_the_page_says(tmp_path: Path) -> None:
    place = Place(tmp_path)
    (place.origin / "config/old.yaml").unlink()
    place.publish("second")
    assert place.says == "first" and place.data == {"old.yaml"}

    place.run(BEFORE)
    place.run(UPDATE)
    assert place.says == "second" and place.data == set(), "nothing of the old version is left in the new"
    place.run(BACK)
    assert place.says == "first" and place.data == {"old.yaml"}

    for says in ("third", "fourth"):  # no way back between: what was kept before is kept no longer
        place.publish(says)
        place.run(BEFORE)
        place.run(UPDATE)
        assert place.says == says
    place.run(BACK)
    assert place.says == "third"
