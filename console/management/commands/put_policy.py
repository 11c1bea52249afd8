import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from access.operations.policies import put_policy
from access.principals import Principal
from access.rules import documents
from console.kit.errors import InvalidParameter
from console.management.doors import DoorCommand
from console.management.policies import described

STANDARD_INPUT = "-"
# A policy in a file: our members, and as RAM spells them.
SPELLINGS = {"PolicyName": "name", "PolicyDocument": "document", "Description": "description"}
MEMBERS = ("name", "document", "description")


class Command(DoorCommand):
    help = "Make a policy from a file, or a new version of the one that has its name."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file",
            metavar="FILE",
            help='JSON: {"name": …, "document": …, "description": …} or a document alone; - is standard input',
        )
        parser.add_argument("--name", default="", help="the policy's name, where the file does not say it")
        parser.add_argument(
            "--confirmed", action="store_true", help="also where the acting user loses permissions by it"
        )

    def act(self, principal: Principal, *, as_json: bool, **options: Any) -> None:
        text = content_of(options["file"])
        words = words_of(text)
        stem = "" if options["file"] == STANDARD_INPUT else Path(options["file"]).stem
        name = options["name"] or words.get("name") or stem
        policy = put_policy(
            principal,
            name,
            document=words["document"],
            description=words.get("description"),
            confirmed=options["confirmed"],
        )
        document = described(policy)
        self.show(document, lambda: [f"{policy.name}: version {policy.version} is in force"], as_json=as_json)


def content_of(file: str) -> str:
    try:
        content = sys.stdin.buffer.read() if file == STANDARD_INPUT else Path(file).read_bytes()
        return content.decode("utf-8-sig")
    except OSError as error:
        message = _("%(file)s cannot be read: %(reason)s.")
        raise InvalidParameter(message % {"file": file, "reason": error.strerror}) from error
    except UnicodeDecodeError as error:
        raise InvalidParameter(_("%(file)s is no text in UTF-8.") % {"file": file}) from error


def words_of(text: str) -> dict[str, str]:
    """What the file says: the members by our names, or a document alone, as it was typed."""
    try:
        members = documents.parsed(text)
    except documents.DocumentFault as fault:
        raise InvalidParameter(_("The file is no JSON. %(reason)s") % {"reason": fault.reason}) from fault
    if not isinstance(members, dict):
        raise InvalidParameter(_("The file holds no policy: an object in braces belongs there."))
    words: dict[str, Any] = {SPELLINGS.get(str(name), str(name)): value for name, value in members.items()}
    if "document" not in words:
        return {"document": text}
    for name, value in words.items():
        check_member(name, value)
    if not isinstance(words["document"], str):
        words["document"] = json.dumps(words["document"], indent=2, ensure_ascii=False)
    return words


def check_member(name: str, value: Any) -> None:
    if name not in MEMBERS:
        message = _("The file has a member %(name)s; say %(known)s.")
        raise InvalidParameter(message % {"name": name[:64], "known": ", ".join(MEMBERS)})
    if name != "document" and not isinstance(value, str):
        raise InvalidParameter(_("The member %(name)s is a text.") % {"name": name})
