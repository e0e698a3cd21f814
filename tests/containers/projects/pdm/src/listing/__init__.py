"""A page that names what is installed beside it."""

from importlib.metadata import distributions

from bottle import Bottle

application = Bottle()


@application.get("/")
def page() -> dict[str, str]:
    return {each.metadata["Name"]: each.version for each in distributions()}
