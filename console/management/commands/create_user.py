import sys
from argparse import ArgumentParser
from typing import Any

from access.operations.users import create_user
from access.principals import Principal
from console.kit.errors import InvalidParameter
from console.management.doors import DoorCommand
from console.management.people import group_named, policy_named

ONE_LINE = "Write the password as one line to the standard input."


class Command(DoorCommand):
    help = "Make a user. A made password is printed once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("--display-name", default="")
        parser.add_argument("--email", default="")
        passwords = parser.add_mutually_exclusive_group()
        passwords.add_argument(
            "--password-stdin", action="store_true", help="read the password from the standard input"
        )
        passwords.add_argument(
            "--generate-password",
            action="store_true",
            help="make a password and print it (the default for who may sign in)",
        )
        passwords.add_argument(
            "--no-password", action="store_true", help="single sign-on and access keys only"
        )
        parser.add_argument("--must-change-password", action="store_true", help="at the first sign-in")
        doors = parser.add_mutually_exclusive_group()
        doors.add_argument("--console", action="store_true", default=True, help="may sign in (the default)")
        doors.add_argument("--no-console", action="store_false", dest="console", help="may not sign in")
        programs = parser.add_mutually_exclusive_group()
        programs.add_argument(
            "--api", action="store_true", default=True, help="may use the API, with access keys (the default)"
        )
        programs.add_argument("--no-api", action="store_false", dest="api", help="may not use the API")
        parser.add_argument("--second-factor", action="store_true", help="must use a second factor")
        parser.add_argument("--administrator", action="store_true", help="may do everything")
        parser.add_argument(
            "--group", action="append", default=[], metavar="GROUP", help="put into it; may be repeated"
        )
        parser.add_argument(
            "--policy", action="append", default=[], metavar="POLICY", help="attach it; may be repeated"
        )

    def act(self, principal: Principal, *, as_json: bool, **options: Any) -> None:
        new = create_user(
            principal,
            options["name"],
            password=password_from_stdin() if options["password_stdin"] else "",
            generate_password=options["generate_password"] or is_password_made(options),
            must_change_password=options["must_change_password"],
            groups=[group_named(principal, name) for name in options["group"]],
            policies=[policy_named(principal, name) for name in options["policy"]],
            display_name=options["display_name"],
            email=options["email"],
            console_access=options["console"],
            api_access=options["api"],
            must_use_second_factor=options["second_factor"],
            is_administrator=options["administrator"],
        )
        document = {"Name": new.user.username}
        lines = [f"User {new.user.username} is created."]
        if new.password:
            document["Password"] = new.password
            lines.append(f"Password: {new.password} (shown once)")
        self.show(document, lambda: lines, as_json=as_json)


def is_password_made(options: dict[str, Any]) -> bool:
    """Whoever may sign in gets a password, unless one is given or none is wanted."""
    return options["console"] and not (options["password_stdin"] or options["no_password"])


def password_from_stdin() -> str:
    """Never from the command line, which everybody on the machine can read."""
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise InvalidParameter(ONE_LINE, field="password")
    return password
