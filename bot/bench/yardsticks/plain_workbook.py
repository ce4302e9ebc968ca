"""The reader of workbooks alone: the library reads the first sheet and gives its rows. Called as FILE; prints rows a second."""

import sys
import time

from python_calamine import CalamineWorkbook


def main() -> None:
    """Read and tell how fast."""
    begun = time.perf_counter()
    count = len(CalamineWorkbook.from_path(sys.argv[1]).get_sheet_by_index(0).to_python())
    print((count - 1) / (time.perf_counter() - begun))


if __name__ == "__main__":
    main()
