"""python -m testbed: see README.md."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time

from testbed import docker, engine, figures, hosts, images, scenario

SCENARIO_COMMANDS = {
    "create": "boot a scenario's hosts",
    "render": "write a scenario's project, and render it",
    "destroy": "remove a scenario's hosts",
}


def main() -> int:
    """Run a command of the bed; 1 where the bed can't be made here."""
    parser = argparse.ArgumentParser(prog="python -m testbed", description=images.__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser("images", help="make the images that are missing, name all")
    make.add_argument("names", nargs="*", help=f"of {', '.join(images.RECIPES)}; all")
    run = commands.add_parser("run", help="run a program with the bed's environment")
    run.add_argument("program", nargs=argparse.REMAINDER)
    dock = commands.add_parser("docker", help="run a program beside this checkout's docker")
    dock.add_argument("program", nargs=argparse.REMAINDER)
    commands.add_parser("clean", help="remove the images")
    commands.add_parser("figures", help="print what the trials have counted")
    for name, text in SCENARIO_COMMANDS.items():
        one = commands.add_parser(name, help=text)
        one.add_argument("scenario")
    arguments = parser.parse_args()
    unknown = sorted(set(getattr(arguments, "names", [])) - set(images.RECIPES))
    if unknown:
        parser.error(f"no image {', '.join(unknown)}; there are {', '.join(images.RECIPES)}")
    if arguments.command == "figures":
        print(figures.tables())
        return 0
    try:
        return _obey(arguments)
    except engine.TestbedError as error:
        print(f"testbed: {error}", file=sys.stderr)
        return 1


def _obey(arguments: argparse.Namespace) -> int:
    if arguments.command == "docker":
        return _docker(arguments.program)
    found = engine.find()
    if arguments.command == "run":
        return _run(found, arguments.program)
    if scenario_name := getattr(arguments, "scenario", None):
        return _scenario(found, arguments.command, scenario.scenario(scenario_name))
    if arguments.command == "clean":
        return _clean(found)
    for name in arguments.names or images.RECIPES:
        started = time.monotonic()
        image = images.ensure(found, name)
        print(f"{name:12} {image:40} {time.monotonic() - started:5.1f} s", flush=True)
    return 0


def _run(found: engine.Engine, program: list[str]) -> int:
    environment = found.environment
    if not program or not shutil.which(program[0], path=environment["PATH"]):
        raise engine.TestbedError(f"no program {' '.join(program[:1]) or 'named'}")
    os.execvpe(program[0], program, environment)


def _docker(program: list[str]) -> int:
    with docker.available() as found:
        path = shutil.which(program[0], path=found.environment["PATH"]) if program else None
        if not path:
            raise engine.TestbedError(f"no program {' '.join(program[:1]) or 'named'}")
        return subprocess.run([path, *program[1:]], check=False, env=found.environment).returncode


def _scenario(found: engine.Engine, command: str, named: scenario.Scenario) -> int:
    if command == "create":
        hosts.create(found, named)
    elif command == "destroy":
        hosts.destroy(found, named)
    else:
        named.write_project()
        named.render()
    return 0


def _clean(found: engine.Engine) -> int:
    for recipe in images.RECIPES.values():
        if found.label(recipe.image, images.LABEL):
            found.run("rmi", recipe.image)
            print(f"removed {recipe.image}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
