#!/bin/sh
# Exit status: 0 cleaned or listed, 1 some could not be deleted, 2 a parameter is wrong.
set -u
path='{{path}}'
days='{{days}}'
apply='{{apply}}'

case $days in '' | 0 | *[!0-9]*) echo "days: give a whole number of at least 1." >&2; exit 2 ;; esac
case $apply in yes | no) ;; *) echo "apply: yes or no." >&2; exit 2 ;; esac
case $path in
    */../* | */.. | */./*) echo "path: give a plain path." >&2; exit 2 ;;
    /tmp | /tmp/* | /var/tmp | /var/tmp/*) ;;
    *) echo "path: only /tmp, /var/tmp and what is below them." >&2; exit 2 ;;
esac
# A link on the way could lead anywhere.
if [ "$(cd -P "$path" 2>/dev/null && pwd -P)" != "$path" ]; then
    echo "There is no directory $path, or a link is on the way to it." >&2
    exit 2
fi

# What systemd made for its services looks after itself.
old() {
    find -P "$path" -xdev ! -path '*/systemd-private-*' -type f -atime "+$days" -mtime "+$days" "$@" 2>/dev/null
}
number=$(old -print | wc -l | tr -d ' ')
kilobytes=$(old -exec du -k {} + | awk '{ sum += $1 } END { print sum + 0 }')
echo "$number files of more than $days days below $path, $((kilobytes / 1024)) MiB."

if [ "$apply" != yes ]; then
    old -print | head -n 50
    echo "Dry run: nothing was deleted. Set apply to yes to delete them."
    exit 0
fi
old -delete
left=$(old -print | wc -l | tr -d ' ')
echo "$((number - left)) deleted."
[ "$left" -eq 0 ] || { echo "$left could not be deleted."; exit 1; }
