#!/bin/sh
# Exit status: 0 all valid long enough, 1 one ends too early or cannot be read, 2 a parameter is wrong, 3 not possible here.
set -u
target='{{target}}'
days='{{days}}'

case $days in '' | *[!0-9]*) echo "days: give a whole number." >&2; exit 2 ;; esac
case $target in '' | -*) echo "target: give a file, a directory or host:port." >&2; exit 2 ;; esac
if ! command -v openssl >/dev/null 2>&1; then
    echo "openssl is not installed." >&2
    exit 3
fi

work=$(mktemp -d) || exit 3
trap 'rm -rf "$work"' EXIT
problems=0
checked=0

# One certificate, as the file $1 holds it; $2 is what to call it.
check() {
    checked=$((checked + 1))
    said=$(openssl x509 -noout -enddate -subject -nameopt RFC2253 -checkend $((days * 86400)) -in "$1" 2>/dev/null)
    state=$?
    end=$(echo "$said" | sed -n 's/^notAfter=//p')
    subject=$(echo "$said" | sed -n 's/^subject= *//p')
    if [ -z "$end" ]; then
        echo "UNREADABLE  $2"
        problems=$((problems + 1))
        return
    fi
    mark=ok
    if [ "$state" -ne 0 ]; then
        mark=SOON
        openssl x509 -noout -checkend 0 -in "$1" >/dev/null 2>&1 || mark=EXPIRED
    fi
    [ "$mark" = ok ] || problems=$((problems + 1))
    # Of a long list only what needs attention is told.
    if [ "$mark" != ok ] || [ "$checked" -le 10 ]; then
        printf '%-10s  until %s  %s\n' "$mark" "$end" "$subject"
    fi
}

check_file() {
    rm -f "$work"/part.*
    awk -v base="$work/part." '
        /-----BEGIN (TRUSTED )?CERTIFICATE-----/ { number++; file = sprintf("%s%05d", base, number) }
        file { print > file }
        /-----END (TRUSTED )?CERTIFICATE-----/ { close(file); file = "" }' "$1"
    for part in "$work"/part.*; do
        [ -e "$part" ] || continue
        check "$part" "$1"
    done
}

if [ -d "$target" ]; then
    for file in "$target"/*.pem "$target"/*.crt "$target"/*.cer; do
        [ -f "$file" ] && check_file "$file"
    done
elif [ -f "$target" ]; then
    check_file "$target"
else
    case $target in
        *:*[!0-9]* | *:) echo "target: there is no file $target, and it is no host:port." >&2; exit 2 ;;
        *:*) ;;
        *) echo "There is no file $target." >&2; exit 1 ;;
    esac
    host=${target%:*}
    if ! timeout 15 openssl s_client -connect "$target" -servername "$host" </dev/null >"$work/said" 2>/dev/null &&
        [ ! -s "$work/said" ]; then
        echo "$target does not answer." >&2
        exit 1
    fi
    check_file "$work/said"
fi

if [ "$checked" -eq 0 ]; then
    echo "No certificate was found in $target." >&2
    exit 1
fi
printf '\n%d checked, %d need attention.\n' "$checked" "$problems"
[ "$problems" -eq 0 ] || exit 1
