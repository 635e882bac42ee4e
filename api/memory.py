"""How a long-running process looks after its memory."""

import gc


def spare_garbage_collection() -> None:
    """Look for cycles of garbage less often, and never in what is there for good.

    A batch of usage makes thousands of objects that all go when it is stored; by the defaults
    they set off a collection every few hundred. The recorder's benchmark runs with this, too.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 10, 10)
