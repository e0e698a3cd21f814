"""The program's start: ``deploygen``, and ``python -m deploygen``."""

from __future__ import annotations

import gc
import os
import sys


def main() -> None:
    """Runs the command line; every error that is the user's becomes text and an exit code."""
    # A short run allocates much and frees little: collecting garbage only costs time. So does
    # pydantic's search through all installed packages for plugins.
    gc.disable()
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

    from deploygen.cli import app, fail
    from deploygen.errors import DeploygenError

    try:
        app()
    except DeploygenError as error:
        fail(error)
        sys.exit(error.exit_code)
    finally:
        # Nothing is left to collect that the system does not take back: ending goes quicker.
        gc.freeze()


if __name__ == "__main__":
    main()
