"""Grafana's dashboards as code: what property managers look at. Imports `config` only, and history only by name."""
