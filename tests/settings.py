"""The product's settings, with what only tests need: a database file of each process, plain static names."""

import os

from console.settings import *  # noqa: F403
from console.settings import DATA_DIR, DATABASES, STORAGES

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, not memory: write-ahead log and several threads, as in the product.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
    DATABASES["default"]["OPTIONS"]["init_command"] += "; PRAGMA synchronous=OFF"
DATABASES["default"]["CONN_MAX_AGE"] = 0

STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Tests that look at sign-in throttling switch it on.
AXES_ENABLED = False
WHITENOISE_AUTOREFRESH = True
PUBLIC_HOST = "console.example"
CELERY_TASK_ALWAYS_EAGER = True
os.environ.setdefault("PYTHONASYNCIODEBUG", "1")
