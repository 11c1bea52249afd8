"""`manage.py rotate_keys`, and the master key in the data folder."""

import base64
import json
from io import StringIO

import pytest
from django.core.management import call_command

from access.models import AccessKey, AuditEntry, DataKey, User
from access.operations.secrets import data_keys, seal, unseal
from console import env
from console.up.errors import CannotStart
from console.up.preparation import keep_master_key

pytestmark = pytest.mark.django_db

BINDING = "AccessKey:LTAI1"


@pytest.fixture
def folder(settings, tmp_path, monkeypatch):
    """A data folder with its master key, as the first start leaves it."""
    monkeypatch.delenv("MASTER_KEY", raising=False)
    settings.DATA_DIR, settings.MASTER_KEYS = tmp_path, []
    keep_master_key(tmp_path)
    return tmp_path


@pytest.fixture
def key(folder):
    user = User.objects.create_superuser("admin")
    return AccessKey.objects.create(id="LTAI1", user=user, sealed_secret=seal("secret", binding=BINDING))


def secret_of(key):
    data_keys.forget()
    return unseal(AccessKey.objects.get(pk=key.pk).sealed_secret, binding=BINDING)


def rotated(*options):
    out = StringIO()
    call_command("rotate_keys", "--json", *options, stdout=out)
    return json.loads(out.getvalue())


def test_the_first_start_makes_a_key_for_its_owner_alone_and_keeps_it(folder):
    path = folder / "master-key"
    before = path.read_text()

    keep_master_key(folder)

    assert path.read_text() == before
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(env.master_keys(folder)) == 1


def test_a_start_without_the_key_of_the_stored_secrets_is_refused(folder, key):
    (folder / "master-key").unlink()

    with pytest.raises(CannotStart, match="Put master-key back"):
        keep_master_key(folder)
    assert not (folder / "master-key").exists()


def test_rotation_says_what_it_did(key):
    done = rotated()

    assert (done["SealedAnew"], done["DataKeysDeleted"], done["MasterKeysDropped"]) == (1, 1, 0)
    assert secret_of(key) == "secret"


def test_a_new_master_key_takes_the_place_of_the_old(folder, key):
    before = env.kept_master_keys(folder)

    assert rotated("--new-master")["MasterKeysDropped"] == 1

    after = env.kept_master_keys(folder)
    assert len(after) == 1
    assert after != before
    assert (folder / "master-key").stat().st_mode & 0o777 == 0o600
    assert secret_of(key) == "secret"


def test_a_change_of_the_master_key_that_was_interrupted_is_brought_to_its_end(folder, key):
    [old] = env.kept_master_keys(folder)
    new = bytes(range(32))
    # Interrupted after the first step: the new key stands in the file, and nothing was wrapped by it.
    (folder / "master-key").write_text("\n".join(base64.b64encode(one).decode() for one in (new, old)))
    assert secret_of(key) == "secret"

    assert rotated()["MasterKeysDropped"] == 1

    assert env.kept_master_keys(folder) == [new]
    assert secret_of(key) == "secret"


def test_a_master_key_from_elsewhere_is_not_replaced_here(folder, key, monkeypatch, settings, capsys):
    settings.MASTER_KEYS = env.kept_master_keys(folder)
    monkeypatch.setenv("MASTER_KEY", base64.b64encode(settings.MASTER_KEYS[0]).decode())

    with pytest.raises(SystemExit):
        rotated("--new-master")

    assert "does not come from the data folder" in capsys.readouterr().err
    assert DataKey.objects.count() == 1


def test_who_may_not_rotate_changes_no_file(folder, key, capsys):
    User.objects.create_user("rita")
    before = (folder / "master-key").read_text()

    with pytest.raises(SystemExit):
        rotated("--new-master", "--as", "rita")

    assert "Only administrators" in capsys.readouterr().err
    assert (folder / "master-key").read_text() == before
    assert AuditEntry.objects.get().outcome == "Refused"


def test_without_any_master_key_nothing_is_sealed(folder, settings, capsys):
    User.objects.create_superuser("admin")
    (folder / "master-key").unlink()

    with pytest.raises(SystemExit):
        rotated()

    assert "There is no master key here" in capsys.readouterr().err
    assert not DataKey.objects.exists()


# --- What the environment says ---

GOOD = base64.b64encode(bytes(32)).decode()
OTHER = base64.b64encode(bytes(range(32))).decode()


def test_keys_are_given_newest_first(monkeypatch, tmp_path):
    monkeypatch.setenv("MASTER_KEY", f"{OTHER}, {GOOD}")
    assert env.master_keys(tmp_path) == [bytes(range(32)), bytes(32)]

    (tmp_path / "keys").write_text(f"{GOOD}\n")
    monkeypatch.setenv("MASTER_KEY_FILE", str(tmp_path / "keys"))
    assert env.master_keys(tmp_path) == [bytes(32)]


@pytest.mark.parametrize(
    "text", ["secret", GOOD[:-4], f"{GOOD},x", "é", base64.b64encode(bytes(16)).decode()]
)
def test_what_is_no_key_stops_the_start_with_a_sentence_that_does_not_repeat_it(monkeypatch, tmp_path, text):
    monkeypatch.setenv("MASTER_KEY", text)

    with pytest.raises(SystemExit) as stop:
        env.master_keys(tmp_path)

    assert "MASTER_KEY holds what is no master key" in str(stop.value)
    assert GOOD[:-4] not in str(stop.value)
