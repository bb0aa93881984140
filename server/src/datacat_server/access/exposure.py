"""Who could get in as things are set, and what is said of it at the start."""

import ipaddress

from datacat_server.config import Config, ConfigError
from datacat_server.store.keys import KeyStore


def is_loopback(host: str) -> bool:
    """Whether an address to listen on can be reached from this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def warnings(config: Config, store: KeyStore) -> list[str]:
    """What whoever starts a server should know of its doors; nothing where there is nothing to say.

    Raises ConfigError where a key is required and there is none, and StoreError.
    """
    any_kept = any(key.revoked is None for key in store.api_keys())
    if config.require_api_key and not config.api_key and not any_kept:
        raise ConfigError(
            "api_key: is missing, and require_api_key is set; make one with `datacat keys add`, or set it"
        )
    said = []
    if not is_loopback(config.host):
        if not config.require_api_key:
            said.append(
                f"Listening on {config.host} without asking for a key: whoever reaches this machine over the network "
                "can read, change and delete every session. Make a key with `datacat keys add` and set "
                "require_api_key, or set host to 127.0.0.1."
            )
        elif config.tls_cert_file is None:
            said.append(
                f"Listening on {config.host} without TLS: keys and sessions cross the network as plain text. Set "
                "tls_cert_file and tls_key_file, unless a proxy in front speaks TLS."
            )
    if any_kept and not config.require_api_key and not said:
        said.append("There are API keys, but require_api_key is not set: whoever has no key is let in, too.")
    return said
