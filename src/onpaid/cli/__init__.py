"""The command line: everything that the console does, and what only an operator at the machine may.

`main` is the one entrance. Whatever onpaid itself raises ends as one sentence and exit code 1, never as a traceback;
bad usage is exit code 2. Modules are imported by the command that needs them, so that `onpaid --help` is quick.
"""

from __future__ import annotations


def main() -> None:
    """Run the command line and leave with its exit code."""
    import os
    import sys

    from onpaid.cli.app import app
    from onpaid.errors import OnpaidError

    try:
        app(prog_name="onpaid")
    except OnpaidError as error:
        from onpaid.cli.output import fail

        sys.exit(fail(error))
    except BrokenPipeError:
        # Whoever read our output has gone, such as `head`: there is nobody to complain to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
