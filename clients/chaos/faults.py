"""The faults, one class each: `begin` does the harm, `World.heal` takes every harm away.

`hold` is for how long a fault stays, in seconds: (least, most). A fault that ends by itself has none. What `begin`
returns is told on the run's line. Faults differ in what the others can know: a killed process is known to be gone, a
paused or cut-off one is not.
"""
import time

from harness import proc

from world import IDS

CLIENTS = 254


class Fault:
    hold = (0.0, 0.0)
    # Whether a second fault may run beside this one.
    pairs = True

    def begin(self, world, victim, rng):
        raise NotImplementedError


class Kill(Fault):
    """kill -9, and the start of the node after a while, or at once."""

    hold = (0.0, 4.0)

    def begin(self, world, victim, rng):
        world.nodes[victim].kill()


class KillWhileStarting(Fault):
    """kill -9, and again while the node starts."""

    hold = (0.0, 1.0)

    def begin(self, world, victim, rng):
        node = world.nodes[victim]
        for _ in range(3):
            node.kill()
            node.launch()
            time.sleep(rng.uniform(0.0, 0.3))  # the moment of the kill is the random input
        node.kill()


class KillAll(Fault):
    """Every process is killed at the same moment."""

    hold = (0.0, 2.0)
    pairs = False

    def begin(self, world, victim, rng):
        for node in world.nodes.values():
            proc.kill_group(node.process)
        for node in world.nodes.values():
            node.kill()


class Power(Fault):
    """The host goes: nobody is told that the process has ended."""

    hold = (1.0, 14.0)

    def begin(self, world, victim, rng):
        world.net.unplug(victim)
        world.nodes[victim].kill()


class PauseShort(Fault):
    """SIGSTOP for less than the session's time-out: the node wakes up and leads as before."""

    hold = (0.5, 5.0)

    def begin(self, world, victim, rng):
        world.nodes[victim].pause()


class PauseLong(Fault):
    """SIGSTOP for longer than the session's time-out: the node wakes up and believes that it still leads."""

    hold = (11.0, 15.0)

    def begin(self, world, victim, rng):
        world.nodes[victim].pause()


class Rolling(Fault):
    """SIGTERM and a new start, node after node, each when all is whole again."""

    pairs = False

    def begin(self, world, victim, rng):
        for node in world.nodes.values():
            node.stop(60)
            assert node.process.returncode == 0, f"node {node.id} ended with {node.process.returncode} at SIGTERM"
            node.launch()
            node.wait()
            world.wait_whole()


class FullDisk(Fault):
    hold = (4.0, 12.0)

    def begin(self, world, victim, rng):
        world.nodes[victim].disk.fill()


class SlowDisk(Fault):
    hold = (6.0, 14.0)

    def begin(self, world, victim, rng):
        writes = rng.choice((10, 25, 60))
        world.nodes[victim].disk.slow(writes)
        return f"{writes} writes/s"


class CutOff(Fault):
    """The node and the others lose all they send each other; clients still reach it."""

    hold = (3.0, 14.0)

    def begin(self, world, victim, rng):
        for other in IDS:
            if other != victim:
                world.net.cut(victim, other)
                world.net.cut(other, victim)


class Unplugged(Fault):
    """The node lives, and nobody reaches it, nor it anybody."""

    hold = (3.0, 14.0)

    def begin(self, world, victim, rng):
        world.net.unplug(victim)


class Mute(Fault):
    """What the node sends to the others is lost; it hears them."""

    hold = (3.0, 14.0)

    def begin(self, world, victim, rng):
        for other in IDS:
            if other != victim:
                world.net.cut(victim, other)


class Deaf(Fault):
    """What the others send to the node is lost; they hear it."""

    hold = (3.0, 14.0)

    def begin(self, world, victim, rng):
        for other in IDS:
            if other != victim:
                world.net.cut(other, victim)


class OneLink(Fault):
    """One of the two others does not hear the node."""

    hold = (3.0, 14.0)

    def begin(self, world, victim, rng):
        other = rng.choice([id_ for id_ in IDS if id_ != victim])
        world.net.cut(victim, other)
        return f"to {other}"


class NoAnswers(Fault):
    """What the node sends to the clients is lost."""

    hold = (3.0, 10.0)

    def begin(self, world, victim, rng):
        world.net.cut(victim, CLIENTS)


ALL = [Kill, Kill, KillWhileStarting, KillAll, Power, PauseShort, PauseLong, Rolling, FullDisk, SlowDisk, CutOff, Unplugged,
       Mute, Deaf, OneLink, NoAnswers]
