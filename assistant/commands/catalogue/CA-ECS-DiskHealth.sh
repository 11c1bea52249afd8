#!/bin/sh
# Exit status: 0 nothing unusual, 1 a disk, an array or a file system needs attention.
set -u
problems=0

echo "Software RAID:"
# [UU] is whole; an underscore stands for a disk that is missing.
arrays=$(cat /proc/mdstat 2>/dev/null | awk '
    / : inactive/ { print "  ATTENTION  " $1 " is not active" }
    / : active/ { name = $1 }
    match($0, /\[[U_]+\]/) {
        disks = substr($0, RSTART, RLENGTH)
        print (disks ~ /_/ ? "  ATTENTION  " : "  ok         ") name " " disks
    }')
echo "${arrays:-  none}"
case $arrays in *ATTENTION*) problems=$((problems + 1)) ;; esac

echo
echo "What the disks say of themselves (SMART):"
if ! command -v smartctl >/dev/null 2>&1; then
    echo "  smartctl is not installed (package smartmontools)."
elif [ "$(id -u)" -ne 0 ]; then
    echo "  Only root can ask them."
else
    disks=$(lsblk -dno NAME,TYPE 2>/dev/null | awk '$2 == "disk" && $1 !~ /^(zram|ram|loop)/ { print $1 }')
    [ -n "$disks" ] || echo "  none"
    for disk in $disks; do
        smartctl -H "/dev/$disk" >/dev/null 2>&1
        status=$?
        # Bit 3: it fails; bit 4: a value is past its threshold; bits 0 to 2: it could not be asked.
        if [ $((status & 24)) -ne 0 ]; then
            echo "  ATTENTION  $disk is failing: replace it"
            problems=$((problems + 1))
        elif [ $((status & 7)) -ne 0 ]; then
            echo "  unknown    $disk does not say, as most virtual disks"
        else
            echo "  ok         $disk"
        fi
    done
fi

echo
echo "Errors in the kernel's messages since the start:"
messages=$(dmesg 2>/dev/null)
[ -n "$messages" ] || messages=$(journalctl -k -b -q --no-pager 2>/dev/null)
if [ -z "$messages" ]; then
    echo "  There are none, or only root may read them."
else
    # Drives without a disk in them complain as well.
    errors=$(echo "$messages" |
        grep -iE 'I/O error|medium error|EXT4-fs error|XFS .*corrupt|BTRFS (error|critical)|Remounting filesystem read-only' |
        grep -vE 'dev (fd|sr)[0-9]' | tail -n 20)
    if [ -n "$errors" ]; then
        echo "$errors" | sed 's/^/  /'
        problems=$((problems + 1))
    else
        echo "  none"
    fi
fi
[ "$problems" -eq 0 ] || exit 1
