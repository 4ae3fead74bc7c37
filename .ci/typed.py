"""mypy over the package: none on the public surface, and inside no more than were recorded.

The public surface are the modules that `gridmap/__init__.pyi` names. `.ci/held.toml` has the number inside; it may only
fall: `python .ci/typed.py --record` writes a lower one.
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
HELD = ROOT / ".ci" / "held.toml"


def main() -> int:
    """Run mypy and compare; the number of the process's end."""
    stub = (ROOT / "gridmap" / "__init__.pyi").read_text(encoding="utf-8")
    public = {f"gridmap/{name.replace('.', '/')}.py" for name in re.findall(r"^from \.([\w.]+) import", stub, re.M)}
    done = subprocess.run([sys.executable, "-m", "mypy"], cwd=ROOT, capture_output=True, text=True, check=False)
    errors = re.findall(r"^(gridmap/\S+?):\d+: error: .*$", done.stdout, re.M)
    if done.returncode not in (0, 1) or (done.returncode == 1 and not errors):
        print(done.stdout + done.stderr)
        return 1
    outside = [line for line in done.stdout.splitlines() if line.partition(":")[0] in public and ": error:" in line]
    held = tomllib.loads(HELD.read_text(encoding="utf-8"))["mypy"]
    found = {"public": len(outside), "inside": len(errors) - len(outside)}
    print(f"mypy: {found['public']} errors on the public surface, {found['inside']} inside (held: {held})")
    worse = [name for name in found if found[name] > held[name]]
    if "public" in worse:
        print("\n".join(outside))
    if "inside" in worse:
        print("Look at those of the files that you changed: .venv/bin/mypy | grep FILE")
    if "--record" in sys.argv and not worse:
        text = HELD.read_text(encoding="utf-8")
        for name, number in found.items():
            text = re.sub(rf"(?<=\n){name} = \d+", f"{name} = {number}", text)
        HELD.write_text(text, encoding="utf-8")
    return int(bool(worse))


if __name__ == "__main__":
    sys.exit(main())
