#!/bin/sh
# Exit status: 0 nothing unusual, 1 an account is root beside root or has no password.
set -u
problems=0

echo "Accounts with a shell:"
awk -F : '$7 !~ /(nologin|false|sync|shutdown|halt)$/ { printf "  %-20s %6d  %-24s %s\n", $1, $3, $6, $7 }' /etc/passwd

echo
others=$(awk -F : '$3 == 0 && $1 != "root" { print $1 }' /etc/passwd | tr '\n' ' ')
if [ -n "$others" ]; then
    echo "ATTENTION: root by number: $others"
    problems=$((problems + 1))
else
    echo "Nobody but root has the number 0."
fi

if [ -r /etc/shadow ]; then
    empty=$(awk -F : '$2 == "" { print $1 }' /etc/shadow | tr '\n' ' ')
    if [ -n "$empty" ]; then
        echo "ATTENTION: without a password: $empty"
        problems=$((problems + 1))
    else
        echo "Nobody has an empty password."
    fi
    echo "With a password: $(awk -F : '$2 ~ /^[$_]/ { printf "%s ", $1 }' /etc/shadow)"
else
    echo "Passwords are seen by root only."
fi

echo
echo "Keys to sign in with:"
keys=0
while IFS=: read -r name _ _ _ _ home _; do
    file=$home/.ssh/authorized_keys
    [ -r "$file" ] || continue
    number=$(grep -cE '^[^#].*(ssh-|ecdsa-|sk-)' "$file")
    [ "$number" -gt 0 ] || continue
    printf '  %-20s %d\n' "$name" "$number"
    keys=$((keys + number))
done </etc/passwd
[ "$keys" -gt 0 ] || echo "  none that may be read"

echo
echo "Who may use sudo:"
for group in sudo wheel admin; do
    members=$(getent group "$group" 2>/dev/null | cut -d : -f 4)
    [ -z "$members" ] || echo "  group $group: $members"
done
if [ -r /etc/sudoers ]; then
    cat /etc/sudoers /etc/sudoers.d/* 2>/dev/null | grep -Ev '^[[:space:]]*(#|$|Defaults)' | sort -u | sed 's/^/  /'
elif [ -e /etc/sudoers ]; then
    echo "  /etc/sudoers is seen by root only."
else
    echo "  sudo is not installed."
fi
[ "$problems" -eq 0 ] || exit 1
