#!/bin/sh
# Exit status: 0 all below the limit, 1 a file system is fuller, 2 a parameter is wrong.
set -u
limit='{{limit}}'

case $limit in '' | *[!0-9]*) echo "limit: give a whole number of per cent." >&2; exit 2 ;; esac

df -kP 2>/dev/null | awk -v limit="$limit" '
    function size(kilobytes) {
        if (kilobytes >= 1048576) return sprintf("%.1f GiB", kilobytes / 1048576)
        return sprintf("%.1f MiB", kilobytes / 1024)
    }
    NR == 1 || $2 == 0 || $1 ~ /^(tmpfs|devtmpfs|udev|none|shm|squashfs|efivarfs)$/ || $1 ~ /^\/dev\/loop/ { next }
    {
        place = $6
        for (i = 7; i <= NF; i++) place = place " " $i
        used = $5
        sub("%", "", used)
        rows++
        mark = used + 0 > limit + 0 ? "FULL" : "ok"
        if (mark == "FULL") full++
        printf "%3d%%  %-4s  %10s free of %10s  %s (%s)\n", used, mark, size($4), size($2), place, $1 | "sort -rn"
    }
    END {
        close("sort -rn")
        if (!rows) print "No file systems on disks were found."
        printf "\n%d of %d above %d%%.\n", full, rows, limit
        exit full ? 1 : 0
    }'
