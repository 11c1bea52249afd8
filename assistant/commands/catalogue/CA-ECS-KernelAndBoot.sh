#!/bin/sh
# Exit status: 0 shown.
set -u

echo "System      $(sed -n 's/^PRETTY_NAME=//p' /etc/os-release 2>/dev/null | tr -d '"')"
echo "Kernel      $(uname -srm)"
echo "Started     $(date -u -d "@$(awk '/^btime/ { print $2 }' /proc/stat)" '+%Y-%m-%dT%H:%M:%SZ' 2>/dev/null)"
echo "Parameters  $(cat /proc/cmdline)"
if [ -d /sys/firmware/efi ]; then echo "Firmware    UEFI"; else echo "Firmware    BIOS, or none to see"; fi

echo
echo "Installed kernels:"
found=0
for image in /boot/vmlinuz-*; do
    [ -e "$image" ] || continue
    found=1
    echo "  ${image#/boot/vmlinuz-}"
done
[ "$found" -eq 1 ] || echo "  none in /boot"

echo
echo "Settings:"
for name in kernel/pid_max kernel/panic kernel/randomize_va_space fs/file-max vm/swappiness vm/overcommit_memory \
    vm/max_map_count net/core/somaxconn net/ipv4/ip_forward net/ipv4/ip_local_port_range \
    net/ipv4/tcp_congestion_control net/ipv6/conf/all/disable_ipv6; do
    [ -r "/proc/sys/$name" ] || continue
    printf '  %-36s %s\n' "$(echo "$name" | tr / .)" "$(tr '\t' ' ' <"/proc/sys/$name")"
done

tainted=$(cat /proc/sys/kernel/tainted 2>/dev/null || echo 0)
echo
if [ "$tainted" = 0 ]; then echo "The kernel is not tainted."; else echo "The kernel is tainted ($tainted)."; fi
exit 0
