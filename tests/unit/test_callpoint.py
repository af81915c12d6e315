"""The command line as a whole."""

from __future__ import annotations

import re

import pytest

from callpoint import main


def test_the_version_is_the_one_that_is_installed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])

    assert ended.value.code == 0
    assert re.fullmatch(r"callpoint \d+\.\d+\.\d+\n", capsys.readouterr().out)
