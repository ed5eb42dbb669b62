"""TLS towards a broker or a Prometheus, of which the certificate is always checked."""

import ssl


def client_context(
    setting: str, ca_file: str | None, cert_file: str | None, key_file: str | None
) -> ssl.SSLContext:
    """What a TLS connection needs that checks who is at the other end.

    Raises:
        ValueError: a certificate file cannot be used; names the setting and the files.
    """
    try:
        context = ssl.create_default_context(cafile=ca_file)
        # As before Python 3.13, which wants more of certificates than that they are
        # valid. Those made by hand, as Mosquitto's manual shows, do not have it.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if cert_file:
            context.load_cert_chain(cert_file, key_file)
    except (OSError, ssl.SSLError) as error:
        named = ", ".join(filter(None, (ca_file, cert_file, key_file)))
        raise ValueError(
            f"{setting}: cannot use the certificate files {named}: {error}"
        ) from error
    return context
