#!/bin/sh
# Exit status: 0 none wait or all installed, 1 some wait or failed, 2 a parameter is wrong, 3 not possible here.
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

case $manager in
    apt-get)
        export DEBIAN_FRONTEND=noninteractive
        [ "$apply" = no ] || apt-get update -qq || exit 1
        # The line says from which archive a version comes: security archives have it in their name.
        waiting=$(apt-get -s -o Debug::NoLocking=1 dist-upgrade 2>/dev/null | awk '/^Inst / && /[Ss]ecurity/ { print $2 }' | sort -u)
        ;;
    dnf | yum)
        waiting=$("$manager" -q updateinfo list --security 2>/dev/null | awk 'NF >= 3 { print $NF, $1 }' | sort -u)
        ;;
    zypper)
        waiting=$(zypper --non-interactive --quiet list-patches --category security 2>/dev/null | awk -F '|' '/needed/ { gsub(/ +/, " "); print $2 }' | sort -u)
        ;;
esac

if [ -z "$waiting" ]; then
    echo "No security update is known."
    exit 0
fi
echo "$waiting"
echo
echo "$(echo "$waiting" | wc -l | tr -d ' ') security updates."
if [ "$apply" = no ]; then
    echo "Dry run: nothing was installed. Set apply to yes to install them."
    exit 1
fi

case $manager in
    apt-get)
        # shellcheck disable=SC2086 # names of packages, one word each
        apt-get -y -q -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold install --only-upgrade $waiting
        ;;
    dnf | yum) "$manager" -y -q upgrade --security ;;
    zypper) zypper --non-interactive patch --category security --auto-agree-with-licenses ;;
esac || exit 1
echo "Installed."
[ ! -e /run/reboot-required ] || echo "A restart is needed."
