#!/bin/sh
# Exit status: 0 listed, 1 no such directory, 2 a parameter is wrong.
set -u
path='{{path}}'
days='{{days}}'
number='{{number}}'

case $days in '' | *[!0-9]* | 0*) echo "days: give a whole number from 1 on." >&2; exit 2 ;; esac
case $number in '' | *[!0-9]* | 0*) echo "number: give a whole number from 1 on." >&2; exit 2 ;; esac
if [ ! -d "$path" ]; then
    echo "There is no directory $path." >&2
    exit 1
fi
since=$(($(date +%s) - days * 86400))

echo "Files below $path, the last ones first:"
find "$path" -xdev -type f -mtime "-$days" -exec stat -c '%Y|%y|%U|%n' {} + 2>/dev/null |
    sort -rn |
    awk -F '|' -v most="$number" '
        NR <= most {
            name = $0
            sub(/^[^|]*[|][^|]*[|][^|]*[|]/, "", name)
            printf "  %s  %-12s %s\n", substr($2, 1, 19), $3, name
        }
        END {
            if (NR > most) printf "  ... and %d more.\n", NR - most
            if (NR == 0) print "  none"
        }'

echo
echo "Packages, the last ones at the end:"
if [ -r /var/log/dpkg.log ]; then
    cat /var/log/dpkg.log.1 /var/log/dpkg.log 2>/dev/null |
        awk -v since="$(date -d "@$since" +%Y-%m-%d)" '
            $1 >= since && $3 ~ /^(install|upgrade|remove|purge)$/ { print "  " $1, $2, " " $3, $4, $6 }' |
        tail -n "$number"
elif command -v rpm >/dev/null 2>&1; then
    rpm -qa --qf '%{INSTALLTIME}|%{NAME}-%{VERSION}-%{RELEASE}\n' 2>/dev/null | sort -n |
        awk -F '|' -v since="$since" '$1 >= since { print $1 "|" $2 }' | tail -n "$number" |
        while IFS='|' read -r when package; do
            echo "  $(date -d "@$when" '+%Y-%m-%d %H:%M:%S')  $package"
        done
else
    echo "  not known: there is no log of dpkg, and no rpm"
fi
exit 0
