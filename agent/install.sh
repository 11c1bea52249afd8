#!/bin/sh
# Installs, registers and starts the Cloud Assistant agent. The activation code comes on standard
# input, never in an argument. As root the agent serves the whole machine; as another user it is
# installed for, and runs commands as, that user.

set -eu
umask 022

usage() {
    cat <<'END'
Usage: printf '%s\n' CODE | sh install.sh --server HOST:PORT --activation-id ID --region REGION --ca FILE
           [--name NAME] [--state-dir DIR] [--program FILE] [--machine-id ID] [--no-service]
END
}

fail() {
    printf '%s\n' "$1" >&2
    exit "${2:-1}"
}

need_value() {
    [ "$1" -ge 2 ] || fail "The option $2 needs a value." 2
}

server='' activation_id='' region='' ca='' name='' state='' target='' machine_id='' service=yes
while [ $# -gt 0 ]; do
    case $1 in
        --server) need_value $# "$1"; server=$2; shift ;;
        --activation-id) need_value $# "$1"; activation_id=$2; shift ;;
        --region) need_value $# "$1"; region=$2; shift ;;
        --ca) need_value $# "$1"; ca=$2; shift ;;
        --name) need_value $# "$1"; name=$2; shift ;;
        --state-dir) need_value $# "$1"; state=$2; shift ;;
        --program) need_value $# "$1"; target=$2; shift ;;
        --machine-id) need_value $# "$1"; machine_id=$2; shift ;;
        --no-service) service=no ;;
        --help) usage; exit 0 ;;
        *) usage >&2; fail "The option $1 is not known." 2 ;;
    esac
    shift
done
for value in "$server" "$activation_id" "$region" "$ca"; do
    [ -n "$value" ] || { usage >&2; fail 'The options --server, --activation-id, --region and --ca are needed.' 2; }
done
[ -r "$ca" ] || fail "The certificate file $ca cannot be read." 2

find_python() {
    for candidate in python3 python3.13 python3.12 python3.11 python3.10 python3.9 /usr/libexec/platform-python; do
        if "$candidate" -c 'import sys, ssl; sys.exit(sys.version_info < (3, 9))' 2>/dev/null; then
            command -v "$candidate"
            return 0
        fi
    done
    return 1
}

python=$(find_python) || fail 'The agent needs Python 3.9 or newer (python3 with its ssl module); please install it first.'

# Fetch $1 into the file $2, trusting nobody but the console's own authority. It runs in a shell of its
# own: the agent's proxy variable becomes the one that download programs know only in there.
fetch() (
    case ${ALIYUN_ASSIST_PROXY:-} in
        '') ;;
        *://*) export https_proxy="$ALIYUN_ASSIST_PROXY" ;;
        *) export https_proxy="http://$ALIYUN_ASSIST_PROXY" ;;
    esac
    if command -v curl >/dev/null 2>&1; then
        curl -gfsS --connect-timeout 15 -m 120 --cacert "$ca" -o "$2" "$1"
    elif command -v wget >/dev/null 2>&1; then
        wget -q -T 30 -t 1 --ca-certificate="$ca" -O "$2" "$1"
    else
        "$python" - "$1" "$2" "$ca" <<'END'
import shutil, ssl, sys, urllib.request
address, target, authority = sys.argv[1:]
context = ssl.create_default_context(cafile=authority)
with urllib.request.urlopen(address, context=context, timeout=60) as answer, open(target, "wb") as stream:
    shutil.copyfileobj(answer, stream)
END
    fi
)

if [ "$(id -u)" = 0 ]; then
    state=${state:-/var/lib/cloud-assistant}
    target=${target:-/opt/cloud-assistant/agent.pyz}
else
    state=${state:-$HOME/.local/share/cloud-assistant}
    target=${target:-$state/agent.pyz}
fi
mkdir -p "$(dirname "$target")" || fail "The directory of $target cannot be made."
[ -d "$state" ] || { mkdir -p "$state" && chmod 700 "$state"; } || fail "The directory $state cannot be made."

draft=$target.$$.new
trap 'rm -f "$draft"' EXIT
endpoint=https://$server/agent/agent.pyz
fetch "$endpoint" "$draft" || fail "The endpoint $endpoint did not answer; check name, port, firewall and proxy. Nothing was registered." 5
"$python" "$draft" --version >/dev/null || fail "What $endpoint sent is not an agent that runs here." 5
chmod 755 "$draft"
mv -f "$draft" "$target"

# Standard input, with the activation code, goes on to the agent.
set -- --register --server "$server" --region "$region" --activation-id "$activation_id" --ca "$ca" --state-dir "$state"
[ -z "$name" ] || set -- "$@" --instance-name "$name"
[ -z "$machine_id" ] || set -- "$@" --machine-id "$machine_id"
"$python" "$target" "$@" || exit $?
printf '%s\n' 'Process completed.'

if [ "$service" = yes ]; then
    "$python" "$target" --install-service --state-dir "$state" </dev/null >/dev/null || exit $?
fi
printf '%s\n' 'Process completed.'
[ "$service" = no ] || printf '%s\n' 'restart service'
