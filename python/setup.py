"""Only for the installers of old interpreters; what the distribution is stands in setup.cfg."""

from setuptools import setup

setup()
