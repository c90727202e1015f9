#!/bin/sh
# Installs Cabochon for the person who runs this: without root, and nothing outside the home folder.
set -u

fail() {
    printf '%s\n' "$1" >&2
    rm -rf "${new:-}"
    exit 1
}

id=org.cabochon.Cabochon
here=$(cd "$(dirname "$0")" && pwd) || exit 1
[ -d "${HOME:-}" ] || fail "There is no home folder to install Cabochon in."
local=$HOME/.local
share=${XDG_DATA_HOME:-$local/share}
place=$local/lib/cabochon
mkdir -p "$local/lib" "$local/bin" "$share/applications" 2>/dev/null ||
    fail "Nothing was installed, because $local cannot be written to."

new=$place.new
rm -rf "$new"
reason=$(LC_ALL=C cp -R "$here/cabochon" "$new" 2>&1) || case $reason in
    *"No space left"*) fail "Nothing was installed, because the disk of $local is full." ;;
    *) fail "Nothing was installed, because $local/lib cannot be written to." ;;
esac
"$new/cabochon" --version >/dev/null 2>&1
case $? in
    0) ;;
    126) fail "Nothing was installed, because programs on the disk of $local may not be started (noexec)." ;;
    *) fail "Nothing was installed, because this system is too old: Cabochon needs glibc 2.35 (Debian 12, Ubuntu 22.04)." ;;
esac

# A window that is open goes on: what it has loaded stays with it, and what it loads later is from the new version.
rm -rf "$place.old"
[ ! -e "$place" ] || mv "$place" "$place.old" || fail "Nothing was installed, because $place cannot be replaced."
mv "$new" "$place" || fail "$place cannot be written to."
rm -rf "$place.old"
cp "$here/uninstall.sh" "$place/uninstall.sh"

(cd "$here/share" && find . -type d) | while read -r folder; do mkdir -p "$share/$folder"; done
(cd "$here/share" && find . -type f) | while read -r file; do cp "$here/share/$file" "$share/$file"; done
# The menu's own quoting: a backslash is written as four, a quote, backquote or dollar sign with two before it.
quoted=$(printf '%s' "$place/cabochon" | sed -e 's/\\/\\\\\\\\/g' -e 's/["`$]/\\\\&/g' -e 's/%/%%/g')
{
    grep -v '^Exec=' "$here/share/applications/$id.desktop"
    printf 'Exec="%s" %%F\n' "$quoted"
} >"$share/applications/$id.desktop"
[ -e "$local/bin/cabochon" ] && [ ! -L "$local/bin/cabochon" ] || ln -sf "$place/cabochon" "$local/bin/cabochon"
command -v update-mime-database >/dev/null && update-mime-database "$share/mime" >/dev/null 2>&1
command -v update-desktop-database >/dev/null && update-desktop-database -q "$share/applications"

printf 'Cabochon is installed in %s.\n' "$place"
missing=$("$place/cabochon" doctor --try-window 2>&1) || {
    printf '%s Until this line has been run by an administrator, it works in the terminal alone:\n' "$missing"
    printf '  apt-get install --no-install-recommends @DEPENDS@\n'
}
case ":$PATH:" in
    *":$local/bin:"*) printf 'Start it from the menu, or as cabochon.\n' ;;
    *) printf 'Start it from the menu, or as %s.\n' "$local/bin/cabochon" ;;
esac
printf 'To remove it: sh %s/uninstall.sh\n' "$place"
