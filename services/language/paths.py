"""The best ways to cut a question into known stretches."""

from __future__ import annotations

from collections.abc import Sequence

from services.language.stretches import Edge

#: Ways kept per place: the best and its rivals.
KEPT = 4


def best_paths(edges: Sequence[Sequence[Edge]]) -> list[tuple[float, tuple[Edge, ...]]]:
    """Return the best sequences of edges that cover all tokens, best first (Viterbi search, linear in the edges)."""
    size = len(edges)
    ways: list[list[tuple[float, int, Edge | None, int]]] = [[] for _ in range(size + 1)]
    ways[0] = [(0.0, 0, None, 0)]
    for place in range(size):
        kept = ways[place] = sorted(ways[place], key=lambda way: -way[0])[:KEPT]
        for edge in edges[place]:
            for rank, (score, _, _, _) in enumerate(kept):
                ways[edge.past].append((score + edge.score, place, edge, rank))
    final = sorted(ways[size], key=lambda way: -way[0])[:KEPT]
    return [(way[0], _path(ways, way)) for way in final]


def _path(
    ways: Sequence[Sequence[tuple[float, int, Edge | None, int]]], way: tuple[float, int, Edge | None, int]
) -> tuple[Edge, ...]:
    path: list[Edge] = []
    while way[2] is not None:
        path.append(way[2])
        way = ways[way[1]][way[3]]
    return tuple(reversed(path))
