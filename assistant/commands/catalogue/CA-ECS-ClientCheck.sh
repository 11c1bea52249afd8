#!/bin/sh
# Exit status: 0 a client runs (in the expected version), 1 it does not or is another version, 3 none was found.
set -u
expected='{{expected}}'
found=0
running=0
problems=0

check_version() {
    echo "  version  ${1:-unknown}"
    [ -n "$expected" ] && [ "$1" != "$expected" ] || return 0
    echo "  OTHER    version $expected is expected"
    problems=$((problems + 1))
}
number_in() { grep -oE '[0-9]+(\.[0-9]+)+' | head -n 1; }

for program in /opt/cloud-assistant/agent.pyz "${HOME:-/root}/.local/share/cloud-assistant/agent.pyz"; do
    [ -r "$program" ] || continue
    found=$((found + 1))
    echo "installed  $program"
    check_version "$(python3 "$program" --version 2>/dev/null | number_in)"
done
if command -v aliyun-service >/dev/null 2>&1; then
    found=$((found + 1))
    echo "installed  aliyun-service"
    check_version "$(aliyun-service -v 2>/dev/null | number_in)"
    for updater in /usr/local/share/aliyun-assist/*/aliyun_assist_update; do
        [ -e "$updater" ] && [ ! -x "$updater" ] && echo "  upgrades are switched off ($updater)"
    done
fi

# Words of a command line are kept apart by NUL.
for file in $(grep -laE -e 'aliyun-service|--run.--state-dir' /proc/[0-9]*/cmdline 2>/dev/null); do
    process=${file#/proc/}
    process=${process%/cmdline}
    # It may have ended meanwhile.
    line=$({ tr '\0' ' ' <"$file"; } 2>/dev/null)
    case $line in
        grep\ * | '') continue ;;
        *--state-dir*)
            line=${line##*--state-dir }
            line="client in ${line%% *}"
            ;;
        *) line=aliyun-service ;;
    esac
    echo "runs       process $process, $line"
    running=$((running + 1))
done

if [ "$found" -eq 0 ] && [ "$running" -eq 0 ]; then
    echo "No client was found. If this command came from one, it lies elsewhere."
    exit 3
fi
if [ "$running" -eq 0 ]; then
    echo "No client runs."
    problems=$((problems + 1))
fi
if [ -d /run/systemd/system ] && command -v journalctl >/dev/null 2>&1; then
    echo
    journalctl -q --no-pager -n 10 -u cloud-assistant -u aliyun 2>/dev/null
fi
[ "$problems" -eq 0 ] || exit 1
