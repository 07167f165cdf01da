"""Name the repository in every link to it: ``make publish REPO=owner/name``.

The one place where its name is kept is ``pyproject.toml``; what stands elsewhere is replaced.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KINDS = ("README.md", "pyproject.toml", "notebooks/*/*.ipynb")


def publish(new: str, root: Path = ROOT) -> list[Path]:
    """Put ``new``, "owner/name", in the place of the present name; returns the files changed.

    Raises ValueError for a name that GitHub would not take.
    """
    if not re.fullmatch(r"[A-Za-z\d][A-Za-z\d-]*/[\w.-]+", new):
        raise ValueError(f"REPO = {new!r}: expected owner/name, as in github.com/owner/name")
    old = re.search(
        r'^repository = "https://github.com/([^"]+)"', (root / "pyproject.toml").read_text(), re.M
    )[1]
    pages = ["{}.github.io/{}".format(*name.split("/")) for name in (old, new)]
    changed = []
    for path in sorted(path for kind in KINDS for path in root.glob(kind)):
        before = path.read_text(encoding="utf-8")
        after = before.replace(*pages).replace(old, new)
        if after != before:
            path.write_text(after, encoding="utf-8")
            changed.append(path)
    return changed


if __name__ == "__main__":
    try:
        for path in publish(sys.argv[1]):
            print(path.relative_to(ROOT))
    except ValueError as error:
        sys.exit(f"publish: {error}")
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.M)[1]
    print(f"Commit, and tag the commit v{version}: Colab fetches that tag.")
