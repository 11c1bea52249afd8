#!/bin/sh
# Exit status: 0 below the limit, 1 above it, 2 a parameter is wrong.
set -u
seconds='{{seconds}}'
number='{{number}}'
limit='{{limit}}'

for value in "$seconds" "$number" "$limit"; do
    case $value in '' | *[!0-9]*) echo "seconds, number, limit: give whole numbers." >&2; exit 2 ;; esac
done
[ "$seconds" -gt 0 ] || seconds=1

cpus=$(grep -c '^processor' /proc/cpuinfo)
[ "$cpus" -gt 0 ] || cpus=1
read -r one five fifteen rest </proc/loadavg
echo "Load    $one (1 min)  $five (5 min)  $fifteen (15 min) on $cpus CPUs; processes $rest"

# The name of a process may hold blanks and brackets: what counts comes after the last bracket.
usage() { cat /proc/[0-9]*/stat 2>/dev/null | sed 's/^\([0-9]*\) (.*) /\1 /' | awk '{ print $1, $13 + $14 }'; }

total_before=$(head -n 1 /proc/stat)
before=$(usage)
sleep "$seconds"
total_after=$(head -n 1 /proc/stat)
after=$(usage)

printf '%s\n%s\n' "$total_before" "$total_after" | awk -v limit="$limit" '
    { idle[NR] = $5 + $6; waits[NR] = $6; stolen[NR] = $9; all = 0; for (i = 2; i <= 9; i++) all += $i; sum[NR] = all }
    END {
        span = sum[2] - sum[1]
        if (span <= 0) span = 1
        busy = 100 * (1 - (idle[2] - idle[1]) / span)
        printf "CPU     %.0f%% busy, %.0f%% waits for disks, %.0f%% taken by the host\n", busy, 100 * (waits[2] - waits[1]) / span, 100 * (stolen[2] - stolen[1]) / span
        exit busy > limit + 0 ? 1 : 0
    }'
state=$?

echo
printf '%6s  %8s  %s\n' "%" "process" "name"
ticks=$(getconf CLK_TCK 2>/dev/null || echo 100)
printf '%s\n-\n%s\n' "$before" "$after" | awk -v span="$((ticks * seconds))" '
    $1 == "-" { second = 1; next }
    !second { was[$1] = $2; next }
    ($1 in was) && $2 > was[$1] { printf "%.1f %d\n", ($2 - was[$1]) * 100 / span, $1 }' |
    sort -rn | head -n "$number" | while read -r share process; do
    printf '%6s  %8s  %s\n' "$share" "$process" "$(cat "/proc/$process/comm" 2>/dev/null)"
done
exit "$state"
