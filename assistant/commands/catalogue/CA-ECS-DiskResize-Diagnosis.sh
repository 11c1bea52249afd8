#!/bin/sh
# Exit status: 0 nothing to resize, 1 something can be enlarged, 3 not possible here.
set -u

if ! command -v lsblk >/dev/null 2>&1; then
    echo "lsblk is not installed (package util-linux)." >&2
    exit 3
fi

# Below this a difference is room for tables and alignment.
slack=104857600
todo=0
disks=$(lsblk -bdnro NAME,TYPE,SIZE 2>/dev/null | awk '$2 == "disk" && $3 > 0 { print $1, $3 }')
if [ -z "$disks" ]; then
    echo "No disks are visible here (a container?)."
    exit 0
fi

mebibytes() { echo "$(($1 / 1048576)) MiB"; }

check_partitions() {
    end=0
    for start_file in "/sys/block/$1/$1"*/start; do
        [ -r "$start_file" ] || continue
        part=${start_file%/start}
        here=$(((($(cat "$start_file") + $(cat "$part/size"))) * 512))
        if [ "$here" -gt "$end" ]; then
            end=$here
            last=${part##*/}
        fi
    done
    [ "$end" -gt 0 ] || return 0
    free=$(($2 - end))
    if [ "$free" -gt "$slack" ]; then
        number=$(cat "/sys/block/$1/$last/partition" 2>/dev/null)
        echo "  $(mebibytes "$free") lie behind the last partition $last. Enlarge it: growpart /dev/$1 $number"
        todo=$((todo + 1))
    fi
}

check_file_system() {
    # Name, type, size and place of everything on the disk that is mounted.
    device=/dev/$1
    blocks=$(df -kP "$4" 2>/dev/null | awk 'NR == 2 { print $2 }')
    [ -n "$blocks" ] || return 0
    free=$(($3 - blocks * 1024))
    # File systems keep some of their space for themselves: a twelfth is usual.
    if [ "$free" -gt $(($3 / 12 + slack)) ]; then
        case $2 in
            ext2 | ext3 | ext4) hint="resize2fs $device" ;;
            xfs) hint="xfs_growfs $4" ;;
            btrfs) hint="btrfs filesystem resize max $4" ;;
            *) return 0 ;;
        esac
        echo "  The file system on $4 is $(mebibytes "$free") smaller than $device. Enlarge it: $hint"
        todo=$((todo + 1))
    fi
}

while read -r disk size; do
    echo "$disk, $(mebibytes "$size")"
    check_partitions "$disk" "$size"
    mounted=$(lsblk -bnro NAME,FSTYPE,SIZE,MOUNTPOINT "/dev/$disk" 2>/dev/null | awk 'NF == 4 && $4 ~ "^/"')
    while read -r name kind bytes place; do
        [ -n "$name" ] || continue
        check_file_system "$name" "$kind" "$bytes" "$place"
    done <<MOUNTED
$mounted
MOUNTED
done <<DISKS
$disks
DISKS

echo
if [ "$todo" -eq 0 ]; then
    echo "Nothing to resize."
    exit 0
fi
echo "$todo to enlarge. Make a snapshot first."
exit 1
