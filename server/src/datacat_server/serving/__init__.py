"""How applications are served: sockets, HTTP/1, TLS, and who may ask from where."""
