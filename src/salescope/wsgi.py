"""Entry for gunicorn: `salescope.wsgi:server`."""

from salescope.app import create_app
from salescope.settings import Settings

server = create_app(Settings.from_env())
