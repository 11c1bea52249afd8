#!/bin/sh
# Exit status: 0 listed, 2 a parameter is wrong.
set -u
number='{{number}}'

case $number in '' | *[!0-9]*) echo "number: give a whole number." >&2; exit 2 ;; esac

echo "Signed in now:"
now=$(who 2>/dev/null | sed 's/^/  /')
echo "${now:-  nobody}"

echo
echo "Last sign-ins:"
if command -v last >/dev/null 2>&1; then
    before=$(last -n "$number" -w 2>/dev/null | sed '/^$/d; /begins/d; s/^/  /')
    echo "${before:-  none}"
else
    echo "  the program last is not installed"
fi

echo
echo "Failed by address:"
failures=$(
    {
        journalctl -q --no-pager --since '-7 days' -t sshd -t sshd-session 2>/dev/null
        cat /var/log/auth.log /var/log/secure 2>/dev/null
    } | grep -aE 'Failed (password|publickey)|Invalid user' |
        grep -aoE 'from [0-9a-fA-F.:]+' | sort | uniq -c | sort -rn | head -n "$number"
)
if [ -n "$failures" ]; then
    echo "$failures"
elif [ "$(id -u)" -ne 0 ]; then
    echo "  none that may be read; run it as root"
else
    echo "  none"
fi
exit 0
