#!/bin/sh
# Exit status: 0 below the limit, 1 above it, 2 a parameter is wrong.
set -u
number='{{number}}'
limit='{{limit}}'

case $number in '' | *[!0-9]*) echo "number: give a whole number." >&2; exit 2 ;; esac
case $limit in '' | *[!0-9]*) echo "limit: give a whole number of per cent." >&2; exit 2 ;; esac

awk -v limit="$limit" '
    { kilobytes[$1] = $2 }
    END {
        total = kilobytes["MemTotal:"]
        free = ("MemAvailable:" in kilobytes) ? kilobytes["MemAvailable:"] : kilobytes["MemFree:"] + kilobytes["Cached:"]
        used = total - free
        printf "Memory  %d of %d MiB in use (%d%%), %d MiB available\n", used / 1024, total / 1024, used * 100 / total, free / 1024
        swap = kilobytes["SwapTotal:"]
        if (swap) printf "Swap    %d of %d MiB in use\n", (swap - kilobytes["SwapFree:"]) / 1024, swap / 1024
        else print "Swap    none"
        exit used * 100 / total > limit + 0 ? 1 : 0
    }' /proc/meminfo
state=$?

echo
printf '%10s  %8s  %s\n' "MiB" "process" "name"
for status in /proc/[0-9]*/status; do
    awk '
        /^Name:/ { name = $2 }
        /^Pid:/ { process = $2 }
        /^VmRSS:/ { kilobytes = $2 }
        END { if (kilobytes) print kilobytes, process, name }' "$status" 2>/dev/null
done | sort -rn | head -n "$number" | awk '{ printf "%10.1f  %8d  %s\n", $1 / 1024, $2, $3 }'

if [ "$state" -ne 0 ]; then
    printf '\nMore than %s%% of the memory is in use.\n' "$limit"
fi
exit "$state"
