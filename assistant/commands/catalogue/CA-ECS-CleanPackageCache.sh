#!/bin/sh
# Exit status: 0 cleaned or counted, 1 failed, 2 a parameter is wrong, 3 not possible here.
set -u
apply='{{apply}}'

case $apply in yes | no) ;; *) echo "apply: yes or no." >&2; exit 2 ;; esac

known=0
for cache in /var/cache/apt/archives /var/cache/dnf /var/cache/libdnf5 /var/cache/yum /var/cache/zypp/packages; do
    [ -d "$cache" ] || continue
    known=1
    printf '%8d MiB  %s\n' "$(($(du -sk "$cache" 2>/dev/null | cut -f 1) / 1024))" "$cache"
done
if [ "$known" -eq 0 ]; then
    echo "There is no package cache here." >&2
    exit 3
fi
if [ "$apply" != yes ]; then
    echo "Dry run: nothing was deleted. Set apply to yes to delete it."
    exit 0
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "Cleaning needs root." >&2
    exit 3
fi

failed=0
! command -v apt-get >/dev/null 2>&1 || apt-get clean || failed=1
! command -v dnf >/dev/null 2>&1 || dnf -q clean packages || failed=1
! command -v yum >/dev/null 2>&1 || yum -q clean packages || failed=1
! command -v zypper >/dev/null 2>&1 || zypper --non-interactive --quiet clean || failed=1
[ "$failed" -eq 0 ] && echo "Cleaned."
exit "$failed"
