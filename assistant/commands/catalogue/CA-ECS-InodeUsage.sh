#!/bin/sh
# Exit status: 0 all below the limit, 1 a file system is above it, 2 a parameter is wrong.
set -u
limit='{{limit}}'

case $limit in '' | *[!0-9]*) echo "limit: give a whole number of per cent." >&2; exit 2 ;; esac

df -iP 2>/dev/null | awk -v limit="$limit" '
    NR == 1 || $2 == 0 || $2 == "-" || $5 == "-" || $1 ~ /^(tmpfs|devtmpfs|udev|none|shm)$/ || $1 ~ /^\/dev\/loop/ { next }
    {
        used = $5
        sub("%", "", used)
        rows++
        mark = used + 0 > limit + 0 ? "FULL" : "ok"
        if (mark == "FULL") full++
        printf "%3d%%  %-4s  %12d in use of %12d  %s (%s)\n", used, mark, $3, $2, $6, $1 | "sort -rn"
    }
    END {
        close("sort -rn")
        if (!rows) print "No file system here counts inodes."
        printf "\n%d of %d above %d%%.\n", full, rows, limit
        exit full ? 1 : 0
    }'
