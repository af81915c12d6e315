"""WGS-84 to GCJ-02, the coordinates that maps made in mainland China must use. Pure.

GCJ-02 is WGS-84 moved by up to some 600 m by a function of place. Amap, Tencent and every other map published there
expect it; a WGS-84 pin on such a map stands in the wrong street. The function was never published officially; this is
the one in common use, exact to the metre for places in mainland China (its vectors are in the tests).
"""

from __future__ import annotations

from math import cos, pi, sin, sqrt

_AXIS_M = 6_378_245.0  # Krasovsky 1940
_ECCENTRICITY_SQUARED = 0.006_693_421_622_965_943


def to_gcj02(latitude: float, longitude: float) -> tuple[float, float]:
    """(latitude, longitude) of WGS-84 as GCJ-02, in degrees. Outside of China's frame nothing is moved."""
    if not (0.8293 <= latitude <= 55.8271 and 72.004 <= longitude <= 137.8347):
        return latitude, longitude
    east, north = longitude - 105.0, latitude - 35.0
    phi = latitude / 180.0 * pi
    bend = 1.0 - _ECCENTRICITY_SQUARED * sin(phi) ** 2
    root = sqrt(bend)
    up = _northward(east, north) * 180.0 / (_AXIS_M * (1.0 - _ECCENTRICITY_SQUARED) / (bend * root) * pi)
    right = _eastward(east, north) * 180.0 / (_AXIS_M / root * cos(phi) * pi)
    return latitude + up, longitude + right


def _waves(value: float, long: float, longer: float) -> float:
    """The terms of one coordinate: amplitudes in metres, wavelengths in degrees."""
    return (
        (
            20.0 * sin(value * pi)
            + 40.0 * sin(value / 3.0 * pi)
            + long * sin(value / 12.0 * pi)
            + longer * sin(value / 30.0 * pi)
        )
        * 2.0
        / 3.0
    )


def _ripple(east: float) -> float:
    return (20.0 * sin(6.0 * east * pi) + 20.0 * sin(2.0 * east * pi)) * 2.0 / 3.0


def _northward(east: float, north: float) -> float:
    plane = -100.0 + 2.0 * east + 3.0 * north + 0.2 * north * north + 0.1 * east * north + 0.2 * sqrt(abs(east))
    return plane + _ripple(east) + _waves(north, 160.0, 320.0)


def _eastward(east: float, north: float) -> float:
    plane = 300.0 + east + 2.0 * north + 0.1 * east * east + 0.1 * east * north + 0.1 * sqrt(abs(east))
    return plane + _ripple(east) + _waves(east, 150.0, 300.0)
