import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from openapi.reference.coverage import with_coverage
from openapi.reference.document import document

PAGE = settings.BASE_DIR / "docs" / "api.md"


class Command(BaseCommand):
    help = "Print the API as an OpenAPI 3.1 document."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--server", default=f"https://{settings.PUBLIC_HOST}:{settings.TLS_PORT}", help="where the API is"
        )
        parser.add_argument(
            "--coverage", action="store_true", help="write the table of actions in docs/api.md anew instead"
        )

    def handle(self, *_args: Any, server: str, coverage: bool, **_options: Any) -> None:
        if not coverage:
            self.stdout.write(json.dumps(document(server=server), indent=1))
            return
        PAGE.write_text(with_coverage(PAGE.read_text()))
        self.stdout.write(f"{PAGE} says what is served.")
