"""The product's settings, with what only tests need: a database file of each process, plain static names."""

import os

from console.env import SingleSignOn
from console.settings import *  # noqa: F403
from console.settings import (
    AUTHENTICATION_BACKENDS,
    DATA_DIR,
    DATABASES,
    INSTALLED_APPS,
    MIDDLEWARE,
    STORAGES,
)
from tests.waiting import PATIENCE_SECONDS

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
MASTER_KEYS = [b"A master key of tests, 32 bytes."]
CELERY_TASK_ALWAYS_EAGER = True
# Switched on for all, so that every page of it is walked; each test names a provider of its own.
INSTALLED_APPS = [*INSTALLED_APPS, "allauth.account", "allauth.socialaccount"]
MIDDLEWARE = [*MIDDLEWARE, "allauth.account.middleware.AccountMiddleware"]
AUTHENTICATION_BACKENDS = [*AUTHENTICATION_BACKENDS, "access.backends.SingleSignOn"]
SOCIALACCOUNT_ADAPTER = "access.sso.Adapter"
# A slow machine takes its time to answer.
SOCIALACCOUNT_REQUESTS_TIMEOUT = (PATIENCE_SECONDS, PATIENCE_SECONDS)
SINGLE_SIGN_ON = SingleSignOn("http://127.0.0.1:9", "console", "not so secret", "Example ID")
os.environ.setdefault("PYTHONASYNCIODEBUG", "1")
