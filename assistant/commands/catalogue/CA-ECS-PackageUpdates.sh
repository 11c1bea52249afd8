#!/bin/sh
# Exit status: 0 up to date or updated, 1 updates wait or failed, 2 a parameter is wrong, 3 not possible here.
set -u
apply='{{apply}}'

case $apply in yes | no) ;; *) echo "apply: yes or no." >&2; exit 2 ;; esac
manager=
for one in apt-get dnf yum zypper; do
    if command -v "$one" >/dev/null 2>&1; then
        manager=$one
        break
    fi
done
if [ -z "$manager" ]; then
    echo "Neither apt, dnf, yum nor zypper is installed." >&2
    exit 3
fi
if [ "$apply" = yes ] && [ "$(id -u)" -ne 0 ]; then
    echo "Updating needs root." >&2
    exit 3
fi

# What is known of newer versions may be old: only root may fetch it anew.
case $manager in
    apt-get)
        export DEBIAN_FRONTEND=noninteractive
        [ "$apply" = no ] || apt-get update -qq || exit 1
        waiting=$(apt-get -s -o Debug::NoLocking=1 dist-upgrade 2>/dev/null | awk '
            /^Inst / {
                old = $3 ~ /^\[/ ? $3 : "[new]"
                new = $3 ~ /^\[/ ? $4 : $3
                gsub(/[][()]/, "", old)
                gsub(/[()]/, "", new)
                print $2, old, "->", new
            }')
        ;;
    dnf | yum)
        waiting=$("$manager" -q check-update 2>/dev/null | awk 'NF == 3 && $1 ~ /\./ { print $1, $2 } /^Obsoleting/ { exit }')
        ;;
    zypper)
        waiting=$(zypper --non-interactive --quiet list-updates 2>/dev/null | awk -F '|' '/^v/ { gsub(/ +/, " "); print $3, $4, ">", $5 }')
        ;;
esac

if [ -z "$waiting" ]; then
    echo "No update is known."
    exit 0
fi
echo "$waiting"
echo
echo "$(echo "$waiting" | wc -l | tr -d ' ') updates."
if [ "$apply" = no ]; then
    echo "Dry run: nothing was installed. Set apply to yes to install them."
    exit 1
fi

case $manager in
    apt-get) apt-get -y -q -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold dist-upgrade ;;
    dnf | yum) "$manager" -y -q upgrade ;;
    zypper) zypper --non-interactive update --auto-agree-with-licenses ;;
esac || exit 1
echo "Updated."
[ ! -e /run/reboot-required ] || echo "A restart is needed."
