"""Makes the pictures of the README anew: the page of a visit, and the first page of a packet.

    python tests/tools/pictures.py

It needs Chromium and pdftoppm (Debian: chromium, poppler-utils). What is pictured are the examples, as the commands
write them now.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "docs" / "pictures"
REPORT = "examples/02-chemotherapy-day.yaml"
PACKET = "examples/11-lost-dispute.yaml"


def ivproof(*words: str) -> None:
    """Run a command of ivproof on an example."""
    code = "from ivproof.cli import app; app()"
    # an audit that finds something wrong ends with a status of its own
    subprocess.run([sys.executable, "-c", code, *words], cwd=ROOT, check=False, stdout=subprocess.DEVNULL)


def main() -> None:
    """Write both pictures."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        page, packet = Path(folder) / "visit.html", Path(folder) / "packet.pdf"
        ivproof("report", REPORT, "-o", str(page))
        ivproof("audit", PACKET, "-o", str(packet))
        shot = ["--headless", "--no-sandbox", "--hide-scrollbars", "--window-size=1100,1150"]
        shown = [f"--screenshot={PICTURES / 'visit.png'}", page.as_uri()]
        subprocess.run(["chromium", *shot, *shown], check=True, capture_output=True)
        whole = ["pdftoppm", "-png", "-r", "80", "-f", "2", "-l", "2", "-singlefile"]
        subprocess.run([*whole, str(packet), str(PICTURES / "packet")], check=True)


if __name__ == "__main__":
    main()
