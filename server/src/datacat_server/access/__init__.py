"""Who may do what: API keys and their scopes, sign-ins of browsers, attempts with wrong keys.

Knows the configuration and the store's keys; `api/` and `web/` turn what it says into answers.
"""
