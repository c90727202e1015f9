"""The colours of the window: four themes with the same names. No other file holds a colour."""

from __future__ import annotations

from typing import NamedTuple


class Theme(NamedTuple):
    """One set of colours as `#RRGGBB` (the scrim and the shadow as `#AARRGGBB`), fit for QColor and for style sheets.

    In contrast themes fills vanish: every surface gets a 1 px `border`, a selection a 2 px `accent` frame.
    """

    name: str
    dark: bool
    contrast: bool
    window: str
    sidebar: str
    raised: str
    sunken: str
    hover: str
    pressed: str
    selected: str
    bubble: str
    tint: str
    border: str
    border_strong: str
    control: str
    text: str
    text2: str
    text3: str
    accent: str
    accent_hover: str
    accent_pressed: str
    on_accent: str
    danger: str
    danger_tint: str
    warn: str
    warn_tint: str
    ok: str
    ok_tint: str
    memory: str
    memory_tint: str
    mark: str
    code_keyword: str
    code_string: str
    code_number: str
    code_name: str
    code_comment: str
    part_system: str
    part_turns: str
    part_message: str
    part_working: str
    part_images: str
    part_copies: str
    scrim: str
    shadow: str


LIGHT = Theme(
    name="light",
    dark=False,
    contrast=False,
    window="#FDFCFB",
    sidebar="#F4F2EE",
    raised="#FFFFFF",
    sunken="#F6F4F0",
    hover="#ECE8E2",
    pressed="#E1DCD4",
    selected="#D8EAEA",
    bubble="#EDF3F2",
    tint="#E2F0F0",
    border="#E4DFD8",
    border_strong="#C9C2B8",
    control="#8A837A",
    text="#211F1C",
    text2="#57524B",
    text3="#6B655D",
    accent="#0B6B72",
    accent_hover="#095B61",
    accent_pressed="#074A4F",
    on_accent="#FFFFFF",
    danger="#B3261E",
    danger_tint="#FCEBE9",
    warn="#845500",
    warn_tint="#FDF1D9",
    ok="#2A6B3C",
    ok_tint="#E4F2E6",
    memory="#94430C",
    memory_tint="#F9E6D8",
    mark="#FCE3A1",
    code_keyword="#8A2A62",
    code_string="#2E6A32",
    code_number="#8A4A00",
    code_name="#0B5C8C",
    code_comment="#6B655D",
    part_system="#8A837A",
    part_turns="#0B6B72",
    part_message="#43929A",
    part_working="#B57A1C",
    part_images="#8A5A86",
    part_copies="#549599",
    scrim="#52211F1C",
    shadow="#29000000",
)

DARK = Theme(
    name="dark",
    dark=True,
    contrast=False,
    window="#1C1B1A",
    sidebar="#161514",
    raised="#262422",
    sunken="#151413",
    hover="#2B2927",
    pressed="#353230",
    selected="#1F3A3C",
    bubble="#22302F",
    tint="#17302F",
    border="#302D2B",
    border_strong="#4A4642",
    control="#7D766E",
    text="#ECE9E4",
    text2="#B5AFA7",
    text3="#A59E96",
    accent="#5FC3C8",
    accent_hover="#78D0D4",
    accent_pressed="#45AEB3",
    on_accent="#062426",
    danger="#FF8A80",
    danger_tint="#3A1F1D",
    warn="#F0BE5E",
    warn_tint="#352A15",
    ok="#85CF94",
    ok_tint="#1B3022",
    memory="#F2A877",
    memory_tint="#38241A",
    mark="#6B5418",
    code_keyword="#E69AC5",
    code_string="#9CD39A",
    code_number="#F0B878",
    code_name="#86C5F0",
    code_comment="#A59E96",
    part_system="#6B645C",
    part_turns="#3FA3A9",
    part_message="#2B6F74",
    part_working="#D9A441",
    part_images="#B388AE",
    part_copies="#5C8F92",
    scrim="#80000000",
    shadow="#80000000",
)

CONTRAST_LIGHT = Theme(
    name="contrast-light",
    dark=False,
    contrast=True,
    window="#FFFFFF",
    sidebar="#FFFFFF",
    raised="#FFFFFF",
    sunken="#FFFFFF",
    hover="#E6E6E6",
    pressed="#D0D0D0",
    selected="#CDE9EA",
    bubble="#FFFFFF",
    tint="#FFFFFF",
    border="#000000",
    border_strong="#000000",
    control="#000000",
    text="#000000",
    text2="#1F1F1F",
    text3="#333333",
    accent="#004B50",
    accent_hover="#003538",
    accent_pressed="#002427",
    on_accent="#FFFFFF",
    danger="#8C0009",
    danger_tint="#FFFFFF",
    warn="#5A3900",
    warn_tint="#FFFFFF",
    ok="#0B4A1C",
    ok_tint="#FFFFFF",
    memory="#6B2C00",
    memory_tint="#FFFFFF",
    mark="#FFE066",
    code_keyword="#6B0F47",
    code_string="#0F4A13",
    code_number="#5C2F00",
    code_name="#003F66",
    code_comment="#333333",
    part_system="#8A837A",
    part_turns="#0B6B72",
    part_message="#43929A",
    part_working="#B57A1C",
    part_images="#8A5A86",
    part_copies="#549599",
    scrim="#52211F1C",
    shadow="#00000000",
)

CONTRAST_DARK = Theme(
    name="contrast-dark",
    dark=True,
    contrast=True,
    window="#000000",
    sidebar="#000000",
    raised="#000000",
    sunken="#000000",
    hover="#2A2A2A",
    pressed="#404040",
    selected="#0A3A3D",
    bubble="#000000",
    tint="#000000",
    border="#FFFFFF",
    border_strong="#FFFFFF",
    control="#FFFFFF",
    text="#FFFFFF",
    text2="#F0F0F0",
    text3="#DADADA",
    accent="#7BF0F5",
    accent_hover="#A8F6F9",
    accent_pressed="#4FD9DF",
    on_accent="#000000",
    danger="#FFB3AC",
    danger_tint="#000000",
    warn="#FFD479",
    warn_tint="#000000",
    ok="#A6F0B4",
    ok_tint="#000000",
    memory="#FFC79B",
    memory_tint="#000000",
    mark="#7A5C00",
    code_keyword="#FFB3DC",
    code_string="#B6F2AE",
    code_number="#FFCF99",
    code_name="#A6DBFF",
    code_comment="#DADADA",
    part_system="#6B645C",
    part_turns="#3FA3A9",
    part_message="#2B6F74",
    part_working="#D9A441",
    part_images="#B388AE",
    part_copies="#5C8F92",
    scrim="#80000000",
    shadow="#00000000",
)


def theme_for(choice: str, *, system_dark: bool, system_contrast: bool = False) -> Theme:
    """The theme for a setting (`system | light | dark | contrast`) on a system that is dark or not.

    `contrast` and a system that asks for more contrast keep the system's own light or dark.
    """
    dark = {"light": False, "dark": True}.get(choice, system_dark)
    if choice == "contrast" or (choice == "system" and system_contrast):
        return CONTRAST_DARK if dark else CONTRAST_LIGHT
    return DARK if dark else LIGHT
