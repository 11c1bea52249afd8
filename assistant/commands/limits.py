"""Limits and defaults of commands."""

# Script and custom parameters together, after Base64 (CA-75).
CONTENT_CHARACTERS = 16 * 1024
NAME_CHARACTERS = 128
DESCRIPTION_CHARACTERS = 512
PROVIDER_CHARACTERS = 64
# What lists show of a script that has no name.
OPENING_CHARACTERS = 64
# CA-151, and one path part's length for names of accounts.
WORKING_DIR_CHARACTERS = 200
USERNAME_CHARACTERS = 255
# Seconds. Below the least is raised to it without an error (CA-153).
TIMEOUT_DEFAULT = 60
TIMEOUT_LEAST = 10
TIMEOUT_MOST = 86_400
# Custom parameters of a command, and their names (CA-97, CA-101). The descriptions' length is ours.
PARAMETERS = 20
PARAMETER_NAME_BYTES = 64
PARAMETER_DESCRIPTION_CHARACTERS = 512
# What a script may become with its parameters put in: a value stands wherever its key does.
FILLED_BYTES = 256 * 1024
# Runs that a refusal to delete a command names (CA-94).
HOLDERS_NAMED = 5
# Commands that are deleted, exported or imported at once: ours, several times the quota of a region.
COMMANDS_AT_ONCE = 500
# A file of commands: packed, and what comes out of it. Ours; all commands of a region fit several times.
BUNDLE_BYTES = 1024 * 1024
BUNDLE_BYTES_UNPACKED = 8 * 1024 * 1024
BUNDLE_MEMBERS = 2000
BUNDLE_PATH_CHARACTERS = 200
# Faults that a refusal of a file names; the preview shows all.
FAULTS_NAMED = 5
