#!/bin/sh
# Exit status: 0 below the limit or no swap, 1 above it, 2 a parameter is wrong.
set -u
number='{{number}}'
limit='{{limit}}'

for value in "$number" "$limit"; do
    case $value in '' | *[!0-9]*) echo "number, limit: give whole numbers." >&2; exit 2 ;; esac
done

echo "vm.swappiness  $(cat /proc/sys/vm/swappiness 2>/dev/null || echo unknown)"
awk -v limit="$limit" '
    NR > 1 { printf "%-24s %-10s %d of %d MiB in use\n", $1, $2, $4 / 1024, $3 / 1024; size += $3; used += $4 }
    END {
        if (!size) { print "There is no swap."; exit 0 }
        exit used * 100 / size > limit + 0 ? 1 : 0
    }' /proc/swaps
state=$?

echo
for status in /proc/[0-9]*/status; do
    awk '/^Name:/ { name = $2 } /^Pid:/ { process = $2 } /^VmSwap:/ { kilobytes = $2 }
        END { if (kilobytes) print kilobytes, process, name }' "$status" 2>/dev/null
done | sort -rn | head -n "$number" | awk '
    NR == 1 { printf "%10s  %8s  %s\n", "MiB", "process", "name" }
    { printf "%10.1f  %8d  %s\n", $1 / 1024, $2, $3 }
    END { if (!NR) print "No process is swapped out." }'
exit "$state"
