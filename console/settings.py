"""Settings of every installation: what two installations may differ in comes from the environment."""

from console import env
from console.logs import logging_config

BASE_DIR = env.BASE_DIR
DATA_DIR = env.data_dir()
env.adopt_note(DATA_DIR)

SECRET_KEY = env.secret_key(DATA_DIR)
# They seal what seals the stored secrets; the newest first (access.operations.secrets).
MASTER_KEYS = env.master_keys(DATA_DIR)
DEBUG = False
# The console is reached by whatever name or address its network gives it. Nothing is built from the
# Host header: links to ourselves are relative, and install lines come from PUBLIC_HOST.
ALLOWED_HOSTS = ["*"]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
    "axes",
    "crispy_forms",
    "csp",
    "django_ace",
    "django_filters",
    "django_htmx",
    "django_otp",
    "console",
    "access",
    "assistant.instances",
    "assistant.commands",
    "assistant.invocations",
    "assistant.exports",
    "openapi",
]

MIDDLEWARE = [
    "console.middleware.listener_cookies",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "console.middleware.sign_in_again",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "access.middleware.principal",
    "console.middleware.Refusals",
    "access.middleware.Rules",
    "access.middleware.Duties",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "console.urls"
WSGI_APPLICATION = "console.wsgi.application"
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "console.navigation.shell",
            ],
        },
    },
]
CRISPY_ALLOWED_TEMPLATE_PACKS = ["crispy"]
CRISPY_TEMPLATE_PACK = "crispy"

# --- The truth, the bell and the hands ---

DATABASES = {"default": env.database_url(DATA_DIR)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.redis_url(DATA_DIR)

CELERY_BROKER_URL = env.celery_url(REDIS_URL)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
# A worker that dies gives its task back, after ten minutes; until then the sweeps do what it would have
# done. So every task may run twice.
CELERY_TASK_ACKS_LATE = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 600,
    "socket_timeout": 30,
    "socket_connect_timeout": 2,
}
CELERY_TASK_TIME_LIMIT = 300
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE = {
    # An expired tick is dropped: after a pause of the worker one look is enough.
    "sweep": {"task": "assistant.invocations.tasks.sweep", "schedule": 5.0, "options": {"expires": 5}},
    "plans": {"task": "assistant.invocations.tasks.hold_plans", "schedule": 10.0, "options": {"expires": 10}},
    "repair": {"task": "assistant.invocations.tasks.repair", "schedule": 60.0, "options": {"expires": 60}},
    "index": {
        "task": "assistant.invocations.tasks.index_outputs",
        "schedule": 3.0,
        "options": {"expires": 3},
    },
    "purge": {
        "task": "assistant.invocations.tasks.purge_results",
        "schedule": 3600.0,
        "options": {"expires": 3600},
    },
    "channels": {"task": "assistant.instances.tasks.sweep", "schedule": 5.0, "options": {"expires": 5}},
    "exports": {"task": "assistant.exports.tasks.sweep", "schedule": 60.0, "options": {"expires": 60}},
    "forget": {"task": "openapi.tasks.forget_old", "schedule": 3600.0, "options": {"expires": 3600}},
    "webhooks": {"task": "openapi.tasks.tell_webhooks", "schedule": 3.0, "options": {"expires": 3}},
    "heartbeat": {"task": "console.tasks.heartbeat", "schedule": 5.0, "options": {"expires": 5}},
}

# --- Who may come in ---

AUTH_USER_MODEL = "access.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "access.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "CommonPasswordValidator")
] + [
    {"NAME": "access.operations.passwords.PolicyValidator"},
    {"NAME": "console.passwords.FirstPasswordFile"},
]
LOGIN_URL = "sign_in"
LOGIN_REDIRECT_URL = "console:overview"
LOGOUT_REDIRECT_URL = "sign_in"

SINGLE_SIGN_ON = env.single_sign_on()
if SINGLE_SIGN_ON:
    # Of allauth only the conversation with the provider is used (see access.sso): none of its pages has an
    # address, and its tables stay empty. Without single sign-on it is not even loaded.
    INSTALLED_APPS += ["allauth.account", "allauth.socialaccount"]
    MIDDLEWARE += ["allauth.account.middleware.AccountMiddleware"]
    AUTHENTICATION_BACKENDS += ["access.backends.SingleSignOn"]
    SOCIALACCOUNT_ADAPTER = "access.sso.Adapter"
    # To connect, and to wait for each piece of an answer, in seconds: pages wait as long.
    SOCIALACCOUNT_REQUESTS_TIMEOUT = (3, 5)

# Five wrong passwords for one name from one address close that pair for fifteen minutes.
AXES_FAILURE_LIMIT = 5
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_COOLOFF_TIME = 0.25
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "access.views.signing_in.locked_out"
AXES_VERBOSE = False
# What it keeps of a form, it keeps without these; `password` it leaves out by itself.
AXES_SENSITIVE_PARAMETERS = [
    "username",
    "ip_address",
    "old_password",
    "new_password1",
    "new_password2",
    "proof",
    "number",
]
# The address is the peer of the connection; a forwarded header is anyone's to write.
AXES_IPWARE_META_PRECEDENCE_ORDER = ["REMOTE_ADDR"]

SESSION_ENGINE = "access.sessions"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 60 * 60
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "console.views.csrf_refused"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# One of the two listeners is plain, for this machine alone; the cookies of the other one are marked
# Secure by console.middleware.listener_cookies, and strict transport security would close the plain one.
SILENCED_SYSTEM_CHECKS = ["security.W004", "security.W008", "security.W012", "security.W016"]

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "worker-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}

# --- What people see ---

# A notice's tone, as the components know them.
MESSAGE_TAGS = {20: "idle", 25: "good", 30: "warning", 40: "bad"}

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "console.kit.static.HashedFilesStorage"},
}
WHITENOISE_MAX_AGE = 0
WHITENOISE_ALLOW_ALL_ORIGINS = False

# --- This installation ---

PUBLIC_HOST = env.public_host()
TLS_PORT = env.number("TLS_PORT", 8443, least=1)
TLS_DIR = DATA_DIR / "tls"
AGENT_PACKAGE = DATA_DIR / "packages" / "agent.pyz"
EXPORTS_DIR = DATA_DIR / "exports"

# The account in the names of all resources (`acs:ecs:<region>:<account>:instance/<id>`); there is one.
ACCOUNT_ID = env.text("ACCOUNT_ID", "1000000000000001")

# How far an agent's clock may be off before its calls are refused, in seconds.
AGENT_CLOCK_WINDOW = env.number("AGENT_CLOCK_WINDOW", 900, least=10)
# What is kept of one record's output, in bytes; agents are told the same number as their quota.
# Calls of one access key within a second.
API_CALLS_PER_SECOND = env.number("API_CALLS_PER_SECOND", 200, least=1)
OUTPUT_LIMIT = env.number("OUTPUT_LIMIT", 1024 * 1024, least=24 * 1024)

LOGGING_CONFIG = None
LOGGING = logging_config(
    level=env.choice("LOG_LEVEL", "INFO", among=("DEBUG", "INFO", "WARNING", "ERROR")),
    style=env.choice("LOG_FORMAT", "console", among=("console", "json")),
)
