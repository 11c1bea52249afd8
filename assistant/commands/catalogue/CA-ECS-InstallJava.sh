#!/bin/sh
# Exit status: 0 there or installed (or a dry run), 1 failed, 2 a parameter is wrong, 3 not possible here.
set -u
version='{{version}}'
apply='{{apply}}'

case $apply in yes | no) ;; *) echo "apply: yes or no." >&2; exit 2 ;; esac

if command -v java >/dev/null 2>&1; then
    echo "There already: $(command -v java)"
    java -version 2>&1 | head -n 1
    exit 0
fi

if command -v apt-get >/dev/null 2>&1; then
    packages="openjdk-$version-jre-headless"
elif command -v dnf >/dev/null 2>&1 || command -v yum >/dev/null 2>&1; then
    packages="java-$([ "$version" = 8 ] && echo 1.8.0 || echo "$version")-openjdk-headless"
elif command -v zypper >/dev/null 2>&1; then
    packages="java-$([ "$version" = 8 ] && echo 1_8_0 || echo "$version")-openjdk-headless"
else
    echo "Neither apt, dnf, yum nor zypper is installed." >&2
    exit 3
fi
echo "Not there yet. Packages: $packages"
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
    apt-get install -y -q --no-install-recommends $packages
elif command -v dnf >/dev/null 2>&1; then
    dnf install -y -q $packages
elif command -v yum >/dev/null 2>&1; then
    yum install -y -q $packages
else
    zypper --non-interactive install $packages
fi || exit 1
if ! command -v java >/dev/null 2>&1; then
    echo "The packages are installed, and there is still no java." >&2
    exit 1
fi
echo "Installed: $(java -version 2>&1 | head -n 1)"
