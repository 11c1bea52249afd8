"""What ends a command, with its exit status."""

from __future__ import annotations

# Beside these, `ca run --wait` ends with what the servers' commands ended with.
FAILED, USAGE, REFUSED, UNREACHABLE, INTERRUPTED = 1, 2, 3, 4, 130


class CliError(Exception):
    """A sentence for standard error, and the status to end with."""

    def __init__(self, message: str, status: int = FAILED) -> None:
        super().__init__(message)
        self.status = status


class ApiRefused(CliError):
    """The console has answered with a refusal."""

    def __init__(self, code: str, message: str, request_id: str) -> None:
        if code == "SignatureDoesNotMatch":
            # What was signed is for those who write programs; whoever reads this has a key.
            message = "The access key secret is not the one of this access key ID."
        super().__init__(f"{code}: {message} (request {request_id})", REFUSED)
        self.code = code
