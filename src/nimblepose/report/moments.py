"""Which moments are worth a second look: those of the lowest scores, far enough apart."""

from collections.abc import Iterable, Sequence

from nimblepose.report.bins import Sighting, WideningBins


def list_weakest(bins: WideningBins) -> list[Sighting]:
    """The weakest sighting of every identity in every bin, or of everybody where there are no identities."""
    everybody = [bin_.weakest for _, bin_ in bins if bin_.weakest]
    return [step.weakest for _, bin_ in bins for step in bin_.steps.values()] or everybody


def choose_weakest(sightings: Iterable[Sighting], *, count: int, apart: float) -> Sequence[Sighting]:
    """The `count` of the lowest scores, weakest first; of one identity, only such as are `apart` seconds."""
    chosen: list[Sighting] = []
    for sighting in sorted(sightings, key=lambda sighting: (sighting.score, sighting.time)):
        if len(chosen) == count:
            break
        near = (other for other in chosen if (other.identity, other.file) == (sighting.identity, sighting.file))
        if all(abs(other.time - sighting.time) >= apart for other in near):
            chosen.append(sighting)
    return chosen
