#!/bin/sh
# Exit status: 0 no restart is needed, 1 one is.
set -u
needed=0

running=$(uname -r)
echo "Running kernel: $running"

for flag in /run/reboot-required /var/run/reboot-required; do
    [ -e "$flag" ] || continue
    echo "The distribution asks for a restart ($flag):"
    [ ! -r "$flag.pkgs" ] || sort -u "$flag.pkgs" | sed 's/^/  /'
    needed=1
    break
done

if command -v needs-restarting >/dev/null 2>&1; then
    if ! said=$(needs-restarting -r 2>/dev/null); then
        echo "$said"
        needed=1
    fi
elif command -v zypper >/dev/null 2>&1; then
    zypper --non-interactive needs-rebooting >/dev/null 2>&1
    if [ $? -eq 102 ]; then
        echo "zypper asks for a restart."
        needed=1
    fi
fi

# A kernel counts as installed where its image lies beside its modules.
newest=$(
    for directory in /lib/modules/*; do
        version=${directory##*/}
        if [ -e "/boot/vmlinuz-$version" ] || [ -e "$directory/vmlinuz" ]; then
            echo "$version"
        fi
    done | sort -V | tail -n 1
)
if [ -n "$newest" ] && [ "$newest" != "$running" ] &&
    [ "$(printf '%s\n%s\n' "$newest" "$running" | sort -V | tail -n 1)" = "$newest" ]; then
    echo "Newest installed kernel: $newest"
    needed=1
fi

if [ "$needed" -eq 0 ]; then
    echo "No restart is needed."
    exit 0
fi
echo "A restart is needed."
exit 1
