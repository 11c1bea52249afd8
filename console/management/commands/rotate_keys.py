import base64
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings

from access.operations.secrets import master_keys_in_use, rotate_keys
from access.principals import Principal
from access.rules.envelope import Key
from console import env
from console.management.doors import DoorCommand
from console.up.files import write_file
from console.up.preparation import alone


class Command(DoorCommand):
    help = "Seal every stored secret anew with a new data key. May be interrupted, and run again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--new-master",
            action="store_true",
            help="make a new master key as well, where it is the data folder's file",
        )

    def act(self, principal: Principal, *, as_json: bool, new_master: bool, **_options: Any) -> None:
        folder: Path = settings.DATA_DIR
        kept = env.kept_master_keys(folder)
        if new_master and not kept:
            self.refuse(
                "The master key does not come from the data folder. Put a new one first into MASTER_KEY or the "
                "file of MASTER_KEY_FILE, restart the console, run this without --new-master, then take the old one away."
            )
        # Two that changed the file at once would lose a key.
        with alone(folder):
            # Asked before the file is changed.
            master_keys_in_use(principal)
            if new_master:
                # First in the file, then in use: at no moment is a key in use that is not in the file.
                write_keys(folder, [os.urandom(env.MASTER_KEY_BYTES), *env.kept_master_keys(folder)])
            rotation = rotate_keys(principal)
            dropped = drop_unused(folder, master_keys_in_use(principal))
        document = {
            "DataKey": rotation.data_key,
            "SealedAnew": rotation.n_sealed,
            "DataKeysDeleted": rotation.n_deleted,
            "LeftAsTheyAre": rotation.n_left,
            "MasterKeysDropped": dropped,
        }
        done = f"Secrets sealed anew: {rotation.n_sealed}; data keys deleted: {rotation.n_deleted}"
        lines = [f"{done}; master keys dropped: {dropped}."]
        if rotation.n_left:
            lines.append(
                f"{rotation.n_left} secrets do not open and were left as they are; the log names them."
            )
        self.show(document, lambda: lines, as_json=as_json)


def drop_unused(folder: Path, in_use: set[str]) -> int:
    """Take the master keys that nothing needs out of the data folder's file; the newest stays."""
    kept = env.kept_master_keys(folder)
    needed = [key for key in kept[1:] if Key(key).fingerprint in in_use]
    if len(needed) + 1 < len(kept):
        write_keys(folder, [kept[0], *needed])
        return len(kept) - len(needed) - 1
    return 0


def write_keys(folder: Path, keys: list[bytes]) -> None:
    content = b"".join(base64.b64encode(key) + b"\n" for key in keys)
    write_file(folder / env.KEPT_MASTER_KEYS, content, mode=0o600)
