#!/usr/bin/env python
"""The console's command line."""

import os
import sys


def main() -> None:
    # The supervisor lives as long as everything it starts and needs nothing of Django.
    if sys.argv[1:2] == ["up"]:
        from console.up.command import main as up

        sys.exit(up(sys.argv[2:]))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
