"""A scripted relay (aiosmtpd): lets in, refuses or drops as it is told, and keeps what it was handed."""

import logging
import ssl

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from exim import free_port


logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd warns of its own deprecations


class Script:
    """Says `rcpt` to recipients but the operator and `data` to letters, so many times; `drop` hangs up after DATA."""

    def __init__(self, rcpt=None, data=None, drop=False, times=1_000_000):
        self.rcpt, self.data, self.drop, self.times = rcpt, data, drop, times
        self.letters, self.asked = [], 0

    def _is_next(self):
        self.asked += 1
        return self.asked <= self.times

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.rcpt and address != "operator@example.com" and self._is_next():
            return self.rcpt
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server, session, envelope):
        if self.data and self._is_next():
            return self.data
        self.letters.append((envelope.rcpt_tos[0], envelope.original_content))
        if self.drop and self._is_next():
            server.transport.abort()
        return "250 taken"


class Relay:
    """Running; with a certificate it offers STARTTLS, and asks for a login then."""

    def __init__(self, script, certificate=None, password=None):
        context = None
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)

        def login(server, session, envelope, mechanism, data):
            good = isinstance(data, LoginPassword) and data.password.decode() == password
            return AuthResult(success=good, handled=False)

        # aiosmtpd tries the port it was given by itself, so 0 will not do.
        self.script, self.port = script, free_port()
        self.controller = Controller(script, hostname="127.0.0.1", port=self.port, tls_context=context,
                                     require_starttls=bool(certificate), authenticator=login,
                                     auth_required=password is not None)
        self.controller.start()

    def stop(self):
        self.controller.stop()
