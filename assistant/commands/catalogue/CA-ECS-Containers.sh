#!/bin/sh
# Exit status: 0 all are well, 1 some need attention, 3 no docker or podman here, or it does not answer.
set -u
engine=
for name in docker podman; do
    if command -v "$name" >/dev/null 2>&1; then
        engine=$name
        break
    fi
done
if [ -z "$engine" ]; then
    echo "Neither docker nor podman is installed." >&2
    exit 3
fi

# Two braces beside each other would be taken for a parameter.
open='{''{'
if ! list=$("$engine" ps --all --format "$open.Names}}|$open.Image}}|$open.Status}}" 2>/dev/null); then
    echo "$engine does not answer, or this account may not ask it." >&2
    exit 3
fi

echo "$list" | awk -F '|' '
    $1 == "" { next }
    {
        code = ""
        if ($3 ~ /^Exited \(/) {
            code = $3
            sub(/^Exited \(/, "", code)
            sub(/\).*$/, "", code)
        }
        # 130 and 143 are those that somebody has stopped.
        failed = code != "" && code != "0" && code != "130" && code != "143"
        bad = failed || $3 ~ /^(Restarting|Dead|Stopping)/ || $3 ~ /\(unhealthy\)/
        printf "%-10s %-32s %-40s %s\n", bad ? "ATTENTION" : "ok", $1, $2, $3
        number += 1
        problems += bad
    }
    END {
        if (number == 0) print "No containers."
        else printf "\n%d containers, %d need attention.\n", number, problems
        exit (problems > 0)
    }'
