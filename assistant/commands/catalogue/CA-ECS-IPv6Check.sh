#!/bin/sh
# Exit status: 0 IPv6 works as far as asked, 1 it does not.
set -u
host='{{host}}'

if [ ! -e /proc/net/if_inet6 ]; then
    echo "The kernel runs without IPv6."
    exit 1
fi
off=$(cat /proc/sys/net/ipv6/conf/all/disable_ipv6 2>/dev/null || echo 0)
if [ "$off" = 1 ]; then
    echo "IPv6 is switched off (net.ipv6.conf.all.disable_ipv6 = 1)."
    exit 1
fi
echo "IPv6 is switched on."

echo
echo "Addresses:"
awk '
    {
        address = $1
        gsub(/..../, "&:", address)
        sub(/:$/, "", address)
        kind = $4 == "00" ? "global" : $4 == "20" ? "link" : $4 == "10" ? "host" : "other"
        if (kind == "global") global++
        printf "  %-8s %-10s %s\n", kind, $6, address
    }
    END { exit global ? 0 : 1 }' /proc/net/if_inet6
global=$?

echo
if awk '$1 ~ /^0+$/ && $2 == "00" && $10 != "lo" { found = 1 } END { exit found ? 0 : 1 }' /proc/net/ipv6_route 2>/dev/null; then
    echo "There is a default route."
    route=0
else
    echo "There is no default route."
    route=1
fi

if [ -z "$host" ]; then
    [ "$global" -eq 0 ] && [ "$route" -eq 0 ] || echo "Only the own network can be reached over IPv6."
    exit 0
fi
found=$(getent ahostsv6 "$host" 2>/dev/null | awk '$1 !~ /^::ffff:/ { print $1 }' | sort -u | tr '\n' ' ')
if [ -z "$found" ]; then
    echo "$host has no IPv6 address."
    exit 1
fi
echo "$host is $found"
if command -v ping >/dev/null 2>&1 && ping -6 -c 2 -W 2 "$host" >/dev/null 2>&1; then
    echo "$host answers."
    exit 0
fi
echo "$host does not answer a ping over IPv6."
exit 1
