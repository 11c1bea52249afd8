#!/bin/sh
# Exit status: 0 searched, 2 a parameter is wrong, 3 there is no journal here.
set -u
unit='{{unit}}'
since='{{since}}'
priority='{{priority}}'
text='{{text}}'
lines='{{lines}}'

case $lines in '' | *[!0-9]*) echo "lines: give a whole number." >&2; exit 2 ;; esac
if ! command -v journalctl >/dev/null 2>&1; then
    echo "There is no journal here (journalctl is not installed)." >&2
    exit 3
fi

set -- --no-pager -q --since="$since" --priority="$priority"
[ -z "$unit" ] || set -- "$@" --unit="$unit"
said=$(journalctl "$@" -n 0 2>&1 >/dev/null)
case $said in *[Ff]'ailed to parse'* | *'Unknown log level'*)
    echo "$said" >&2
    exit 2
    ;;
esac

if [ -n "$text" ]; then
    found=$(journalctl "$@" 2>/dev/null | grep -aF -e "$text" | tail -n "$lines")
else
    found=$(journalctl "$@" -n "$lines" 2>/dev/null)
fi
if [ -z "$found" ]; then
    echo "No such message since $since."
    [ "$(id -u)" -eq 0 ] || echo "$(id -un) may not see every message; run it as root."
    exit 0
fi
printf '%s\n' "$found"
