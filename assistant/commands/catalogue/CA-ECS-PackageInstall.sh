#!/bin/sh
# Exit status: 0 all there (or a dry run), 1 failed, 2 a parameter is wrong, 3 not possible here.
set -u
packages='{{packages}}'
apply='{{apply}}'

case $packages in
    *[!A-Za-z0-9\ +._:-]* | '' | -* | *' -'* | *- | *'- '*)
        # A minus at the end of a name would take a package away.
        echo "packages: give names, with blanks between them." >&2
        exit 2
        ;;
esac

if command -v dpkg-query >/dev/null 2>&1; then
    is_there() { dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed'; }
elif command -v rpm >/dev/null 2>&1; then
    is_there() { rpm -q --whatprovides "$1" >/dev/null 2>&1; }
else
    echo "Neither dpkg nor rpm is installed." >&2
    exit 3
fi

missing=
for name in $packages; do
    if is_there "$name"; then
        echo "there    $name"
    else
        echo "missing  $name"
        missing="$missing $name"
    fi
done
[ -n "$missing" ] || exit 0

if [ "$apply" != yes ]; then
    echo "Dry run: nothing was installed. Set apply to yes to install them."
    exit 0
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "Installing needs root." >&2
    exit 3
fi

# shellcheck disable=SC2086 # names of packages, one word each
if command -v apt-get >/dev/null 2>&1; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -q $missing
elif command -v dnf >/dev/null 2>&1; then
    dnf install -y -q $missing
elif command -v yum >/dev/null 2>&1; then
    yum install -y -q $missing
elif command -v zypper >/dev/null 2>&1; then
    zypper --non-interactive install $missing
else
    echo "Neither apt, dnf, yum nor zypper is installed." >&2
    exit 3
fi || exit 1
for name in $missing; do
    is_there "$name" || { echo "$name is still missing."; exit 1; }
done
echo "Installed."
