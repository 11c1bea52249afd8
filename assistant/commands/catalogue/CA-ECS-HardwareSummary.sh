#!/bin/sh
# Exit status: 0 shown.
set -u

field() { printf '%-10s %s\n' "$1" "$2"; }
dmi() { cat "/sys/class/dmi/id/$1" 2>/dev/null; }

machine=$(echo "$(dmi sys_vendor) $(dmi product_name)" | sed 's/^ *//; s/ *$//')
field Machine "${machine:-unknown}"
virtual=$(systemd-detect-virt 2>/dev/null)
[ -z "$virtual" ] || field Kind "$virtual"
field System "$(sed -n 's/^PRETTY_NAME=//p' /etc/os-release 2>/dev/null | tr -d '"'), $(uname -m)"
model=$(awk -F ': *' '/^model name|^Model|^Hardware/ { print $2; exit }' /proc/cpuinfo)
field CPU "$(grep -c '^processor' /proc/cpuinfo) x ${model:-unknown}"
field Memory "$(awk '/^MemTotal:/ { printf "%.1f GiB", $2 / 1048576 }' /proc/meminfo)"

echo
echo "Disks:"
found=0
for disk in /sys/block/*; do
    name=${disk##*/}
    case $name in loop* | ram* | zram* | dm-* | sr* | fd* | md*) continue ;; esac
    sectors=$(cat "$disk/size" 2>/dev/null || echo 0)
    [ "$sectors" -gt 0 ] || continue
    found=1
    if [ "$(cat "$disk/queue/rotational" 2>/dev/null)" = 1 ]; then kind=rotating; else kind='solid state'; fi
    printf '  %-10s %8d GiB  %s  %s\n' "$name" $((sectors / 2097152)) "$kind" "$(cat "$disk/device/model" 2>/dev/null)"
done
[ "$found" -eq 1 ] || echo "  none to see"

echo
echo "Network:"
for card in /sys/class/net/*; do
    name=${card##*/}
    [ "$name" != lo ] && [ -e "$card/address" ] || continue
    speed=$(grep -E '^[1-9]' "$card/speed" 2>/dev/null)
    addresses=$(ip -o addr show dev "$name" 2>/dev/null | awk '{ printf "%s ", $4 }')
    printf '  %-10s %-8s %s %s %s\n' "$name" "$(cat "$card/operstate" 2>/dev/null)" "$(cat "$card/address")" "${speed:+$speed Mbit/s}" "$addresses"
done
exit 0
