"""A map of the community that the site brings along: a picture, and which part of the world it shows."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from config.profile import Strict

Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]


class SiteMap(Strict):
    """`file` lies in the site folder. It shows the rectangle between these WGS-84 coordinates, north up.

    Buildings stand on it by their own coordinates, linearly: over a few kilometres that is exact to the pixel.
    """

    file: Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]*\.(svg|png)$")]
    width: Annotated[int, Field(ge=200, le=10_000)]  # of the picture, in pixels or in units of its viewBox
    height: Annotated[int, Field(ge=200, le=10_000)]
    north: Latitude
    south: Latitude
    west: Longitude
    east: Longitude

    def holds(self, latitude: float, longitude: float) -> bool:
        """True for a place on the map."""
        return self.south <= latitude <= self.north and self.west <= longitude <= self.east

    def spot(self, latitude: float, longitude: float) -> tuple[int, int]:
        """A place on the map in its own units, from its upper left corner."""
        x = (longitude - self.west) / (self.east - self.west) * self.width
        y = (self.north - latitude) / (self.north - self.south) * self.height
        return round(x), round(y)
