"""The command line for programs and people: the console's API from a shell. Standard library only, one file."""

VERSION = "1.0.0"
