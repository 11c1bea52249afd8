#!/bin/sh
# Exit status: 0 listed, 2 a parameter is wrong.
set -u
protocol='{{protocol}}'

case $protocol in
    all) flags=-tuln ;;
    tcp) flags=-tln ;;
    udp) flags=-uln ;;
    *) echo "protocol: all, tcp or udp." >&2; exit 2 ;;
esac

if command -v ss >/dev/null 2>&1; then
    ss "${flags}p" 2>/dev/null | awk '
        NR > 1 {
            state = $1 == "tcp" || $1 == "udp" ? $1 : ""
            address = state == "" ? $4 : $5
            program = $0 ~ /users:/ ? $0 : ""
            sub(/^.*users:\(\("/, "", program)
            sub(/".*pid=/, " ", program)
            sub(/,.*$/, "", program)
            printf "%-5s %-44s %s\n", state, address, program
        }' | sort -u
    exit 0
fi

# Without ss: the kernel's own table. State 0A listens; addresses are hexadecimal, turned around.
list() {
    [ -r "/proc/net/$1" ] || return 0
    awk -v wanted="$2" -v name="$1" '
        function value(text, i, sum) {
            for (i = 1; i <= length(text); i++) sum = sum * 16 + index("0123456789ABCDEF", substr(text, i, 1)) - 1
            return sum
        }
        NR > 1 && $4 == wanted {
            split($2, part, ":")
            address = "[all or one IPv6 address]"
            if (length(part[1]) == 8)
                address = value(substr(part[1], 7, 2)) "." value(substr(part[1], 5, 2)) "." value(substr(part[1], 3, 2)) "." value(substr(part[1], 1, 2))
            else if (part[1] ~ /^0+$/) address = "[::]"
            printf "%-5s %s:%d\n", name, address, value(part[2])
        }' "/proc/net/$1"
}
{
    case $protocol in all | tcp) list tcp 0A; list tcp6 0A ;; esac
    case $protocol in all | udp) list udp 07; list udp6 07 ;; esac
} | sort -u
echo
echo "ss is not installed: the programs are not known (package iproute2 or iproute)."
exit 0
