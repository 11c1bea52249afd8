#!/bin/sh
# Exit status: 0 there are none, 1 there are some, 2 a parameter is wrong.
set -u
least='{{least}}'

case $least in '' | *[!0-9]*) echo "least: give a whole number of MiB." >&2; exit 2 ;; esac

found=0
for link in $(find /proc/[0-9]*/fd -maxdepth 1 -type l -lname '/* (deleted)' 2>/dev/null); do
    file=$(readlink "$link" 2>/dev/null) || continue
    case $file in
        /memfd:* | /dev/* | /SYSV* | '/[aio]'*) continue ;;
    esac
    size=$(stat -L -c %s "$link" 2>/dev/null) || continue
    [ "$size" -ge $((least * 1048576)) ] || continue
    process=${link#/proc/}
    process=${process%%/*}
    name=$(cat "/proc/$process/comm" 2>/dev/null)
    printf '%10d MiB  %s  process %s (%s)\n' $((size / 1048576)) "${file% (deleted)}" "$process" "$name"
    found=$((found + 1))
done

if [ "$found" -eq 0 ]; then
    echo "No deleted file of $least MiB or more is still in use."
    [ "$(id -u)" -eq 0 ] || echo "Only the programs of $(id -un) were looked at; run it as root to see all."
    exit 0
fi
printf '\n%d found. Restart these programs to free the space.\n' "$found"
exit 1
