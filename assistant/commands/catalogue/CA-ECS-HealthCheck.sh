#!/bin/sh
# Exit status: 0 healthy, 1 something needs attention, 2 a parameter is wrong.
set -u
disk='{{disk}}'
memory='{{memory}}'

for value in "$disk" "$memory"; do
    case $value in '' | *[!0-9]*) echo "disk, memory: give whole numbers of per cent." >&2; exit 2 ;; esac
done

problems=0
good() { printf 'ok         %s\n' "$1"; }
bad() {
    printf 'ATTENTION  %s\n' "$1"
    problems=$((problems + 1))
}
skipped() { printf 'skipped    %s\n' "$1"; }

above() {
    df "$1" 2>/dev/null | awk -v limit="$2" '
        NR > 1 && $2 > 0 && $1 !~ /^(tmpfs|devtmpfs|udev|none|shm|\/dev\/loop)/ {
            used = $5
            sub("%", "", used)
            if (used + 0 > limit + 0) printf "%s %s ", $6, $5
        }'
}

printf '%s, %s, up %s hours\n\n' "$(uname -n)" "$(uname -sr)" "$(awk '{ print int($1 / 3600) }' /proc/uptime)"

full=$(above -kP "$disk")
if [ -z "$full" ]; then good "disks: all below $disk%"; else bad "disks: $full"; fi

full=$(above -iP "$disk")
if [ -z "$full" ]; then good "inodes: all below $disk%"; else bad "inodes: $full"; fi

used=$(awk '/^MemTotal:/ { total = $2 } /^MemAvailable:/ { free = $2 } END { print int((total - free) * 100 / total) }' /proc/meminfo)
if [ "$used" -le "$memory" ]; then good "memory: $used% in use"; else bad "memory: $used% in use"; fi

cpus=$(grep -c '^processor' /proc/cpuinfo)
load=$(cut -d ' ' -f 2 /proc/loadavg)
if awk -v load="$load" -v cpus="${cpus:-1}" 'BEGIN { exit load > 2 * cpus ? 1 : 0 }'; then
    good "load: $load on $cpus CPUs"
else
    bad "load: $load on $cpus CPUs"
fi

readonly_places=$(awk '$3 ~ /^(ext[234]|xfs|btrfs)$/ && $4 ~ /^ro(,|$)/ && $1 !~ /loop/ { print $2 }' /proc/mounts | tr '\n' ' ')
if [ -z "$readonly_places" ]; then good "file systems: all writable"; else bad "read-only: $readonly_places"; fi

if [ -d /run/systemd/system ] && command -v systemctl >/dev/null 2>&1; then
    failed=$(systemctl list-units --failed --plain --no-legend --no-pager 2>/dev/null | awk '{ print $1 }' | tr '\n' ' ')
    if [ -z "$failed" ]; then good "services: none has failed"; else bad "services: $failed"; fi
    synced=$(timedatectl show -p NTPSynchronized --value 2>/dev/null)
    case $synced in
        yes) good "clock: synchronised" ;;
        no) bad "clock: not synchronised" ;;
        *) skipped "clock: unknown" ;;
    esac
else
    skipped "services and clock: systemd does not run here"
fi

if [ -e /run/reboot-required ] || [ -e /var/run/reboot-required ]; then
    bad "a restart is needed"
else
    good "restart: none asked for"
fi

zombies=$(cat /proc/[0-9]*/stat 2>/dev/null | sed 's/^.*) //' | grep -c '^Z')
if [ "$zombies" -lt 20 ]; then good "processes: $zombies zombies"; else bad "processes: $zombies zombies"; fi

echo
if [ "$problems" -eq 0 ]; then
    echo "Healthy."
    exit 0
fi
echo "$problems need attention."
exit 1
