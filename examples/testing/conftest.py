"""Loads the plugin for all tests of this folder."""

pytest_plugins = ["datacat_pytest"]
