"""Describe a network by its card, so that whoever chooses one sees its bands, classes and resolution."""

from __future__ import annotations

from tools.catalog.records import Content, Network
from tools.contract import Source
from tools.storage import formats
from tools.storage.networks import checked_card


def describe_network(source: Source) -> Content:
    """Describe a network; raise NotFoundError or DataError where its card is missing or does not fit its weights."""
    card = checked_card(source.path)
    return Content(
        kind="network",
        driver=formats.DRIVERS[formats.NETWORK[0]],
        licence=card.licence,
        attribution=card.attribution,
        network=Network.model_validate(card.model_dump(include=set(Network.model_fields))),
    )
