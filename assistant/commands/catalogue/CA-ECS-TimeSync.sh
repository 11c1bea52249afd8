#!/bin/sh
# Exit status: 0 synchronised, 1 not synchronised, 3 it cannot be told.
set -u

echo "Now        $(date -u '+%Y-%m-%dT%H:%M:%SZ') (UTC), here $(date '+%Y-%m-%d %H:%M:%S %Z')"
zone=$(readlink /etc/localtime 2>/dev/null | sed 's#.*/zoneinfo/##')
[ -n "$zone" ] || zone=$(cat /etc/timezone 2>/dev/null)
echo "Time zone  ${zone:-UTC}"

state=unknown
# The kernel keeps 15 characters of a program's name.
program=$(cat /proc/[0-9]*/comm 2>/dev/null | grep -xE 'chronyd|ntpd|ntpd-rs|openntpd|systemd-timesyn' | head -n 1)
[ -z "$program" ] || echo "Kept by    $program"

if [ -d /run/systemd/system ] && command -v timedatectl >/dev/null 2>&1; then
    case $(timedatectl show -p NTPSynchronized --value 2>/dev/null) in
        yes) state=yes ;;
        no) state=no ;;
    esac
fi
if command -v chronyc >/dev/null 2>&1 && said=$(chronyc -n tracking 2>/dev/null); then
    echo "$said" | grep -E '^(Reference ID|Stratum|System time|Last offset|Leap status)' | sed 's/^/           /'
    case $said in *'Leap status     : Normal'*) state=yes ;; *) state=no ;; esac
elif command -v ntpq >/dev/null 2>&1 && said=$(ntpq -pn 2>/dev/null) && [ -n "$said" ]; then
    echo "$said" | sed 's/^/           /'
    if echo "$said" | grep -q '^\*'; then state=yes; else state=no; fi
fi

case $state in
    yes) echo "The clock is synchronised." ;;
    no)
        echo "The clock is NOT synchronised."
        exit 1
        ;;
    *)
        echo "Nothing here says whether the clock is synchronised (a container takes its host's clock)."
        exit 3
        ;;
esac
