"""The agent that the console installs on Linux servers: standard library only, one file."""

VERSION = "1.1.0"
NAME = "ca-agent"
