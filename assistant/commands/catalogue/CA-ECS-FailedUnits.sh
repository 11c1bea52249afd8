#!/bin/sh
# Exit status: 0 none has failed, 1 some have, 2 a parameter is wrong, 3 systemd does not run here.
set -u
lines='{{lines}}'

case $lines in '' | *[!0-9]*) echo "lines: give a whole number." >&2; exit 2 ;; esac
if [ ! -d /run/systemd/system ] || ! command -v systemctl >/dev/null 2>&1; then
    echo "systemd does not run here." >&2
    exit 3
fi

failed=$(systemctl list-units --failed --all --plain --no-legend --no-pager 2>/dev/null | awk '{ print $1 }')
if [ -z "$failed" ]; then
    echo "No unit has failed."
    exit 0
fi
for unit in $failed; do
    echo "$unit  $(systemctl show -p Description --value "$unit" 2>/dev/null)"
    echo "  since $(systemctl show -p InactiveEnterTimestamp --value "$unit" 2>/dev/null), result $(systemctl show -p Result --value "$unit" 2>/dev/null)"
    journalctl -u "$unit" -n "$lines" --no-pager -q 2>/dev/null | sed 's/^/  /'
done
exit 1
