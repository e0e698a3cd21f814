"""Starts and stops what was rendered, unprivileged, on loopback.

``deploygen up``, the behaviour tests and whatever measures share it::

    with running(tree, plan, "web", project, Options(port=0)) as stack:
        print(stack.urls[0], stack.health)
        stack.wait(print)
"""

from deploygen.stack.relocate import Change
from deploygen.stack.request import Response, ask
from deploygen.stack.stack import Options, Stack, running
from deploygen.stack.start import Health

__all__ = ["Change", "Health", "Options", "Response", "Stack", "ask", "running"]
