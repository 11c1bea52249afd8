"""The ZIP of a bundle: packed so that the same files are the same bytes, unpacked without trust."""

import zlib
from collections.abc import Iterable, Mapping
from io import BytesIO
from pathlib import PurePosixPath
from stat import S_IFMT, S_ISLNK
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, LargeZipFile, ZipFile, ZipInfo

from django.utils.translation import gettext as _

from assistant.commands import errors, limits

# The first moment that a ZIP can name: when a bundle was packed says nothing about what is in it.
NO_TIME = (1980, 1, 1, 0, 0, 0)
UNIX = 3
ENCRYPTED = 0x1
# What systems put beside people's files.
LEFT_OUT = "__MACOSX"


def packed(files: Mapping[str, bytes]) -> bytes:
    stream = BytesIO()
    with ZipFile(stream, "w") as archive:
        for path in files:
            member = ZipInfo(path, NO_TIME)
            member.compress_type = ZIP_DEFLATED
            member.create_system = UNIX
            member.external_attr = 0o644 << 16
            archive.writestr(member, files[path])
    return stream.getvalue()


def unpacked(content: bytes) -> dict[str, bytes]:
    """The files of a ZIP by path. Raises BundleBroken, before more is unpacked than a bundle may hold."""
    if len(content) > limits.BUNDLE_BYTES:
        raise refused(_("The file is larger than %(most)d KB."), most=limits.BUNDLE_BYTES // 1024)
    try:
        with ZipFile(BytesIO(content)) as archive:
            members = [member for member in archive.infolist() if not member.filename.endswith(("/", "\\"))]
            names = checked_names(members)
            check_total(member.file_size for member in members)
            # A member ends where it said it would, so the sum above is the most that comes out.
            return {
                name: archive.read(member)
                for name, member in zip(names, members, strict=True)
                if not is_left_out(name)
            }
    except (BadZipFile, LargeZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise refused(_("This is no ZIP that can be read.")) from error
    except (ValueError, OverflowError, OSError) as error:
        raise refused(_("This is no ZIP that can be read.")) from error


def checked_names(members: list[ZipInfo]) -> list[str]:
    if len(members) > limits.BUNDLE_MEMBERS:
        raise refused(_("There are more than %(most)d files in it."), most=limits.BUNDLE_MEMBERS)
    # Some packers of Windows write its own separators.
    names = [member.filename.replace("\\", "/") for member in members]
    for name, member in zip(names, members, strict=True):
        check_path(name)
        check_member(name, member)
    if len(set(names)) < len(names):
        raise refused(_("There are two files of one name in it."))
    return names


def check_path(name: str) -> None:
    """A path below the folder and nothing else, also for whoever unpacks the file by other means."""
    parts = name.split("/")
    is_plain = all(part not in ("", ".", "..") for part in parts) and ":" not in name
    if not is_plain or not name.isprintable() or len(name) > limits.BUNDLE_PATH_CHARACTERS:
        raise refused(
            _("There is a file with a path that leads elsewhere: %(name)s."), name=ascii(name)[:100]
        )


def check_member(name: str, member: ZipInfo) -> None:
    mode = member.external_attr >> 16
    if S_ISLNK(S_IFMT(mode)):
        raise refused(_("%(name)s is a link; put the file itself there."), name=name)
    if member.flag_bits & ENCRYPTED:
        raise refused(_("%(name)s is encrypted."), name=name)
    if member.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise refused(_("%(name)s is packed in a way that we do not read; use deflate."), name=name)


def check_total(sizes: Iterable[int]) -> None:
    if sum(sizes) > limits.BUNDLE_BYTES_UNPACKED:
        most = limits.BUNDLE_BYTES_UNPACKED // 1024 // 1024
        raise refused(_("Unpacked it would be larger than %(most)d MB."), most=most)


def is_left_out(name: str) -> bool:
    return any(part.startswith(".") or part == LEFT_OUT for part in PurePosixPath(name).parts)


def refused(message: str, **facts: str | int) -> errors.BundleBroken:
    return errors.BundleBroken(message % facts, field="file")
