"""What can run at once: worker class, workers, threads and connections, and what they amount to."""

from __future__ import annotations

from dataclasses import dataclass

from deploygen.plan.setting import Setting, Settings

UVICORN = "uvicorn_worker.UvicornWorker"
# Workers that hold many requests at once, each of them for as long as it waits.
GREEN_CLASSES = ("gevent", "eventlet")
ASGI_CLASSES = ("asgi", UVICORN)
ASYNC_CLASSES = (*GREEN_CLASSES, *ASGI_CLASSES, "tornado")


def is_async(worker_class: str) -> bool:
    """Whether its requests are bounded by worker_connections.

    A class from another package is taken to be: uvicorn's are, and those that projects derive
    from them.
    """
    return worker_class in ASYNC_CLASSES or "." in worker_class


@dataclass(frozen=True)
class Shape:
    """Worker class, workers, threads and connections: what can run at once."""

    worker_class: Setting
    workers: Setting
    threads: Setting
    worker_connections: Setting

    @property
    def concurrency(self) -> int:
        """How many requests are worked on at once, all workers together."""
        return concurrency_of(
            self.worker_class.text,
            self.workers.number,
            self.threads.number,
            self.worker_connections.number,
        )

    @property
    def queued_inside(self) -> int:
        """Requests that the workers accept while all their threads are busy."""
        if self.worker_class.text != "gthread":
            return 0
        return self.workers.number * max(0, self.worker_connections.number - self.threads.number)


def concurrency_of(worker_class: str, workers: int, threads: int, connections: int) -> int:
    """Requests at once: a sync worker one, gthread its threads, the others their connections."""
    if is_async(worker_class):
        return workers * connections
    return workers * threads


def of(gunicorn: Settings) -> Shape:
    """The shape of gunicorn's decided settings."""
    names = ("worker_class", "workers", "threads", "worker_connections")
    return Shape(*(gunicorn[name] for name in names))
