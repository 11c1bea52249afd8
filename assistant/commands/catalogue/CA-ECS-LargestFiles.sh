#!/bin/sh
# Exit status: 0 listed, 1 no such directory, 2 a parameter is wrong.
set -u
path='{{path}}'
number='{{number}}'
least='{{least}}'

case $number in '' | *[!0-9]*) echo "number: give a whole number." >&2; exit 2 ;; esac
case $least in '' | *[!0-9]*) echo "least: give a whole number of MiB." >&2; exit 2 ;; esac
if [ ! -d "$path" ]; then
    echo "There is no directory $path." >&2
    exit 1
fi

find "$path" -xdev -type f -size "+$((least * 1024 - 1))k" -exec du -k {} + 2>/dev/null |
    sort -rn |
    head -n "$number" |
    awk -F '\t' '
        { printf "%10.1f MiB  %s\n", $1 / 1024, $2; sum += $1 }
        END { printf "\n%d files, %.1f MiB together.\n", NR, sum / 1024 }'
