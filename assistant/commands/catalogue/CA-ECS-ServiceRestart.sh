#!/bin/sh
# Exit status: 0 it runs (again), 1 it does not or is not known, 2 a parameter is wrong, 3 not possible here.
set -u
name='{{name}}'
apply='{{apply}}'

case $name in '' | -*) echo "name: give the name of a service." >&2; exit 2 ;; esac

if [ -d /run/systemd/system ] && command -v systemctl >/dev/null 2>&1; then
    loaded=$(systemctl show -p LoadState --value "$name" 2>/dev/null)
    if [ "$loaded" != loaded ]; then
        echo "There is no service $name that could be restarted (${loaded:-unknown})."
        exit 1
    fi
    echo "Before: $(systemctl is-active "$name" 2>/dev/null)"
    if [ "$apply" != yes ]; then
        echo "Dry run: systemctl restart $name"
        exit 0
    fi
    systemctl restart "$name" || exit 1
    tries=0
    while [ "$tries" -lt 30 ]; do
        state=$(systemctl is-active "$name" 2>/dev/null)
        case $state in
            active)
                echo "After: active, process $(systemctl show -p MainPID --value "$name")"
                exit 0
                ;;
            failed) break ;;
        esac
        tries=$((tries + 1))
        sleep 1
    done
    echo "After: $state"
    journalctl -u "$name" -n 20 --no-pager -q 2>/dev/null
    exit 1
fi
if [ -x "/etc/init.d/$name" ]; then
    if [ "$apply" != yes ]; then
        echo "Dry run: /etc/init.d/$name restart"
        exit 0
    fi
    "/etc/init.d/$name" restart || exit 1
    exit 0
fi
if [ -d /etc/init.d ]; then
    echo "There is no service $name in /etc/init.d, and systemd does not run here."
    exit 1
fi
echo "Neither systemd nor /etc/init.d is here." >&2
exit 3
