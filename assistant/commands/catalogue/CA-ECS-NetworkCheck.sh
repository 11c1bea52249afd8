#!/bin/sh
# Exit status: 0 reachable, 1 not reachable, 2 a parameter is wrong.
set -u
host='{{host}}'
port='{{port}}'

case $host in '' | -*) echo "host: give a name or an address." >&2; exit 2 ;; esac
case $port in *[!0-9]*) echo "port: give a number, or nothing." >&2; exit 2 ;; esac
problems=0

addresses=$(getent ahosts "$host" 2>/dev/null | awk '{ print $1 }' | sort -u | tr '\n' ' ')
if [ -z "$addresses" ]; then
    echo "name   NOT KNOWN  $host; nameservers: $(awk '/^nameserver/ { printf "%s ", $2 }' /etc/resolv.conf 2>/dev/null)"
    exit 1
fi
echo "name   ok         $host is $addresses"

if command -v ping >/dev/null 2>&1; then
    if answer=$(ping -c 3 -W 2 "$host" 2>&1); then
        echo "ping   ok         $(echo "$answer" | awk -F = '/min\/avg/ { print $2 }')"
    else
        # Many networks let no ping through: this alone is no failure where a port was asked for.
        echo "ping   NO ANSWER  $host"
        [ -n "$port" ] || problems=1
    fi
else
    echo "ping   skipped    ping is not installed"
fi

connects() {
    if command -v bash >/dev/null 2>&1; then
        timeout 5 bash -c 'exec 3<>"/dev/tcp/$1/$2"' _ "$host" "$port" 2>/dev/null
    elif command -v nc >/dev/null 2>&1; then
        timeout 5 nc -z "$host" "$port" 2>/dev/null
    else
        timeout 5 python3 -c 'import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 5)' "$host" "$port" 2>/dev/null
    fi
}
if [ -n "$port" ]; then
    if connects; then
        echo "tcp    ok         port $port takes connections"
    else
        echo "tcp    REFUSED    port $port: no connection within 5 seconds"
        problems=1
    fi
fi

route=$(ip route get "$(echo "$addresses" | cut -d ' ' -f 1)" 2>/dev/null | head -n 1)
[ -z "$route" ] || echo "route             $route"
exit "$problems"
