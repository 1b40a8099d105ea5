"""Certificates made for one test."""
import hashlib
import ssl
import subprocess


class Certificate:
    """A self-signed certificate for `name` in `folder`; its own authority."""

    def __init__(self, folder, name, file="tls", days=30):
        self.certificate, self.key = folder / f"{file}.crt", folder / f"{file}.key"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", str(days),
             "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name},IP:127.0.0.1", "-keyout", self.key, "-out", self.certificate],
            check=True, capture_output=True,
        )

    def settings(self):
        return f'[tls]\ncertificate = "{self.certificate}"\nkey = "{self.key}"\n'

    def fingerprint(self):
        der = ssl.PEM_cert_to_DER_cert(self.certificate.read_text())
        return hashlib.sha256(der).hexdigest()

    def server_context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context

    def client_context(self, own=None):
        """Trusts this certificate; presents `own` if given."""
        context = ssl.create_default_context(cafile=self.certificate)
        if own:
            context.load_cert_chain(own.certificate, own.key)
        return context
