"""franz-go: creates a topic, produces idempotently with every codec, and consumes all of it in order without a group."""
from harness import install, proc

NEEDS = ("franz-go",)


def run(ctx):
    count = 3_000 if ctx.quick else 60_000
    with ctx.check(f"franz-go produces {count} records with each codec and reads them back in order"):
        proc.run([install.franz_go() / "smoke", ctx.broker.bootstrap, ctx.topic("franz-go"), count], timeout=180)
