"""PNG files of careless programs: extras (colour profiles, texts) whose checksum is wrong are left out.

Pillow refuses such a file as a whole; browsers, and the specification's advice to decoders, skip what is not critical.
"""

from __future__ import annotations

import struct
import zlib

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def mended(data: bytes) -> bytes:
    """The same picture without broken extras; any other data as it is."""
    if not data.startswith(_SIGNATURE):
        return data
    kept = [_SIGNATURE]
    place, broken = len(_SIGNATURE), False
    while place + 12 <= len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        end = place + 12 + length
        chunk = data[place:end]
        if len(chunk) < 12 + length:
            break
        ancillary = bool(chunk[4] & 0x20)
        if ancillary and zlib.crc32(chunk[4:-4]) != struct.unpack(">I", chunk[-4:])[0]:
            broken = True
        else:
            kept.append(chunk)
        place = end
    return b"".join([*kept, data[place:]]) if broken else data
