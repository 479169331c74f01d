"""Settings for every test: a busy machine must not fail a property for being slow."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("lockgate", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("lockgate")
