"""The least that a PySide6 program can be: an application and an empty window, for window.py."""

from __future__ import annotations

import sys

from PySide6.QtWidgets import QApplication, QWidget

from tests.benchmarks.probe import FirstPicture


def main() -> int:
    """Show the window until the process is ended."""
    application = QApplication(sys.argv[:1])
    window = QWidget()
    window.show()
    FirstPicture(window)
    return application.exec()


if __name__ == "__main__":
    sys.exit(main())
