#!/bin/sh
# Exit status: 0 shown, 1 no line or no such file, 2 a parameter is wrong.
set -u
path='{{path}}'
text='{{text}}'
lines='{{lines}}'

case $lines in '' | *[!0-9]*) echo "lines: give a whole number." >&2; exit 2 ;; esac
if [ ! -f "$path" ]; then
    echo "There is no file $path." >&2
    exit 1
fi
if [ ! -r "$path" ]; then
    echo "$(id -un) may not read $path." >&2
    exit 1
fi

case $path in
    *.gz) show() { gzip -dc -- "$path"; } ;;
    *.xz) show() { xz -dc -- "$path"; } ;;
    *) show() { cat -- "$path"; } ;;
esac
if [ -z "$text" ]; then
    show | tail -n "$lines"
    exit 0
fi
found=$(show | grep -aF -e "$text" | tail -n "$lines")
if [ -z "$found" ]; then
    echo "No line of $path holds $text."
    exit 1
fi
printf '%s\n' "$found"
