"""All settings, each from the environment; docs/settings.md describes them for operators.

A value that is missing or wrong stops the start with a message that names it. A checkout that `./dev up` has prepared
keeps its settings in var/dev.env, which is read only where the environment and .env name no SECRET_KEY.
"""

import logging
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from environs import Env, EnvError, validate

from encryption.keys import validate_keys
from tokens.addresses import validate_endpoint, validate_hosts

BASE_DIR = Path(__file__).resolve().parent.parent

env = Env()
env.read_env(BASE_DIR / ".env", recurse=False)
if "SECRET_KEY" not in os.environ:
    env.read_env(BASE_DIR / "var/dev.env", recurse=False)

LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def required(name: str, hint: str) -> str:
    try:
        return env.str(name, validate=validate.Regexp(r".*\S"))
    except EnvError:
        raise ImproperlyConfigured(f"{name} is not set. {hint} See docs/settings.md.") from None


# --- Identity of this installation ------------------------------------------------------------------------------------

SECRET_KEY = required("SECRET_KEY", "Make one with: openssl rand -base64 48.")
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", [])
FIELD_ENCRYPTION_KEY = validate_keys(
    required("FIELD_ENCRYPTION_KEY", "Make one with: openssl rand -base64 32 | tr '+/' '-_'.")
)
PORTAL_URL = required("PORTAL_URL", "It is the address people type, such as https://qpu.example.com.").rstrip("/")
ALLOW_PLAIN_HTTP = env.bool("ALLOW_PLAIN_HTTP", False)

_portal = urlsplit(PORTAL_URL)
if _portal.scheme not in {"http", "https"} or not _portal.hostname:
    raise ImproperlyConfigured("PORTAL_URL must look like https://qpu.example.com.")
HTTPS = _portal.scheme == "https"
if not (HTTPS or ALLOW_PLAIN_HTTP or _portal.hostname in LOOPBACK):
    raise ImproperlyConfigured(
        "PORTAL_URL is not https, so passwords and API keys would travel in clear. "
        "Use https, or set ALLOW_PLAIN_HTTP=true if you accept that."
    )

DEBUG = env.bool("DEBUG", False)
if DEBUG and _portal.hostname not in LOOPBACK:
    raise ImproperlyConfigured("DEBUG shows secrets to visitors: it is refused unless PORTAL_URL is on this machine.")

ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", [_portal.hostname])
CSRF_TRUSTED_ORIGINS = [f"{_portal.scheme}://{_portal.netloc}"]

# --- What the portal allows -------------------------------------------------------------------------------------------

SIGNUP = env.str("SIGNUP", "invited")
if SIGNUP not in {"open", "invited"}:
    raise ImproperlyConfigured("SIGNUP must be open (anyone may sign up) or invited (only who holds an invitation).")
DEFAULT_PLAN = env.str("DEFAULT_PLAN", "academic")
if DEFAULT_PLAN not in {"basic", "academic", "enterprise"}:
    raise ImproperlyConfigured("DEFAULT_PLAN must be basic, academic or enterprise.")
QUOTA_DEFAULT_DAYS = env.int("QUOTA_DEFAULT_DAYS", 365, validate=validate.Range(1, 36_500))
INVITATION_DAYS = env.int("INVITATION_DAYS", 7, validate=validate.Range(1, 365))
REQUIRE_STAFF_MFA = env.bool("REQUIRE_STAFF_MFA", True)

# --- The way to D-Wave -----------------------------------------------------------------------------------------------

DWAVE_UPSTREAM_ENDPOINT = validate_endpoint(env.str("DWAVE_UPSTREAM_ENDPOINT", "https://cloud.dwavesys.com/sapi/v2/"))
# Where else tokens may be sent.
DWAVE_ENDPOINT_HOSTS = validate_hosts(
    env.list(
        "DWAVE_ENDPOINT_HOSTS",
        [
            "cloud.dwavesys.com",
            "na-west-1.cloud.dwavesys.com",
            "na-east-1.cloud.dwavesys.com",
            "eu-central-1.cloud.dwavesys.com",
        ],
    )
)
# What is reserved above D-Wave's own estimate: its test allows 5 % between estimate and truth.
GATEWAY_MARGIN_PERCENT = env.int("GATEWAY_MARGIN_PERCENT", 5, validate=validate.Range(0, 100))
# At most so many requests of one process are in the database at once; no held poll is. More only wait for each other.
GATEWAY_DATABASE_THREADS = env.int("GATEWAY_DATABASE_THREADS", 2, validate=validate.Range(1, 100))
# What one process holds of bodies at once; the largest one must fit into a member's half, parsed.
GATEWAY_BODIES_MB = env.int("GATEWAY_BODIES_MB", 512, validate=validate.Range(320, 1_000_000))

# --- Solve jobs of the Luna SDK ---------------------------------------------------------------------------------------

SOLVING_MODEL_MB = env.int("SOLVING_MODEL_MB", 16, validate=validate.Range(1, 500))
# What one step of a job may take, in a process of its own: reading a model, sampling, embedding.
SOLVING_MEMORY_MB = env.int("SOLVING_MEMORY_MB", 1024, validate=validate.Range(64, 1_000_000))
SOLVING_SECONDS = env.int("SOLVING_SECONDS", 300, validate=validate.Range(1, 86_400))
# Of one member: jobs that wait for a worker, and what models and jobs take together.
SOLVING_MAX_WAITING = env.int("SOLVING_MAX_WAITING", 1000, validate=validate.Range(1, 1_000_000))
SOLVING_STORAGE_MB = env.int("SOLVING_STORAGE_MB", 1024, validate=validate.Range(1, 10_000_000))
# Zero keeps them for ever.
SOLVING_KEEP_JOBS_DAYS = env.int("SOLVING_KEEP_JOBS_DAYS", 365, validate=validate.Range(0, 36_500))
SOLVING_KEEP_MODELS_DAYS = env.int("SOLVING_KEEP_MODELS_DAYS", 365, validate=validate.Range(0, 36_500))
SOLVING_PROCESSES = env.int("SOLVING_PROCESSES", 2, validate=validate.Range(1, 1000))

# --- Django -----------------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "lunaportal",
    "monitoring",
    "encryption",
    "audit",
    "accounts.apps.AccountsConfig",
    "accounts.apps.OperatorsAdminConfig",  # in the place of django.contrib.admin
    "organizations",
    "tokens",
    "quotas",
    "gateway",
    "solving",
    "privacy.apps.PrivacyConfig",
    "luna",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.socialaccount.providers.saml",
    "allauth.mfa",
    "allauth.usersessions",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "encrypted_model_fields",
    "django_structlog",
    "django_q",
    "django_htmx",
    "lucide",
    "csp",
]

MIDDLEWARE = [
    "lunaportal.middleware.keep_frames_together",
    "lunaportal.middleware.collapse_leading_slashes",
    "lunaportal.middleware.trust_proxies",
    "lunaportal.middleware.ask_nobody_who_they_are_at_probes",
    "lunaportal.middleware.refuse_insecure_api",
    "lunaportal.middleware.refuse_bodies_without_length",
    "lunaportal.middleware.refuse_large_bodies",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "lunaportal.middleware.stay_out_of_caches",
    "lunaportal.logs.RequestLogMiddleware",
    "audit.middleware.remember_address",
    "django.middleware.common.CommonMiddleware",
    "lunaportal.middleware.answer_programs",
    # From here on for browsers only: programs have their answers.
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "lunaportal.fragments.reload_instead_of_leaving",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
]

ROOT_URLCONF = "lunaportal.urls"
WSGI_APPLICATION = "lunaportal.wsgi.application"
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
            ],
        },
    }
]

DATABASES = {"default": env.dj_db_url("DATABASE_URL", f"sqlite:///{BASE_DIR / 'var/db.sqlite3'}")}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = {
        # Take the write lock when a transaction begins, not in its middle, where SQLite can only fail.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
    DATABASES["default"]["CONN_MAX_AGE"] = None  # opening the file takes longer than most requests
else:
    DATABASES["default"].setdefault("OPTIONS", {})["pool"] = {
        "min_size": 1,
        "max_size": env.int("DATABASE_POOL_SIZE", 10),
        # Requests wait for a connection only while there is no server. Attempts to reach it follow each other ever more
        # slowly: the next request begins anew.
        "timeout": 10,
        "reconnect_timeout": 3,
    }
    # PgBouncer may give each transaction another connection; cursors and planned statements outlive transactions.
    _transaction_pooling = env.bool("DATABASE_TRANSACTION_POOLING", False)
    DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = _transaction_pooling
    DATABASES["default"]["OPTIONS"]["prepare_threshold"] = None if _transaction_pooling else 5
    DATABASES["default"]["ENGINE"] = "lunaportal.postgresql"  # with a pool that recovers when the server was away
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# The database by default, so that rate limits hold across processes without another server.
CACHES = {"default": env.dj_cache_url("CACHE_URL", "db://cache")}
if CACHES["default"]["BACKEND"].endswith("DatabaseCache"):
    # Beyond 300 entries Django would throw out others, whichever: guessing wildly would reset the rate limits.
    CACHES["default"].setdefault("OPTIONS", {}).setdefault("MAX_ENTRIES", 50_000)
elif CACHES["default"]["BACKEND"].endswith("RedisCache"):
    # A request does not wait for ever for a server that has gone silent.
    CACHES["default"]["OPTIONS"] = {"socket_connect_timeout": 2, "socket_timeout": 2}

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
# True spares development the collectstatic step; production serves hashed, compressed files for ever.
SERVE_STATIC_FROM_SOURCE = env.bool("SERVE_STATIC_FROM_SOURCE", False)
STATIC_ROOT = None if SERVE_STATIC_FROM_SOURCE else BASE_DIR / "staticfiles"
WHITENOISE_USE_FINDERS = SERVE_STATIC_FROM_SOURCE
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if SERVE_STATIC_FROM_SOURCE
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

if _portal.hostname not in LOOPBACK:
    # Printed mails would put links that reset passwords into logs: nobody should get that by leaving something out.
    required("EMAIL_URL", "It says how mail leaves, such as smtp://user:password@host:587/?tls=True.")
_email = env.dj_email_url("EMAIL_URL", "console://")
if "EMAIL_BACKEND" not in _email:
    raise ImproperlyConfigured("EMAIL_URL must begin with smtp://, submission:// or console://.")
EMAIL_BACKEND = _email["EMAIL_BACKEND"]
EMAIL_HOST = _email["EMAIL_HOST"]
EMAIL_PORT = _email["EMAIL_PORT"]
EMAIL_HOST_USER = _email["EMAIL_HOST_USER"]
EMAIL_HOST_PASSWORD = _email["EMAIL_HOST_PASSWORD"]
EMAIL_USE_TLS = _email["EMAIL_USE_TLS"]
EMAIL_USE_SSL = _email["EMAIL_USE_SSL"]
EMAIL_FILE_PATH = _email["EMAIL_FILE_PATH"]
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.str("DEFAULT_FROM_EMAIL", f"Luna Portal <portal@{_portal.hostname}>")

# --- People -----------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

PASSWORD_RESET_TIMEOUT = 3600  # seconds that the link in the mail is good for

ACCOUNT_ADAPTER = "accounts.adapters.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_SIGNUP_FORM_CLASS = "accounts.forms.SignupForm"
ACCOUNT_CHANGE_EMAIL = True  # one address each: it is the login, and what the Luna SDK knows people by
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
# Also a lecture hall behind one address can sign in; wrong passwords have limits of their own (accounts.guessing).
ACCOUNT_RATE_LIMITS = {"login": "120/m/ip"}
ACCOUNT_DEFAULT_HTTP_PROTOCOL = _portal.scheme
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
MFA_ADAPTER = "accounts.mfa.EncryptingAdapter"
MFA_FORMS = {"login_webauthn": "accounts.mfa.PasskeySignInForm"}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Luna Portal"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not HTTPS
SOCIALACCOUNT_ADAPTER = "accounts.adapters.SocialAccountAdapter"
# Single sign-on: providers live here, never in the database, where their secrets would be plain text.
OIDC_PROVIDERS: Any = env.json("OIDC_PROVIDERS", [])
SAML_PROVIDERS: Any = env.json("SAML_PROVIDERS", [])
SOCIALACCOUNT_PROVIDERS: dict[str, dict[str, Any]] = {
    "openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": OIDC_PROVIDERS},
    "saml": {"APPS": SAML_PROVIDERS},
}

# --- Security ---------------------------------------------------------------------------------------------------------

# Browsers let nobody but this very host set cookies of such names, no neighbor within the domain either.
_prefix = "__Host-" if HTTPS else ""
SESSION_COOKIE_NAME = f"{_prefix}sessionid"
CSRF_COOKIE_NAME = f"{_prefix}csrftoken"
LANGUAGE_COOKIE_NAME = f"{_prefix}django_language"
KNOWN_BROWSER_COOKIE_NAME = f"{_prefix}browser"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SECURE = HTTPS
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
SESSION_COOKIE_AGE = 14 * 24 * 3600
SECURE_SSL_REDIRECT = HTTPS
# The SDKs take a redirect for an answer; lunaportal.middleware.refuse_insecure_api tells them to use https instead.
SECURE_REDIRECT_EXEMPT = [r"^(api|luna-solve|luna-q|dwave)(/|$)", r"^(livez|readyz|metrics)$"]
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Reverse proxies between clients and the portal; their X-Forwarded-For and -Proto are believed, nobody else's.
TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", 0, validate=validate.Range(0, 10))
if TRUSTED_PROXY_COUNT:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000

_sso_origins = [
    "{0.scheme}://{0.netloc}".format(urlsplit(url))
    for url in (
        *(app.get("settings", {}).get("server_url", "") for app in OIDC_PROVIDERS),
        *(app.get("settings", {}).get("idp", {}).get("sso_url", "") for app in SAML_PROVIDERS),
    )
    if url
]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],  # the QR code of two-factor set-up
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF, *_sso_origins],  # browsers check where a form post is redirected to
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "object-src": [NONE],
    }
}
PERMISSIONS_POLICY: dict[str, list[str]] = {
    name: [] for name in ("camera", "display-capture", "geolocation", "microphone", "payment", "usb")
} | {"publickey-credentials-create": ["self"], "publickey-credentials-get": ["self"]}

# --- APIs -------------------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "organizations.authentication.ApiKeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["lunaportal.api.NullAwareJSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "lunaportal.api.AlwaysJSON",
    "DEFAULT_PARSER_CLASSES": ["organizations.parsers.AnyTypeJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "lunaportal.api.KeysetPagination",
    "DEFAULT_SCHEMA_CLASS": "lunaportal.schema.PortalSchema",
    "DEFAULT_THROTTLE_RATES": {"invitations": "5000/hour", "token_tests": "20/minute"},
    "EXCEPTION_HANDLER": "lunaportal.api.exception_handler",
    "NUM_PROXIES": 0,  # lunaportal.middleware.trust_proxies has put the client's address in place already
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Luna Portal",
    "DESCRIPTION": "Share quantum processors within an organization: QPU tokens, time quotas, usage.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "COMPONENT_SPLIT_PATCH": False,  # what a PATCH takes has a serializer of its own
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {
        "SolveJobStatusEnum": "solving.models.SolveJob.Status",
        "UsageSourceEnum": "quotas.models.Usage.Source",
    },
    "PREPROCESSING_HOOKS": ["lunaportal.schema.leave_out_sdk_bases"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "lunaportal.schema.describe_the_whole",
    ],
}

# --- Background work --------------------------------------------------------------------------------------------------

Q_CLUSTER = {
    "name": "lunaportal",
    "orm": "default",
    "workers": env.int("WORKER_PROCESSES", 2),
    "timeout": 60,
    "retry": 90,  # seconds until a task whose worker died is run again; must exceed timeout
    "max_attempts": 5,
    "catch_up": False,
    "save_limit": 1000,
}

# --- Metrics ----------------------------------------------------------------------------------------------------------

METRICS_TOKEN = env.str("METRICS_TOKEN", "")
if 0 < len(METRICS_TOKEN) < 16:
    raise ImproperlyConfigured("METRICS_TOKEN must have 16 characters or more. Make one with: openssl rand -hex 32.")
METRICS_DIR = env.path("METRICS_DIR", BASE_DIR / "var/metrics")
if METRICS_TOKEN:
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(METRICS_DIR)  # prometheus_client looks for it when it is imported

# --- Logs -------------------------------------------------------------------------------------------------------------

LOG_FORMAT = env.str("LOG_FORMAT", "json")
if LOG_FORMAT not in {"json", "console"}:
    raise ImproperlyConfigured("LOG_FORMAT must be json or console.")
LOG_LEVEL = env.log_level("LOG_LEVEL", logging.INFO)
LOGGING_CONFIG = "lunaportal.logs.configure"
LOGGING = {"format": LOG_FORMAT, "level": LOG_LEVEL}
