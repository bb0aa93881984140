"""Litestar without the plugins that it takes up by itself for whatever libraries are there."""

from litestar import Litestar
from litestar.plugins import PluginProtocol
from litestar.plugins.core import MsgspecDIPlugin


class Application(Litestar):
    """An ASGI application whose handlers take and give msgspec's types and plain ones only."""

    @staticmethod
    def _get_default_plugins(plugins: list[PluginProtocol]) -> list[PluginProtocol]:
        # Litestar would import pydantic, both its versions, where Typer or another has brought it: 0.1 s of each start.
        return [*plugins, MsgspecDIPlugin()]
