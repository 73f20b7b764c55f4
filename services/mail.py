"""Mail by an SMTP server, sent beside the request: nobody waits for it, and nobody learns from the time it takes."""

from __future__ import annotations

import logging
import smtplib
import ssl
import threading
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

log = logging.getLogger("salescope")
SECONDS = 10


class Mail:
    """A mail server by its address, `smtp://user:password@host:587` or `smtps://…`; "" sends nothing.

    With `smtp` the connection is encrypted when the server offers it, and always before a password is sent.
    """

    def __init__(self, address: str, sender: str) -> None:
        self._server, self._sender = urlsplit(address), sender

    def __bool__(self) -> bool:
        """Tell whether mails can be sent."""
        return bool(self._server.hostname)

    def send(self, to: str, subject: str, text: str) -> threading.Thread:
        """Send a mail in a thread of its own; what goes wrong is logged without the text."""
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._sender, to, subject
        message.set_content(text)
        thread = threading.Thread(target=self._deliver, args=(message,), name="mail", daemon=True)
        thread.start()
        return thread

    def _deliver(self, message: EmailMessage) -> None:
        try:
            with self._connection() as server:
                if self._server.username:
                    server.login(unquote(self._server.username), unquote(self._server.password or ""))
                server.send_message(message)
        except (OSError, smtplib.SMTPException) as error:
            log.warning("A mail to %s could not be sent: %s", message["To"], type(error).__name__)

    def _connection(self) -> smtplib.SMTP:
        host, secure = self._server.hostname or "", ssl.create_default_context()
        if self._server.scheme == "smtps":
            return smtplib.SMTP_SSL(host, self._server.port or 465, timeout=SECONDS, context=secure)
        server = smtplib.SMTP(host, self._server.port or 587, timeout=SECONDS)
        server.ehlo()
        if server.has_extn("starttls"):
            server.starttls(context=secure)
        elif self._server.username:
            server.close()
            raise smtplib.SMTPNotSupportedError("no STARTTLS")
        return server
