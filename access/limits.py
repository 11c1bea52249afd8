"""Limits and defaults of users, keys, roles, policies, sessions and the audit trail."""

from datetime import timedelta

# A policy's document, in characters (CA-232).
DOCUMENT_CHARACTERS = 6144
NAME_CHARACTERS = 64
POLICY_NAME_CHARACTERS = 128
DESCRIPTION_CHARACTERS = 256
# What one simulation is asked about.
SIMULATED_RESOURCES = 100
# Two keys per user, so that one can be replaced while the other works (CA-226).
ACCESS_KEYS_PER_USER = 2

ROLE_SESSION_DEFAULT = timedelta(hours=1)
ROLE_SESSION_LEAST = timedelta(minutes=15)
ROLE_SESSION_MOST = timedelta(hours=12)

RECOVERY_CODES = 10
# Between the password and the number at sign-in.
HALF_WAY = timedelta(minutes=10)
# A key that was shown and never proved is not shown again after this.
SETTING_UP = timedelta(hours=1)
# The wait after the first wrong number; every further one doubles it.
NUMBER_THROTTLE_SECONDS = 1
# How far the clock of an authenticator may be off, in steps of thirty seconds.
NUMBER_DRIFT = 1

# What a policy may ask for as the fewest characters, from and to.
PASSWORD_LEAST = 8
PASSWORD_LEAST_MOST = 128
# Far beyond any phrase; more is no password but a load.
PASSWORD_CHARACTERS = 1024
PASSWORD_DAYS_MOST = 1095
# As many as RAM remembers. Each costs a hash when a password is changed.
PASSWORDS_REMEMBERED_MOST = 24

# What a number or a recovery code is asked for at sign-in is forgotten after this.
HALF_WAY = timedelta(minutes=10)
# A key that was shown and never proved is not shown again after this.
SETTING_UP = timedelta(hours=1)
# The wait after the first wrong number; every further one doubles it.
NUMBER_THROTTLE_SECONDS = 1
# How far the clock of an authenticator may be off, in steps of thirty seconds.
NUMBER_DRIFT = 1

PASSWORD_LEAST = 8
PASSWORD_LEAST_MOST = 128
# Far beyond any phrase; a longer one is no password but a load.
PASSWORD_CHARACTERS = 1024
PASSWORD_DAYS_MOST = 1095
# As many as RAM remembers. Each costs a hash when a password is changed.
PASSWORDS_REMEMBERED_MOST = 24

# Failed sign-ins and lockouts that the audit trail takes from one address in an hour: names cost nothing.
FAILURES_REMEMBERED = 100

# A session's "last seen" is written at most this often: not a write per page.
SEEN_EVERY = timedelta(minutes=5)

# Who vouches for somebody, and whom they mean (OpenID Connect Core 1.0, section 2: a subject has up to 255).
ISSUER_CHARACTERS = 200
SUBJECT_CHARACTERS = 255
# From leaving for the provider to coming back, and from there to a link that is confirmed.
SINGLE_SIGN_ON_TIME = timedelta(minutes=10)
