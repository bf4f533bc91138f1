"""`make audit`: the versions of constraints.txt beside the known vulnerabilities of Python packages.

Ends in 0 where none is known, in 1 where one is, and in 2 where the advisory service does not answer."""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
AUDIT = [sys.executable, "-m", "pip_audit", "--progress-spinner", "off", "--disable-pip", "--no-deps", "-f", "json"]


def audited(locked, command=AUDIT):
    "What pip-audit says of each package, or its last line where it cannot say anything"
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)/"found.json"
        done = subprocess.run([*command, "-r", str(locked), "-o", str(out)], capture_output=True, text=True)
        if out.exists() and out.stat().st_size: return json.loads(out.read_text())["dependencies"], ""
    said = (done.stderr.strip() or f"exit code {done.returncode}").splitlines()
    return [], said[-1]


def main(locked=ROOT/"constraints.txt", command=AUDIT):
    "Print what was found, and return the exit status"
    found, fault = audited(locked, command)
    if not found:
        print(f"The advisory service could not be asked, so nothing is known of {locked.name}: {fault}")
        return 2
    known = [(p["name"], p["version"], v) for p in found for v in p.get("vulns", ())]
    for name, version, v in known:
        print(f"{name} {version}: {v['id']}, mended in {', '.join(v['fix_versions']) or 'none'}")
    for p in found:
        if "skip_reason" in p: print(f"{p['name']} was not looked up: {p['skip_reason']}")
    print(f"{len(found)} packages, {len(known)} known vulnerabilities")
    return int(bool(known))


if __name__ == "__main__": sys.exit(main())
