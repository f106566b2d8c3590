"""What a suite is handed: the broker, the tally, and how thorough to be."""
import dataclasses
import itertools
import os
import random

from . import brokers, cluster
from .checks import Checks, Skip

_NUMBERS = itertools.count(1)


@dataclasses.dataclass
class Context:
    """`kind` is "chronik", "kafka" or "remote"; `broker` is the shared one, started at first use."""

    check: Checks
    kind: str
    quick: bool
    seed: int
    remote: str = ""
    keep: bool = False

    def __post_init__(self):
        self._shared = None
        self._own = []
        self._tag = f"{os.getpid()}{random.randrange(1000):03}"

    @property
    def broker(self):
        """The broker that suites share while they only talk to it."""
        if self._shared is None:
            self._shared = brokers.Remote(self.remote) if self.kind == "remote" else brokers.KINDS[self.kind]().start()
        return self._shared

    def own_broker(self, **options):
        """A broker (not started) for a suite that stops, kills or looks into it. Closed after the suite."""
        if self.kind == "remote":
            raise Skip("this suite starts and stops its own broker")
        return self.broker_of(self.kind, **options)

    def broker_of(self, kind, **options):
        made = brokers.KINDS[kind](**options)
        self._own.append(made)
        return made

    def own_cluster(self, *, kinds=None, **options):
        """A cluster of three nodes in both roles (not started), closed after the suite. `kinds`: by id, if they differ."""
        if self.kind == "remote":
            raise Skip("this suite starts and stops its own brokers")
        return self.own(cluster.Cluster(kinds or self.kind, [1, 2, 3], [1, 2, 3], **options))

    def own(self, made):
        """Takes over what a suite has made, to be closed after it."""
        self._own.append(made)
        return made

    def topic(self, name):
        """A topic name that no other check uses."""
        return f"{name}-{self._tag}-{next(_NUMBERS)}"

    def suite_brokers(self):
        """The brokers that the suite at hand used, for a look at their logs."""
        return [*self._own, *([self._shared] if self._shared is not None else [])]

    def close_own(self):
        for broker in self._own:
            broker.close(self.keep)
        self._own.clear()

    def close(self):
        self.close_own()
        if self._shared is not None:
            self._shared.close(self.keep)
            self._shared = None
