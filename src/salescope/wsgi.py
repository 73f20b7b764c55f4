"""Entry for gunicorn: `salescope.wsgi:server`."""

from salescope.app import create_app
from salescope.operations import configure_logs
from salescope.reloading import Current
from salescope.settings import Settings

settings = Settings.from_env()
configure_logs(settings.log_format)
server = Current(settings, create_app)
