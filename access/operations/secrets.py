"""Secrets at rest: sealed by a data key in the database, which the installation's master key seals.

    key.sealed_secret = seal(secret, binding=f"AccessKey:{key.pk}")     # inside the transaction that saves it
    secret = unseal(key.sealed_secret, binding=f"AccessKey:{key.pk}")

The binding says what a secret belongs to; a sealed text that was moved elsewhere does not open there.
A room that keeps sealed texts says so with `keep_sealed`, so that `rotate_keys` finds them.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from django.conf import settings
from django.db import connection, models, transaction
from django.utils.translation import gettext as _

from access.errors import MasterKeyMissing, SecretNotOpened
from access.models import AccessKey, Authenticator, DataKey
from access.operations.calls import operation, record
from access.operations.decisions import authorize_administrator
from access.principals import Principal
from access.rules import envelope
from access.rules.envelope import Key, NotOpened
from console import env

logger = logging.getLogger(__name__)

BATCH = 200


class Column(NamedTuple):
    """A column that holds sealed texts."""

    model: type[models.Model]
    name: str


columns: list[Column] = []


def keep_sealed(model: type[models.Model], name: str) -> None:
    """Tell that a column holds sealed texts, or is empty. To be called where an app is made ready."""
    if Column(model, name) not in columns:
        columns.append(Column(model, name))


keep_sealed(AccessKey, "sealed_secret")
keep_sealed(Authenticator, "sealed_key")


# --- Seal and unseal ---


def seal(secret: str, *, binding: str) -> str:
    """The secret as it may be stored. To be called in the transaction that stores it.

    The data key's row is held until the commit: `rotate_keys` deletes no key whose last use it cannot see.
    """
    newest = newest_key()
    return envelope.seal(data_keys.of(newest), newest.pk, secret, binding=binding)


def unseal(sealed: str, *, binding: str) -> str:
    """The secret. Raises SecretNotOpened where the text was changed or belongs to something else."""
    try:
        parts = envelope.read(sealed, binding=binding)
        return envelope.unseal(data_keys.found(parts.key_id, parts.fingerprint), parts)
    except NotOpened as error:
        raise SecretNotOpened(
            _("A stored secret cannot be opened: its text was changed or moved.")
        ) from error


def newest_key() -> DataKey:
    """The data key that seals now, held until the commit; made where there is none."""
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("Seal in the transaction that stores what was sealed.")
    while (newest := DataKey.objects.select_for_update().order_by("-pk").first()) is None:
        # None is there, or a rotation has just deleted the one we waited for.
        if not DataKey.objects.exists():
            return add_data_key()
    return newest


def add_data_key() -> DataKey:
    return DataKey.objects.create(sealed=envelope.wrap(master_keys()[0], envelope.new_key()))


class DataKeys:
    """The data keys that this process has opened, by id and fingerprint: neither alone is for ever."""

    def __init__(self) -> None:
        self._opened: dict[tuple[int, str], Key] = {}
        self._by_text: dict[str, Key] = {}

    def of(self, row: DataKey) -> Key:
        """The key of a row that was just read."""
        if row.sealed not in self._by_text:
            self._by_text[row.sealed] = opened(row.sealed)
        return self._by_text[row.sealed]

    def found(self, key_id: int, fingerprint: str) -> Key:
        """The key that sealed a text. Raises NotOpened where it is gone."""
        if (key_id, fingerprint) not in self._opened:
            row = DataKey.objects.filter(pk=key_id).first()
            key = self.of(row) if row else None
            if key is None or key.fingerprint != fingerprint:
                raise NotOpened("Its data key is gone.")
            self._opened[key_id, fingerprint] = key
        return self._opened[key_id, fingerprint]

    def forget(self) -> None:
        self._opened.clear()
        self._by_text.clear()


data_keys = DataKeys()


def opened(text: str) -> Key:
    """The data key in its sealed text. Raises MasterKeyMissing, or NotOpened where the text was changed."""
    wanted = envelope.wrapped_by(text)
    for master in master_keys():
        if master.fingerprint == wanted:
            return envelope.unwrap(master, text)
    raise MasterKeyMissing(
        _(
            "The stored secrets were sealed under another master key (%(wanted)s). Put that key back: "
            "the file master-key of the data folder, or MASTER_KEY."
        )
        % {"wanted": wanted}
    )


def master_keys() -> list[Key]:
    """Newest first. Those of the file as it is now: `rotate_keys --new-master` changes it under us."""
    try:
        kept = env.kept_master_keys(settings.DATA_DIR)
    except env.SettingWrong as error:
        raise MasterKeyMissing(str(error)) from error
    keys = [Key(secret) for secret in kept or settings.MASTER_KEYS]
    if not keys:
        raise MasterKeyMissing(
            _(
                "There is no master key here. Name the data folder of the console with DATA_DIR, or give MASTER_KEY."
            )
        )
    return keys


# --- Rotation ---


@dataclass(slots=True)
class Rotation:
    """What a rotation has done so far."""

    data_key: int = 0
    n_sealed: int = 0
    n_deleted: int = 0
    # Texts that do not open: they stay as they are, and so does the data key that they name.
    n_left: int = 0


def rotate_keys(principal: Principal) -> Rotation:
    """Seal every stored secret anew with a new data key, and all data keys with the newest master key.

    Each step has its own transaction. Where one is interrupted everything still opens, and another call
    does the rest. Nothing is stopped for it: secrets may be read and stored meanwhile.
    """
    rotation = Rotation()
    for _step in rotation_steps(principal, rotation):
        pass
    return rotation


def rotation_steps(principal: Principal, rotation: Rotation) -> Iterator[None]:
    """The steps of a rotation in their order, each committed when the next is asked for."""
    rotation.data_key = begin_rotation(principal)
    yield
    n_before = -1
    # A secret that was stored while we looked elsewhere may still name an old key: look until none moves.
    while n_before != rotation.n_sealed:
        n_before, rotation.n_left = rotation.n_sealed, 0
        for column in columns:
            after = None
            while (batch := seal_batch_anew(principal, column, after)).last is not None:
                rotation.n_sealed += batch.n_sealed
                rotation.n_left += batch.n_left
                after = batch.last
                yield
        for key in DataKey.objects.exclude(pk=rotation.data_key).order_by("pk"):
            rotation.n_deleted += delete_unused_key(principal, key)
            yield
    end_rotation(principal, rotation)
    yield


@operation("ram:RotateKeys")
def begin_rotation(principal: Principal) -> int:
    authorize_administrator(principal, "ram:RotateKeys")

    key = add_data_key()
    record(principal, "ram:RotateKeys", str(key.pk), step="begun")
    return key.pk


class Batch(NamedTuple):
    """Some rows of a column: the last one's primary key, none where there were none."""

    last: object
    n_sealed: int
    n_left: int


@operation("ram:RotateKeys")
def seal_batch_anew(principal: Principal, column: Column, after: object) -> Batch:
    """Seal the next rows of a column with the newest data key."""
    authorize_administrator(principal, "ram:RotateKeys")

    # First the key, then the rows: the order of everybody who stores a secret.
    newest = envelope.prefix(newest_key().pk)
    old: models.QuerySet[models.Model] = models.QuerySet(column.model)
    old = old.exclude(**{column.name: ""}).exclude(**{f"{column.name}__startswith": newest})
    if after is not None:
        old = old.filter(pk__gt=after)
    rows = list(old.select_for_update().order_by("pk")[:BATCH])
    sealed = [row for row in rows if sealed_anew(row, column.name)]
    everything: models.QuerySet[models.Model] = models.QuerySet(column.model)
    everything.bulk_update(sealed, [column.name])
    return Batch(rows[-1].pk if rows else None, len(sealed), len(rows) - len(sealed))


def sealed_anew(row: models.Model, name: str) -> bool:
    """Seal one text of a row that is not saved yet; False where it does not open."""
    text = getattr(row, name)
    try:
        binding = envelope.parts(text).binding
        setattr(row, name, seal(unseal(text, binding=binding), binding=binding))
    except MasterKeyMissing:
        raise
    except (NotOpened, SecretNotOpened):
        logger.warning("Secret left as it is row=%s.%s column=%s", type(row).__name__, row.pk, name)
        return False
    return True


@operation("ram:RotateKeys")
def delete_unused_key(principal: Principal, key: DataKey) -> bool:
    """Delete a data key that nothing names any more. Whoever seals with it holds its row until the commit."""
    authorize_administrator(principal, "ram:RotateKeys")

    held = DataKey.objects.select_for_update().filter(pk=key.pk).first()
    if held is None or any(
        models.QuerySet(column.model)
        .filter(**{f"{column.name}__startswith": envelope.prefix(key.pk)})
        .exists()
        for column in columns
    ):
        return False
    held.delete()
    return True


@operation("ram:RotateKeys")
def end_rotation(principal: Principal, rotation: Rotation) -> None:
    """Seal every data key with the newest master key."""
    authorize_administrator(principal, "ram:RotateKeys")

    newest = master_keys()[0]
    for key in DataKey.objects.select_for_update().order_by("pk"):
        if envelope.wrapped_by(key.sealed) != newest.fingerprint:
            key.sealed = envelope.wrap(newest, data_keys.of(key))
            key.save(update_fields=["sealed"])
    record(
        principal,
        "ram:RotateKeys",
        str(rotation.data_key),
        step="ended",
        sealed_anew=rotation.n_sealed,
        keys_deleted=rotation.n_deleted,
        left=rotation.n_left,
    )


@operation("ram:RotateKeys")
def master_keys_in_use(principal: Principal) -> set[str]:
    """The fingerprints of the master keys without which a data key would not open."""
    authorize_administrator(principal, "ram:RotateKeys")
    return {envelope.wrapped_by(text) for text in DataKey.objects.values_list("sealed", flat=True)}
