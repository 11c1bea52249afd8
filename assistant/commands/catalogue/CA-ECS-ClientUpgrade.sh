#!/bin/sh
# Exit status: 0 up to date or replaced, 1 an upgrade waits or failed, 2 a parameter is wrong, 3 no client there.
set -u
apply='{{apply}}'

case $apply in yes | no) ;; *) echo "apply: yes or no." >&2; exit 2 ;; esac
# Never anybody else's word: what lies there is run, and replaced.
if [ "$(id -u)" -eq 0 ]; then
    state=/var/lib/cloud-assistant
    program=/opt/cloud-assistant/agent.pyz
else
    state=$HOME/.local/share/cloud-assistant
    program=$state/agent.pyz
fi
if [ ! -r "$state/identity.json" ] || [ ! -r "$program" ]; then
    echo "No client of this console is installed in $state with the program $program, or it may not be read." >&2
    exit 3
fi
version_of() { python3 "$1" --version 2>/dev/null | grep -oE '[0-9]+(\.[0-9]+)+' | head -n 1; }

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
if ! python3 - "$state" "$work/agent.pyz" <<'FETCH'
import json, pathlib, shutil, ssl, sys, urllib.request

state, target = map(pathlib.Path, sys.argv[1:])
server = json.loads((state / "identity.json").read_text())["server"]
context = ssl.create_default_context(cafile=str(state / "ca.pem"))
with urllib.request.urlopen(f"https://{server}/agent/agent.pyz", context=context, timeout=60) as answer:
    with target.open("wb") as stream:
        shutil.copyfileobj(answer, stream)
FETCH
then
    echo "The console did not offer a client." >&2
    exit 1
fi
offered=$(version_of "$work/agent.pyz")
if [ -z "$offered" ]; then
    echo "What the console offers does not run here." >&2
    exit 1
fi

echo "Installed  $(version_of "$program")"
echo "Offered    $offered"
if cmp -s "$program" "$work/agent.pyz"; then
    echo "Up to date."
    exit 0
fi
if [ "$apply" != yes ]; then
    echo "Dry run: nothing was replaced. Set apply to yes to upgrade."
    exit 1
fi

cp -p "$program" "$program.former" && cp "$work/agent.pyz" "$program.new" && chmod 755 "$program.new" &&
    mv -f "$program.new" "$program" || exit 1
echo "Replaced; the former one is $program.former."
if [ -d /run/systemd/system ] && systemctl is-active --quiet cloud-assistant 2>/dev/null &&
    systemctl show -p ExecStart --value cloud-assistant | grep -qF -e " $program "; then
    # Later and by somebody else: a client that restarts ends its commands, and this is one.
    systemd-run --quiet --collect --on-active=10 systemctl restart cloud-assistant || exit 1
    echo "The client restarts in ten seconds."
else
    echo "Restart the client: python3 $program --install-service --state-dir $state"
fi
