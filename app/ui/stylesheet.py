"""The style sheet for what Qt draws itself: menus, tooltips, scroll bars, fields. Our own widgets paint themselves."""

from __future__ import annotations

from app.ui.theme import Theme

SHEET = """
QToolTip {{
    background: {raised}; color: {text}; border: 1px solid {border_strong}; border-radius: 6px;
    padding: 2px 3px; font-size: {f12}px;
}}
QMenu {{
    background: {raised}; color: {text}; border: 1px solid {border_strong}; border-radius: 8px; padding: 4px;
    menu-scrollable: 1;
}}
QMenu::item {{ padding: {p6}px {p18}px {p6}px {p6}px; border-radius: 5px; margin: 0; min-height: {p18}px; }}
QMenu::item:selected {{ background: {hover}; color: {text}; }}
QMenu::item:disabled {{ color: {text3}; background: transparent; }}
QMenu::icon {{ padding-left: {p10}px; padding-right: {p6}px; }}
QMenu::separator {{ height: 1px; background: {border}; margin: 4px 0; }}
QScrollBar:vertical {{ background: transparent; width: 12px; margin: 0; }}
QScrollBar::handle:vertical {{
    background: {border_strong}; border-radius: 3px; min-height: 32px; margin: 3px 3px 3px 3px;
}}
QScrollBar::handle:vertical:hover, QScrollBar::handle:vertical:pressed {{ background: {control}; }}
QScrollBar:horizontal {{ background: transparent; height: 12px; margin: 0; }}
QScrollBar::handle:horizontal {{ background: {border_strong}; border-radius: 3px; min-width: 32px; margin: 3px; }}
QScrollBar::handle:horizontal:hover, QScrollBar::handle:horizontal:pressed {{ background: {control}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; border: none; background: none; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: none; }}
QLineEdit, QSpinBox, QDoubleSpinBox {{
    background: {raised}; color: {text}; border: 1px solid {control}; border-radius: 6px;
    padding: 0 {p8}px; min-height: {p28}px;
    placeholder-text-color: {text3};
    selection-background-color: {accent}; selection-color: {on_accent};
}}
QLineEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus, QPlainTextEdit[field="true"]:focus {{
    border: 2px solid {accent}; padding: 0 {p7}px; min-height: {p26}px;
}}
QLineEdit#search {{ border-color: {border}; }}
QLineEdit#search:focus {{ border-color: {accent}; }}
QLineEdit:disabled, QSpinBox:disabled, QDoubleSpinBox:disabled {{ color: {text3}; border-color: {border}; }}
QPlainTextEdit#message {{
    background: transparent; color: {text}; border: none; placeholder-text-color: {text3}; font-size: {f15}px;
    selection-background-color: {accent}; selection-color: {on_accent};
}}
QPlainTextEdit[field="true"] {{
    background: {raised}; color: {text}; border: 1px solid {control}; border-radius: 6px; padding: 4px 6px;
    placeholder-text-color: {text3}; selection-background-color: {accent}; selection-color: {on_accent};
}}
QPlainTextEdit[field="true"]:focus {{ padding: 3px 5px; }}
"""


def style_sheet(theme: Theme, scale: float) -> str:
    """The sheet in this theme's colours, sizes times `scale`."""
    sizes = {f"p{value}": str(round(value * scale)) for value in (6, 7, 8, 9, 10, 18, 26, 28)}
    return SHEET.format(**theme._asdict(), **sizes, f12=max(11, round(12 * scale)), f15=round(15 * scale))
