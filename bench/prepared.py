"""The product inside this process: an empty, prepared data folder and a Redis of its own."""

import os

import django


def prepare():
    """To be called before anything reads Django's settings. DATABASE_URL is respected."""
    # Importing it starts a Redis and makes the data folder; both end with the process.
    from tests import environment  # noqa: F401

    os.environ["DJANGO_SETTINGS_MODULE"] = "console.settings"
    os.environ["PUBLIC_HOST"] = "127.0.0.1"
    os.environ["ADMIN_PASSWORD"] = "correct horse battery"  # noqa: S105 - opens nothing
    django.setup()
    from console.up import preparation

    preparation.prepare()
