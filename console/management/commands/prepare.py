import errno
import json
import logging.config
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db.utils import DatabaseError

from console.up import preparation
from console.up.errors import CannotStart
from console.up.folder import unusable


class Command(BaseCommand):
    help = "Make the data folder and the database ready; `up` calls this at every start."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="only say whether everything answers")

    def handle(self, *_args: Any, check: bool, **_options: Any) -> None:
        logging.config.dictConfig(settings.LOGGING)
        try:
            if check:
                preparation.check()
            else:
                self.stdout.write(json.dumps(asdict(preparation.prepare())))
        except CannotStart as error:
            self.refuse(str(error))
        except OSError as error:
            self.refuse(unusable(settings.DATA_DIR, error))
        except DatabaseError as error:
            self.refuse(sentence_of(error))

    def refuse(self, sentence: str) -> None:
        self.stderr.write(sentence, style_func=str)
        sys.exit(1)


def sentence_of(error: DatabaseError) -> str:
    if "disk is full" in str(error):
        return unusable(settings.DATA_DIR, OSError(errno.ENOSPC, "No space left on device"))
    return f"The database cannot be brought up to this version: {preparation.sentence_end(error)}"
