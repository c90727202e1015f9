#!/bin/sh
# Removes Cabochon from the home folder. What the person wrote and fetched stays.
set -u

id=org.cabochon.Cabochon
local=$HOME/.local
share=${XDG_DATA_HOME:-$local/share}
rm -rf "$local/lib/cabochon" "$local/lib/cabochon.new" "$local/lib/cabochon.old"
[ ! -L "$local/bin/cabochon" ] || rm -f "$local/bin/cabochon"
rm -f "$share/applications/$id.desktop" "$share/metainfo/$id.metainfo.xml" "$share/mime/packages/$id.xml"
rm -f "$share/man/man1/cabochon.1.gz" "$share/icons/hicolor"/*/apps/"$id".png "$share/icons/hicolor"/*/apps/"$id".svg
command -v update-mime-database >/dev/null && [ -d "$share/mime" ] && update-mime-database "$share/mime" >/dev/null 2>&1
command -v update-desktop-database >/dev/null && update-desktop-database -q "$share/applications"
# folders that only Cabochon had something in
for folder in "$local/lib" "$local/bin" "$share/applications" "$share/metainfo" "$share/mime/packages" "$share/mime" "$share/man/man1" \
    "$share/man" "$share/icons/hicolor"/*/apps "$share/icons/hicolor"/* "$share/icons/hicolor" "$share/icons"; do
    [ ! -d "$folder" ] || rmdir "$folder" 2>/dev/null
done
printf 'Cabochon is removed.\n'
[ ! -d "$share/cabochon" ] || printf 'Conversations, settings and models are kept in %s.\n' "$share/cabochon"
