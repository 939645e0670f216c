"""The `gconv` program, which `python -m groupconv_cli` is too."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the program. An interrupt while it still loads ends it as one does later."""
    try:
        from groupconv_cli.cli.app import main as run
    except KeyboardInterrupt:
        if sys.stderr is not None:
            sys.stderr.write("gconv: interrupted\n")
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
