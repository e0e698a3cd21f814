"""Runs the real programs over what was rendered. Nothing on this machine is changed.

    results = check(tree, plan, project, files=[file.path for file in rendered])

One :class:`Result` for each file. What no program could judge is "not checked", with the
reason; it is never "passed".
"""

from deploygen.check.registry import check
from deploygen.check.result import Result, Status

__all__ = ["Result", "Status", "check"]
