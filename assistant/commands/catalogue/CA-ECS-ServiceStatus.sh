#!/bin/sh
# Exit status: 0 it runs, 1 it does not or is not known, 2 a parameter is wrong, 3 not possible here.
set -u
name='{{name}}'
lines='{{lines}}'

case $name in '' | -*) echo "name: give the name of a service." >&2; exit 2 ;; esac
case $lines in '' | *[!0-9]*) echo "lines: give a whole number." >&2; exit 2 ;; esac

if [ -d /run/systemd/system ] && command -v systemctl >/dev/null 2>&1; then
    loaded=$(systemctl show -p LoadState --value "$name" 2>/dev/null)
    if [ "$loaded" = not-found ] || [ -z "$loaded" ]; then
        echo "There is no service $name."
        exit 1
    fi
    for property in ActiveState SubState UnitFileState MainPID NRestarts ActiveEnterTimestamp Result; do
        printf '%-22s %s\n' "$property" "$(systemctl show -p "$property" --value "$name" 2>/dev/null)"
    done
    echo
    journalctl -u "$name" -n "$lines" --no-pager -q 2>/dev/null || echo "Its log may not be read by $(id -un)."
    systemctl is-active --quiet "$name"
    exit $?
fi
if [ -x "/etc/init.d/$name" ]; then
    "/etc/init.d/$name" status || exit 1
    exit 0
fi
if [ -d /etc/init.d ]; then
    echo "There is no service $name in /etc/init.d, and systemd does not run here."
    exit 1
fi
echo "Neither systemd nor /etc/init.d is here." >&2
exit 3
