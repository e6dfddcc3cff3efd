"""The words of a generated scene that questions about its features use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from agent.api import RunResult
from asking import assert_first
from generated_scene import Scene, Site
from generated_words import FACILITIES, Noun, pick


@dataclass(frozen=True)
class Words:
    """The words of a scene that questions of this kind use."""

    scene: Scene
    rng: np.random.Generator

    def facility(self) -> tuple[Noun, list[Site]]:
        """Return a kind of site that occurs, and the sites of that kind."""
        layer = self.scene.sites
        value = pick(self.rng, layer.values(layer.class_column))
        noun = next(noun for noun in FACILITIES if noun.one == value.lower())
        return noun, layer.where(layer.class_column, value)

    def zone(self) -> str:
        """Return the name of a zone inside the rasters."""
        return pick(self.rng, self.scene.zone_names())

    def ask(self, template: str, **slots: object) -> str:
        """Fill a template with the words of the scene and the slots given."""
        scene = self.scene
        return template.format(
            zone=scene.zones.noun.one,
            zones=scene.zones.noun.many,
            sites=scene.sites.noun.many,
            routes=scene.routes.noun.many,
            route_noun=scene.routes.noun.one,
            parcels=scene.parcels.noun.many,
            parcel=scene.parcels.noun.one,
            extent=scene.extent.noun.one if len(scene.extent.features) == 1 else scene.extent.noun.many,
            kind_column=scene.sites.class_column,
            class_column=scene.parcels.class_column,
            route_column=scene.routes.class_column,
            number=scene.sites.number_column,
            **slots,
        )


def count_is(value: int) -> Callable[[RunResult], None]:
    return lambda result: assert_first(result, value, name="count")
