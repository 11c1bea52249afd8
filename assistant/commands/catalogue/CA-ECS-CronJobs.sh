#!/bin/sh
# Exit status: 0 listed.
set -u

jobs() { grep -Ev '^[[:space:]]*(#|$|[A-Za-z_][A-Za-z0-9_]*[[:space:]]*=)' "$1" 2>/dev/null | sed 's/^/  /'; }

for file in /etc/crontab /etc/cron.d/*; do
    [ -f "$file" ] || continue
    found=$(jobs "$file")
    [ -z "$found" ] || printf '%s\n%s\n\n' "$file" "$found"
done

for directory in /var/spool/cron/crontabs /var/spool/cron; do
    [ -r "$directory" ] || continue
    for file in "$directory"/*; do
        [ -f "$file" ] && [ -r "$file" ] || continue
        found=$(jobs "$file")
        [ -z "$found" ] || printf 'crontab of %s\n%s\n\n' "${file##*/}" "$found"
    done
done
if [ "$(id -u)" -ne 0 ] && own=$(crontab -l 2>/dev/null) && [ -n "$own" ]; then
    printf 'crontab of %s\n%s\n\n' "$(id -un)" "$(echo "$own" | grep -Ev '^[[:space:]]*(#|$)' | sed 's/^/  /')"
fi

for period in hourly daily weekly monthly; do
    names=$(find "/etc/cron.$period" -type f ! -name '.placeholder' 2>/dev/null | sed 's#.*/##' | sort | tr '\n' ' ')
    [ -z "$names" ] || printf '/etc/cron.%s\n  %s\n\n' "$period" "$names"
done

if [ -d /run/systemd/system ] && command -v systemctl >/dev/null 2>&1; then
    echo "Timers"
    systemctl list-timers --all --no-pager 2>/dev/null | sed 's/^/  /'
else
    echo "Timers: systemd does not run here."
fi
exit 0
