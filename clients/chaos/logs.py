"""Every WARN and ERROR that a node writes is matched with what the fault at hand explains; anything else is a failure.

The table is the whole knowledge: a pattern, and the faults during which it may come (`None`: always). A line belongs to
the faults that have been at work since the cluster was last whole.
"""
import re

COMPLAINT = re.compile(r"\b(WARN|ERROR|FATAL)\b|panicked at")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")

EXPECTED = [
    # The nodes of this suite listen on addresses of their own without authentication.
    (r"listener.*(without authentication|open to the network)", None),
    # What the harness sets for suites that need it, and this version does not have.
    (r"keys (without meaning here are ignored|whose function is not built yet)", None),
    (r"log directory is full: writes are refused until there is room", {"FullDisk"}),
    (r"the metadata log waits for room on the disk", {"FullDisk"}),
    (r"the metadata log's indexes were not written error=disk full", {"FullDisk"}),
]


class Watch:
    """Reads the nodes' logs as they grow."""

    def __init__(self, nodes):
        self.nodes, self.places = nodes, dict.fromkeys(nodes, 0)
        self.expected = {}
        self.unexpected = []

    def look(self, active):
        """Judges what was written since the last look, while these faults were at work."""
        for id_, node in self.nodes.items():
            data = node.log.read_bytes()[self.places[id_]:]
            whole = data[:data.rfind(b"\n") + 1]
            self.places[id_] += len(whole)
            for line in COLOUR.sub("", whole.decode(errors="replace")).splitlines():
                if COMPLAINT.search(line):
                    self._judge(id_, line, active)

    def _judge(self, id_, line, active):
        for pattern, faults in EXPECTED:
            if re.search(pattern, line) and (faults is None or faults & active):
                self.expected[pattern] = self.expected.get(pattern, 0) + 1
                return
        text = f"node {id_} during {'+'.join(sorted(active)) or 'nothing'}: {line}"
        self.unexpected.append(text)
        print(f"      UNEXPECTED {text}", flush=True)
