"""The nodes' files, compared: every replica of a partition holds the same bytes, batch for batch.

Where segments begin is each node's own matter, so the batches are compared, not the files.
"""
import hashlib
import struct

HEAD = struct.Struct(">qii")
# What follows: magic, checksum, attributes, last offset delta, first and last timestamp, producer id and epoch.
PRODUCER = struct.Struct(">bIhiqqqh")


def batches(directory):
    """(base offset, leader epoch, the rest) of every batch of a partition's directory, in order."""
    for path in sorted(directory.glob("*.log")):
        with open(path, "rb") as file:
            while len(head := file.read(HEAD.size)) == HEAD.size:
                base, length, epoch = HEAD.unpack(head)
                rest = file.read(length - 4)
                assert len(rest) == length - 4, f"{path}: the batch at {base} ends too early"
                yield base, epoch, rest


def digests(directory):
    return ((base, epoch, hashlib.blake2b(rest, digest_size=8).digest()) for base, epoch, rest in batches(directory))


def producers(directory, offsets):
    """Offset -> (producer id, producer epoch) of the batch that holds it, for these offsets."""
    found = {}
    for base, _, rest in batches(directory):
        _, _, _, last, _, _, id_, epoch = PRODUCER.unpack_from(rest)
        found.update((offset, (id_, epoch)) for offset in offsets if base <= offset <= base + last)
    return found


def compare(nodes, name):
    """Raises at the first batch that differs between two nodes; returns how many there are."""
    first, *others = nodes
    count = 0
    streams = [digests(node.data / name) for node in nodes]
    while True:
        found = [next(stream, None) for stream in streams]
        for node, batch in zip(others, found[1:]):
            assert batch == found[0], f"{name}: batch {count} is {found[0]} on node {first.id}, {batch} on node {node.id}"
        if found[0] is None:
            return count
        count += 1
