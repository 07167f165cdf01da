"""``python -m d2l_utils``: put the whole Fashion-MNIST in place (``make data``)."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .machine import data_sources, files


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m d2l_utils", description=data_sources.fetch.__doc__
    )
    parser.add_argument("root", nargs="?", type=Path, default=data_sources.default_root())
    parser.add_argument("--optional", action="store_true", help="exit 0 without a full copy too")
    options = parser.parse_args(arguments)
    try:
        source, folder = data_sources.fetch(options.root)
        line, code = f"60,000 + 10,000 images in {folder} (source: {source}).", 0
    except OSError as error:
        line = f"no full copy found and the download failed ({error})."
        code = 0 if options.optional else 1
    except data_sources.DataError as error:
        line, code = str(error), 1
    print(files.told(f"Fashion-MNIST: {line}"))
    return code


if __name__ == "__main__":
    sys.exit(main())
