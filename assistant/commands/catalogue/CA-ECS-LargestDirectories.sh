#!/bin/sh
# Exit status: 0 listed, 1 no such directory, 2 a parameter is wrong.
set -u
path='{{path}}'
depth='{{depth}}'
number='{{number}}'

case $depth in '' | *[!0-9]*) echo "depth: give a whole number." >&2; exit 2 ;; esac
case $number in '' | *[!0-9]*) echo "number: give a whole number." >&2; exit 2 ;; esac
if [ ! -d "$path" ]; then
    echo "There is no directory $path." >&2
    exit 1
fi

du -xk -d "$depth" "$path" 2>/dev/null |
    sort -rn |
    head -n "$number" |
    awk -F '\t' '{ printf "%10.1f MiB  %s\n", $1 / 1024, $2 }'
