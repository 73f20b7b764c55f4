"""Entry for gunicorn: `salescope.wsgi:server`."""

from salescope.app import create_app
from salescope.reloading import Current
from salescope.settings import Settings

server = Current(Settings.from_env(), create_app)
