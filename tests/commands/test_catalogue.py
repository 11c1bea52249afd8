"""The common commands: what their files have to be like, how they are found, and what may be put into them."""

import json
import re
import shutil
import subprocess

import pytest

from assistant.commands.operations.scripts import check_script
from assistant.commands.rules.catalogue import (
    FOLDER,
    SYSTEMS,
    CatalogueBroken,
    catalogue,
    check_values,
    matching,
    read_catalogue,
)
from assistant.commands.rules.content import has_reboot
from assistant.commands.states import CommandType
from assistant.invocations.operations.common_commands import script_of_common
from console.kit.errors import InvalidParameter

COMMANDS = sorted(catalogue().values(), key=lambda common: common.name)

SHELL_COMMANDS = [common for common in COMMANDS if common.type is CommandType.SHELL]


def named(common):
    return common.name


def test_there_are_at_least_twenty_five_each_with_a_name_and_a_title_of_its_own():
    assert len(COMMANDS) >= 25
    assert (
        len({common.name for common in COMMANDS})
        == len({common.title for common in COMMANDS})
        == len(COMMANDS)
    )


@pytest.mark.parametrize("common", COMMANDS, ids=named)
def test_each_is_a_command_that_could_be_saved(common):
    check_script(script_of_common(common))

    assert re.fullmatch(r"CA-ECS-[A-Za-z0-9-]+\.(sh|ps1)", common.name)
    assert common.description.endswith(".")
    assert not has_reboot(common.content)


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_every_script_is_read_by_the_shells(shell):
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here")
    for common in SHELL_COMMANDS:
        done = subprocess.run(
            [shell, "-n"], check=False, input=common.content, text=True, capture_output=True
        )
        assert (done.returncode, done.stderr) == (0, ""), common.name


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="no shellcheck here")
def test_shellcheck_has_nothing_to_say():
    scripts = [str(path) for path in FOLDER.glob("*.sh")]
    done = subprocess.run(
        ["shellcheck", "--severity=warning", *scripts], check=False, text=True, capture_output=True
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("common", [one for one in COMMANDS if one.changes], ids=named)
def test_what_changes_something_only_looks_unless_it_is_told_to(common):
    [apply] = [one for one in common.parameters if one.name == "apply"]

    assert (apply.default, apply.possible_values) == ("no", ("no", "yes"))
    assert common.needs_root


def put(folder, stem="CA-ECS-One", script="#!/bin/sh\n# Exit status: 0 done.\nkey='{{key}}'\n", **other):
    said = {
        "Name": f"{stem}.sh",
        "Title": "One",
        "Description": "One thing.",
        "Category": "Disk",
        "Version": 1,
        "Type": "RunShellScript",
        "Systems": ["linux"],
        "Timeout": 60,
        "NeedsRoot": False,
        "Changes": False,
        "Parameters": [
            {"Name": "key", "Description": "A key.", "Default": "1", "Required": False, "Pattern": "[0-9]+"}
        ],
    } | other
    (folder / f"{stem}.json").write_text(json.dumps(said))
    (folder / f"{stem}.sh").write_text(script)


def parameter(**other):
    return [{"Name": "key", "Description": "A key.", "Default": "1", "Required": False, **other}]


def test_a_folder_is_read(tmp_path):
    put(tmp_path)

    [common] = read_catalogue(tmp_path).values()

    assert (common.title, common.provider, common.timeout) == ("One", "CloudAssistant.ECS.Disk", 60)


@pytest.mark.parametrize(
    ("other", "fault"),
    [
        ({"Name": "CA-ECS-Two.sh"}, "Two.sh"),
        ({"Title": ""}, "title"),
        ({"Description": "d" * 513}, "too long"),
        ({"Category": "Nonsense"}, "no category Nonsense"),
        ({"Systems": []}, "systems"),
        ({"Systems": ["beos"]}, "systems"),
        ({"Version": 0}, "version"),
        ({"Timeout": 5}, "timeout"),
        ({"Type": "RunRubyScript"}, "RunRubyScript"),
        ({"Colour": "red"}, "Colour"),
        ({"script": "echo"}, "interpreter"),
        ({"Systems": ["windows"]}, "type and systems"),
        ({"Type": "RunPowerShellScript"}, "type and systems|interpreter"),
        ({"script": "#!/bin/sh\nkey='{{key}}'\n"}, "exit statuses"),
        ({"script": "#!/bin/sh\n# Exit status: 0 done.\n" + "x" * 12000}, "too long"),
        ({"script": "#!/bin/sh\n# Exit status: 0 done.\necho {{key}}\n"}, "different parameters"),
        (
            {"script": "#!/bin/sh\n# Exit status: 0 done.\nkey='{{key}}'\necho {{key}}\n"},
            "different parameters",
        ),
        ({"Parameters": []}, "different parameters"),
        ({"Parameters": parameter()}, "either a pattern or possible values"),
        ({"Parameters": parameter(Pattern="[a-z]")}, "does not match"),
        ({"Parameters": parameter(PossibleValues=["2"])}, "not one of its values"),
        ({"Parameters": parameter(Pattern="1", Required=True)}, "required and has a default"),
        ({"Parameters": parameter(Pattern="1", Description="")}, "no description"),
    ],
)
def test_a_mistake_in_a_folder_is_named(tmp_path, other, fault):
    put(tmp_path, **other)

    with pytest.raises(CatalogueBroken, match=fault):
        read_catalogue(tmp_path)


def test_a_script_without_a_description_is_a_mistake(tmp_path):
    put(tmp_path)
    (tmp_path / "CA-ECS-Other.sh").write_text("#!/bin/sh\n")

    with pytest.raises(CatalogueBroken, match=r"Other\.sh"):
        read_catalogue(tmp_path)


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ({"text": "certificate"}, "CA-ECS-CertificateExpiry.sh"),
        ({"text": "LARGEST files"}, "CA-ECS-LargestFiles.sh"),
        ({"text": "ca-ecs-openports.sh"}, "CA-ECS-OpenPorts.sh"),
        ({"category": "Runtimes"}, "CA-ECS-InstallJava.sh"),
        ({"text": "CloudAssistant.ECS.Disk"}, "CA-ECS-DiskUsage.sh"),
        ({"system": "suse", "text": "security updates"}, "CA-ECS-SecurityUpdates.sh"),
        ({"system": "debian", "text": "kdump"}, "CA-ECS-KdumpCheck.sh"),
    ],
)
def test_common_commands_are_found(asked, name):
    found = [common.name for common in matching(COMMANDS, **asked)]

    assert name in found
    assert len(found) < len(COMMANDS)


def test_what_runs_on_one_family_is_not_offered_for_any_linux():
    found = matching(COMMANDS, system="linux")

    assert all("linux" in common.systems for common in found)
    assert matching(COMMANDS, text="there is no such thing") == []
    assert set(SYSTEMS) >= {system for common in COMMANDS for system in common.systems}


def test_exit_statuses_are_told_in_words():
    assert catalogue()["CA-ECS-DiskUsage.sh"].statuses == [
        ("0", "all below the limit"),
        ("1", "a file system is fuller"),
        ("2", "a parameter is wrong"),
    ]
    for common in COMMANDS:
        numbers = [number for number, _words in common.statuses]
        assert numbers == sorted(set(numbers)), common.name
        assert numbers[0] == "0", common.name
        assert set(numbers) <= set("0123"), common.name


def test_windows_has_commands_of_its_own():
    found = matching(COMMANDS, system="windows")

    assert [common.name for common in found] == [
        "CA-ECS-HealthCheck-Windows.ps1",
        "CA-ECS-ClientUpgrade-Windows.ps1",
    ]
    assert not {common.name for common in found} & {
        common.name for common in matching(COMMANDS, system="debian")
    }


@pytest.mark.skipif(shutil.which("pwsh") is None, reason="no PowerShell here")
def test_every_script_is_read_by_powershell():
    for common in set(COMMANDS) - set(SHELL_COMMANDS):
        reading = f"[scriptblock]::Create([IO.File]::ReadAllText('{FOLDER / common.name}')) | Out-Null"
        done = subprocess.run(
            ["pwsh", "-NoProfile", "-Command", reading], check=False, text=True, capture_output=True
        )
        assert (done.returncode, done.stderr) == (0, ""), common.name


def test_an_installer_is_checked_before_it_runs():
    script = catalogue()["CA-ECS-ClientUpgrade-Windows.ps1"].content
    steps = ["-ne 'yes'", "/inheritance:r", "Invoke-WebRequest", "Get-FileHash", "-Execute $setup"]

    places = [script.index(step) for step in steps]

    assert places == sorted(places)


BREAKING = ["\u2019; reboot", "'; reboot; '", "a\nreboot", "a\rb", "\x00", "'"]


@pytest.mark.parametrize("value", BREAKING)
def test_no_value_breaks_out_of_its_quotes(value):
    for common in COMMANDS:
        for one in common.parameters:
            with pytest.raises(InvalidParameter) as refusal:
                check_values(common, {one.name: value})
            assert refusal.value.field == f"parameter-{one.name}"


@pytest.mark.parametrize(
    ("name", "values", "is_taken"),
    [
        ("CA-ECS-DiskUsage.sh", {"limit": "90"}, True),
        ("CA-ECS-DiskUsage.sh", {"limit": "ninety"}, False),
        ("CA-ECS-LogTail.sh", {"path": "/var/log/my log.txt", "text": '$(reboot) "x"'}, True),
        ("CA-ECS-LogTail.sh", {"path": "/srv/app/error.log.2.gz"}, True),
        ("CA-ECS-LogTail.sh", {"path": "/etc/shadow"}, False),
        ("CA-ECS-LogTail.sh", {"path": "/var/log/../../etc/shadow"}, False),
        ("CA-ECS-LogTail.sh", {"path": "relative"}, False),
        ("CA-ECS-CleanTemporaryFiles.sh", {"path": "/tmp/build-1"}, True),  # noqa: S108
        ("CA-ECS-CleanTemporaryFiles.sh", {"path": "/etc"}, False),
        ("CA-ECS-CleanTemporaryFiles.sh", {"path": "/tmp/../etc"}, False),  # noqa: S108
        ("CA-ECS-PackageInstall.sh", {"packages": "g++ lib32z1 nginx"}, True),
        ("CA-ECS-PackageInstall.sh", {"packages": "nginx-"}, False),
        ("CA-ECS-PackageInstall.sh", {"packages": "--force nginx"}, False),
        ("CA-ECS-NetworkCheck.sh", {"host": "::1"}, False),
        ("CA-ECS-NetworkCheck.sh", {"host": "2001:db8::1", "port": "443"}, True),
        ("CA-ECS-NetworkCheck.sh", {"host": "-w"}, False),
        ("CA-ECS-ServiceRestart.sh", {"name": "nginx@a.service"}, True),
        ("CA-ECS-ServiceRestart.sh", {"name": "--all"}, False),
        ("CA-ECS-ClientUpgrade-Windows.ps1", {"version": "2.1.3.858", "sha256": "a" * 64}, True),
        ("CA-ECS-ClientUpgrade-Windows.ps1", {"version": "2.1.3.858; reboot"}, False),
        ("CA-ECS-ClientUpgrade-Windows.ps1", {"url": "https://host.example/a_2.1_setup.exe"}, True),
        ("CA-ECS-ClientUpgrade-Windows.ps1", {"url": "http://host.example/setup.exe"}, False),
        ("CA-ECS-ClientUpgrade-Windows.ps1", {"url": "https://host.example/$(whoami)"}, False),
    ],
)
def test_values_fit_their_parameters(name, values, is_taken):
    if is_taken:
        check_values(catalogue()[name], values)
    else:
        with pytest.raises(InvalidParameter):
            check_values(catalogue()[name], values)
