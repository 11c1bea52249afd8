#!/bin/sh
# Exit status: 0 nothing to improve, 1 something to improve, 3 there is no SSH server here.
set -u

sshd=$(command -v sshd || true)
[ -n "$sshd" ] || { [ -x /usr/sbin/sshd ] && sshd=/usr/sbin/sshd; }
if [ -z "$sshd" ] && [ ! -r /etc/ssh/sshd_config ]; then
    echo "No SSH server is installed."
    exit 3
fi

# The server's own view knows defaults and included files; without root there is only the file.
settings=
[ -z "$sshd" ] || settings=$("$sshd" -T 2>/dev/null)
if [ -n "$settings" ]; then
    echo "Settings in force (sshd -T):"
else
    echo "Settings as written in /etc/ssh (what is not written there is not judged; run it as root):"
    settings=$(cat /etc/ssh/sshd_config.d/*.conf /etc/ssh/sshd_config 2>/dev/null |
        awk '/^[[:space:]]*[Mm]atch[[:space:]]/ { exit } !/^[[:space:]]*(#|$)/ { $1 = tolower($1); print }')
fi

problems=0
value_of() { echo "$settings" | awk -v key="$1" '$1 == key { print tolower($2); exit }'; }

# judge KEY "good values" ADVICE
judge() {
    now=$(value_of "$1")
    [ -n "$now" ] || return 0
    case " $2 " in
        *" $now "*) printf '  ok       %-28s %s\n' "$1" "$now" ;;
        *)
            printf '  IMPROVE  %-28s %-10s %s\n' "$1" "$now" "$3"
            problems=$((problems + 1))
            ;;
    esac
}
judge permitrootlogin 'no prohibit-password without-password forced-commands-only' 'no, or prohibit-password'
judge passwordauthentication no 'no: keys only'
judge permitemptypasswords no no
judge x11forwarding no 'no, unless it is used'
judge hostbasedauthentication no no
judge ignorerhosts yes yes
judge permituserenvironment no no
judge strictmodes yes yes

tries=$(value_of maxauthtries)
if [ -n "$tries" ] && [ "$tries" -gt 6 ]; then
    printf '  IMPROVE  %-28s %-10s %s\n' maxauthtries "$tries" 'at most 6'
    problems=$((problems + 1))
fi
weak=$(echo "$settings" | awk '$1 == "ciphers" || $1 == "macs" || $1 == "kexalgorithms" { print $2 }' | tr ',' '\n' |
    grep -E '(3des|arcfour|cbc|md5|hmac-sha1($|-96)|group1-sha1)' | sort -u | tr '\n' ' ')
if [ -n "$weak" ]; then
    printf '  IMPROVE  weak algorithms: %s\n' "$weak"
    problems=$((problems + 1))
fi

for key in /etc/ssh/ssh_host_*_key; do
    [ -e "$key" ] || continue
    mode=$(stat -c %a "$key" 2>/dev/null)
    case $mode in
        600 | 640 | 400) ;;
        *)
            printf '  IMPROVE  %s has the mode %s\n' "$key" "$mode"
            problems=$((problems + 1))
            ;;
    esac
done

printf '\n%d to improve.\n' "$problems"
[ "$problems" -eq 0 ] || exit 1
