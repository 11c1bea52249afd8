#!/bin/sh
# Exit status: 0 shortened or measured, 1 failed, 2 a parameter is wrong, 3 there is no journal here.
set -u
keep='{{keep}}'
apply='{{apply}}'

case $keep in '' | *[!0-9]*) echo "keep: give a whole number of MiB." >&2; exit 2 ;; esac
case $apply in yes | no) ;; *) echo "apply: yes or no." >&2; exit 2 ;; esac
if ! command -v journalctl >/dev/null 2>&1; then
    echo "There is no journal here (journalctl is not installed)." >&2
    exit 3
fi

journalctl --disk-usage 2>/dev/null
if [ "$apply" != yes ]; then
    echo "Dry run: nothing was deleted. With apply it would be shortened to $keep MiB."
    exit 0
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "Shortening needs root." >&2
    exit 3
fi
journalctl --rotate -q && journalctl -q --vacuum-size="${keep}M" || exit 1
journalctl --disk-usage
