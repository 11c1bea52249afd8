"""What tests need of a console and do not test, in one process: `python -m tests.up.hands [MODULE]`.

A process for each would spend its time on starting. With the data folder of a house as DATA_DIR. What shall be
done comes line by line as JSON, and so go the answers: management commands, and the module's DEEDS.
"""

import importlib
import io
import json
import os
import sys

import django
from django.core.management import call_command
from django.db import connections


def main(*modules):
    os.environ["DJANGO_SETTINGS_MODULE"] = "console.settings"
    django.setup()
    deeds = {"command": command}
    for module in modules:
        deeds |= importlib.import_module(module).DEEDS
    for line in sys.stdin:
        wanted = json.loads(line)
        print(json.dumps(answered(deeds[wanted.pop("do")], wanted)), flush=True)


def answered(deed, said):
    try:
        return {"done": deed(**said)}
    except AssertionError as error:
        return {"failed": str(error)}
    finally:
        connections.close_all()


def command(words):
    """What it prints; it has to succeed."""
    said, complaint = io.StringIO(), io.StringIO()
    try:
        call_command(*words, stdout=said, stderr=complaint)
    except SystemExit as end:
        if end.code:
            raise AssertionError(complaint.getvalue() or said.getvalue()) from end
    return said.getvalue()


if __name__ == "__main__":
    main(*sys.argv[1:])
