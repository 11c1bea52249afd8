#!/bin/sh
# Exit status: 0 as it should be, 1 something of /etc/fstab is not mounted or is read-only.
set -u
problems=0
real='^(ext[234]|xfs|btrfs|vfat|zfs|f2fs|jfs|nfs4?|cifs|ceph|glusterfs|fuse\..*|overlay)$'

echo "Mounted:"
awk -v real="$real" '$3 ~ real { printf "  %-24s %-8s %s  (%s)\n", $2, $3, $1, substr($4, 1, 60) }' /proc/mounts | sort

echo
echo "In /etc/fstab:"
rows=$(awk '$1 !~ /^#/ && NF >= 4 && $2 ~ "^/" && $3 != "swap" { print $2, $4 }' /etc/fstab 2>/dev/null)
if [ -z "$rows" ]; then
    echo "  nothing"
fi
while read -r place options; do
    [ -n "$place" ] || continue
    now=$(awk -v place="$place" '$2 == place { options = $4 } END { print options }' /proc/mounts)
    case ",$options," in *,noauto,* | *,x-systemd.automount,*) automatic=no ;; *) automatic=yes ;; esac
    if [ -z "$now" ] && [ "$automatic" = yes ]; then
        echo "  NOT MOUNTED  $place"
        problems=$((problems + 1))
        continue
    fi
    case ",$options,:,$now," in
        *,ro,*:*) echo "  ok           $place (read-only on purpose)" ;;
        *:*,ro,*)
            echo "  READ-ONLY    $place"
            problems=$((problems + 1))
            ;;
        *) echo "  ok           $place" ;;
    esac
done <<ROWS
$rows
ROWS

[ "$problems" -eq 0 ] || exit 1
