#!/bin/sh
# Exit status: 0 ready, 1 not ready.
set -u
problems=0
bad() {
    echo "MISSING  $1"
    problems=$((problems + 1))
}

if grep -q 'crashkernel=' /proc/cmdline; then
    echo "ok       $(tr ' ' '\n' </proc/cmdline | grep '^crashkernel=')"
else
    bad "the kernel was started without crashkernel="
fi

size=$(cat /sys/kernel/kexec_crash_size 2>/dev/null || echo 0)
if [ "$size" -gt 0 ]; then
    echo "ok       $((size / 1048576)) MiB are reserved"
else
    bad "no memory is reserved for a crash kernel"
fi

if [ "$(cat /sys/kernel/kexec_crash_loaded 2>/dev/null)" = 1 ]; then
    echo "ok       a crash kernel is loaded"
else
    bad "no crash kernel is loaded"
fi

if [ -d /run/systemd/system ] && command -v systemctl >/dev/null 2>&1; then
    active=
    for unit in kdump kdump-tools; do
        systemctl is-active --quiet "$unit" 2>/dev/null && active=$unit
    done
    if [ -n "$active" ]; then echo "ok       the service $active is on"; else bad "no kdump service is on"; fi
fi

target=$(awk '$1 == "path" { print $2 }' /etc/kdump.conf 2>/dev/null)
target=${target:-/var/crash}
if [ -d "$target" ]; then
    dumps=$(find "$target" -name 'vmcore*' -o -name 'dump.*' 2>/dev/null | wc -l | tr -d ' ')
    echo "         $dumps dumps in $target, $(df -hP "$target" | awk 'NR == 2 { print $4 }') free"
fi

[ "$problems" -eq 0 ] || { echo; echo "A crash would leave no dump."; exit 1; }
echo
echo "A crash would leave a dump."
