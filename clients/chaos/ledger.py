"""What clients were told, in one place: which record is at an offset is a function, for ever.

An acknowledgement, a consumer's first look and every later look are all the same kind of statement: "at this offset of
this partition is this record". Two statements that differ are a violation, whatever faults there were between them. The
first reader of a partition also sees each producer's sequence numbers grow: one that does not is a record out of order,
or there twice. Violations are kept and printed as they happen; what is there twice is kept to be judged in the end, when
the files tell who wrote it twice (`suite.sent_again`).
"""
import array
import threading
import time

NOTHING = -1


def record_id(producer, sequence):
    return producer << 40 | sequence


def shown(record):
    return "nothing" if record == NOTHING else f"record {record & (1 << 40) - 1} of producer {record >> 40}"


class Ledger:
    """The statements about every partition, by (topic, partition)."""

    def __init__(self, partitions):
        self.at = {key: array.array("q") for key in partitions}
        self.last = {}
        self.again = {}
        self.next = dict.fromkeys(partitions, 0)
        self.violations = []
        self.lock = threading.Lock()

    def violation(self, text):
        text = f"{time.strftime('%H:%M:%S', time.gmtime())} {text}"
        self.violations.append(text)
        if len(self.violations) <= 50:
            print(f"      VIOLATION {text}", flush=True)

    def told(self, key, offset, record, who):
        """Somebody was told that this record is at this offset."""
        with self.lock:
            column = self.at[key]
            if offset >= len(column):
                column.extend([NOTHING] * (offset + 1 - len(column)))
            before = column[offset]
            if before == NOTHING:
                column[offset] = record
            elif before != record:
                self.violation(f"{key} offset {offset}: {who} was told {shown(record)}, somebody before {shown(before)}")

    def read_first(self, key, offset, record, who):
        """The reader who follows the partition's end, and sees every offset once."""
        self.told(key, offset, record, who)
        if offset != self.next[key]:
            self.violation(f"{key} offset {offset}: {who} read it after offset {self.next[key] - 1}")
        self.next[key] = offset + 1
        producer, sequence = record >> 40, record & (1 << 40) - 1
        last = self.last.get((key, producer), -1)
        if sequence <= last:
            with self.lock:
                is_twice = record in self.at[key][:offset]
            if is_twice:
                self.again[key, offset] = record
            else:
                self.violation(f"{key} offset {offset}: {shown(record)} comes after {last}: out of order")
        self.last[key, producer] = max(last, sequence)
